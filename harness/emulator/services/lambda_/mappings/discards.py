"""The record of a discarded batch, as a mapping's on-failure destination gets it: where the records are, not
what they say.

docs: Retain discarded batch records, of a Kinesis and of a DynamoDB event source (read 2026)
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import orjson

from harness.emulator.services.lambda_.asynchronous.destinations import iso_timestamp
from harness.emulator.services.lambda_.mappings.lanes import Discard
from harness.emulator.services.lambda_.names import LATEST


def discard_record(
    discard: Discard,
    *,
    function_arn: str,
    batch_info: Mapping[str, object],
    request_id: str | None,
    now_s: float,
) -> bytes:
    """`batch_info` is the source's member that says where the records are; `request_id` is that of the last
    invocation, None when there was none."""
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
            **batch_info,
        }
    )
