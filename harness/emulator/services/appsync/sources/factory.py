"""Makes data sources of their configurations."""

from __future__ import annotations

import secrets
from typing import Any

from harness.emulator.services.appsync.errors import not_offered
from harness.emulator.services.appsync.sources.base import Source
from harness.emulator.services.appsync.sources.dynamodb import DynamoDbSource
from harness.emulator.services.appsync.sources.dynamodb_requests import Tokens
from harness.emulator.services.appsync.sources.none import NoneSource
from harness.emulator.services.base import AwsCalls


class Sources:
    """`calls` reaches the other services."""

    def __init__(self, calls: AwsCalls) -> None:
        self._calls = calls
        self._tokens = Tokens(secrets.token_bytes(32))

    def make(self, config: dict[str, Any]) -> Source:
        """What runs for a data source. Raises AwsError BadRequestException."""
        match config["type"]:
            case "AMAZON_DYNAMODB":
                table = config["dynamodbConfig"]
                return DynamoDbSource(self._calls, table["tableName"], table["awsRegion"], self._tokens)
            case "NONE":
                return NoneSource()
        raise not_offered(f"data sources of type {config['type']}")
