"""The record of a discarded batch, as a mapping's on-failure destination gets it: where the records are, not
what they say.

docs: Retain discarded batch records for a Kinesis Data Streams event source in Lambda (read 2026)
"""

from __future__ import annotations

import uuid

import orjson

from harness.emulator.services.lambda_.asynchronous.destinations import iso_timestamp
from harness.emulator.services.lambda_.mappings.lanes import Discard
from harness.emulator.services.lambda_.names import LATEST


def discard_record(
    discard: Discard,
    *,
    function_arn: str,
    stream_arn: str,
    shard_id: str,
    request_id: str | None,
    now_s: float,
) -> bytes:
    """`request_id` is that of the last invocation, None when there was none."""
    records = discard.batch.records
    response: dict[str, object] = {"statusCode": 200, "executedVersion": LATEST}
    if discard.batch.invocations:
        response["functionError"] = "Unhandled"
    return orjson.dumps(
        {
            "requestContext": {
                "requestId": request_id or str(uuid.uuid4()),
                "functionArn": function_arn,
                "condition": discard.reason,
                "approximateInvokeCount": discard.batch.invocations,
            },
            "responseContext": response,
            "version": "1.0",
            "timestamp": iso_timestamp(now_s),
            "KinesisBatchInfo": {
                "shardId": shard_id,
                "startSequenceNumber": records[0].sequence_number,
                "endSequenceNumber": records[-1].sequence_number,
                "approximateArrivalOfFirstRecord": iso_timestamp(records[0].arrival_s),
                "approximateArrivalOfLastRecord": iso_timestamp(records[-1].arrival_s),
                "batchSize": len(records),
                "streamArn": stream_arn,
            },
        }
    )
