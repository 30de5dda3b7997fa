"""Calls between services in the query protocol: what a form holds, and what an error's XML says."""

from __future__ import annotations

from urllib.parse import parse_qs

from harness.emulator.gateway.query_calls import error_of, form_of
from harness.emulator.services.base import AwsError
from harness.emulator.services.query_protocol import parse_body, xml_error


def test_what_is_sent_is_what_the_other_side_reads() -> None:
    members = {
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:t",
        "Message": 'a & b = "c" é',
        "MessageAttributes": {
            "RequestID": {"DataType": "String", "StringValue": "1-2"},
            "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        },
        "Tags": [{"Key": "k", "Value": "v"}],
        "Flag": True,
        "Absent": None,
    }
    body = form_of("sns", "Publish", members)
    read = parse_body(body)
    assert (read.pop("Action"), read.pop("Version")) == ("Publish", "2010-03-31")
    assert read.pop("Flag") == "true"
    assert read == {name: members[name] for name in ("TopicArn", "Message", "MessageAttributes", "Tags")}
    assert "MessageAttributes.entry.1.Value.DataType" in parse_qs(body.decode())


def test_an_error_is_what_the_other_side_said() -> None:
    said = AwsError("NotFound", "Topic <t> & all does not exist", 404)
    answer = xml_error(said, namespace="http://sns.amazonaws.com/doc/2010-03-31/", request_id="r")
    read = error_of(answer.status, answer.body)
    assert (read.code, read.message, read.status) == (said.code, said.message, said.status)
    assert error_of(502, b"bad gateway").code == "InternalFailure"
