"""DynamoDB Streams as a service of the embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext

if TYPE_CHECKING:
    from harness.emulator.services.dynamodb.service import DynamoDbService


class DynamoDbStreamsService:
    """The streams of a DynamoDbService in the same process.

    SDKs sign for both under the one name `dynamodb` and tell them apart by target only, so over HTTP either
    service answers the targets of both."""

    name = "dynamodbstreams"

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer over HTTP."""
        return await self._dynamodb.handle(request)

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer in-process. Raises AwsError."""
        return await self._dynamodb.answer_of_streams(operation, body, context)

    async def start(self) -> None:
        """Nothing to begin: streams live with their tables."""

    async def reset(self) -> None:
        """Nothing to forget: streams go with their tables."""

    async def close(self) -> None:
        """Nothing to stop."""
