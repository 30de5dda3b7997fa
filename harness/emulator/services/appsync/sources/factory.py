"""Makes data sources of their configurations."""

from __future__ import annotations

import secrets
from typing import Any

from harness.emulator.services.appsync.errors import not_offered
from harness.emulator.services.appsync.sources.base import Source
from harness.emulator.services.appsync.sources.dynamodb import DynamoDbSource
from harness.emulator.services.appsync.sources.dynamodb_requests import Tokens
from harness.emulator.services.appsync.sources.http import HttpClient, HttpSource
from harness.emulator.services.appsync.sources.lambda_ import LambdaSource
from harness.emulator.services.appsync.sources.none import NoneSource
from harness.emulator.services.base import AwsCalls, FunctionInvoker
from harness.emulator.services.outbound import DeliveryAddresses


class Sources:
    """`calls` and `invoker` reach the other services; `addresses` says where HTTP data sources may go."""

    def __init__(self, calls: AwsCalls, invoker: FunctionInvoker, addresses: DeliveryAddresses) -> None:
        self._calls = calls
        self._invoker = invoker
        self._http = HttpClient(addresses)
        self._tokens = Tokens(secrets.token_bytes(32))

    def make(self, config: dict[str, Any]) -> Source:
        """What runs for a data source. Raises AwsError BadRequestException."""
        match config["type"]:
            case "AMAZON_DYNAMODB":
                table = config["dynamodbConfig"]
                return DynamoDbSource(self._calls, table["tableName"], table["awsRegion"], self._tokens)
            case "AWS_LAMBDA":
                return LambdaSource(self._invoker, config["lambdaConfig"]["lambdaFunctionArn"])
            case "HTTP":
                return HttpSource(self._http, config["httpConfig"]["endpoint"])
            case "NONE":
                return NoneSource()
        raise not_offered(f"data sources of type {config['type']}")

    async def close(self) -> None:
        """End the connections."""
        await self._http.close()
