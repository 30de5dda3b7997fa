"""The CBOR form of Kinesis's protocol, which is not offered, and how its clients are told.

The AWS SDK for Java sends CBOR unless it is told not to. The answer is CBOR too, so that the client shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.emulator.services.base import AwsResponse
from harness.emulator.services.json_protocol import new_request_id

_CODE = "SerializationException"
_MESSAGE = (
    "The embedded Kinesis does not offer CBOR. Switch it off in the client: set the environment variable "
    "AWS_CBOR_DISABLE=true (AWS SDK for Java: also -Daws.cborEnabled=false)."
)


def speaks_cbor(headers: Mapping[str, str]) -> bool:
    """Whether a request (lower case header names) comes in CBOR, of the old or the new protocol."""
    return "cbor" in headers.get("content-type", "") or "cbor" in headers.get("smithy-protocol", "")


def refuse_cbor() -> AwsResponse:
    """The answer to such a request."""
    body = b"\xa2" + b"".join(map(_cbor_text, ("__type", _CODE, "message", _MESSAGE)))
    headers = {"content-type": "application/x-amz-cbor-1.1", "x-amzn-requestid": new_request_id()}
    return AwsResponse(400, body, headers)


def _cbor_text(text: str) -> bytes:
    """A text string of fewer than 65,536 bytes. docs: RFC 8949, major type 3"""
    encoded = text.encode()
    if len(encoded) < 24:
        return bytes([0x60 + len(encoded)]) + encoded
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded
