"""How far readers are behind the streams of tables in this process."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.dynamodb import DynamoDbService
from harness.emulator.services.dynamodb.streams.for_lambda import POSITION


class TableStreams:
    """The streams of `dynamodb`."""

    def __init__(self, dynamodb: DynamoDbService) -> None:
        self._dynamodb = dynamodb

    async def behind(self, stream_arn: str, iterators: Mapping[str, str]) -> Mapping[str, int]:
        """Records behind each shard's iterator; of a shard without one, all that it retains. Raises KeyError
        when there is no such stream, or no more."""
        parts = stream_arn.split(":")
        context = CallContext(region=parts[3], account_id=parts[4])
        body = orjson.dumps({"StreamArn": stream_arn, "ShardIterators": dict(iterators)})
        try:
            answer = await self._dynamodb.answer_of_streams(POSITION, body, context)
        except AwsError as error:
            raise KeyError(stream_arn) from error
        found: dict[str, int] = orjson.loads(answer)["RecordsBehind"]
        return found
