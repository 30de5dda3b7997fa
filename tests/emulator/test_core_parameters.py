"""What Parameter Store refuses before moto is asked."""

from __future__ import annotations

import json

import pytest

from harness.emulator.moto.operations import Operation
from harness.emulator.moto.parameters import check
from harness.emulator.services.base import AwsError, AwsRequest, CallContext

PUT = Operation("ssm", "PutParameter")


def request(body: bytes) -> AwsRequest:
    return AwsRequest("POST", "/", "", {}, body, CallContext())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"Name": "a", "Value": "x" * 4097}, "advanced-parameter tier"),
        ({"Name": "a", "Value": "x" * 4097, "Tier": "Standard"}, "maximum parameter value of 4096"),
        ({"Name": "a", "Value": "x" * 8193, "Tier": "Advanced"}, "at most 8192"),
        (
            {"Name": "a", "Value": "x" * 8193, "Tier": "Intelligent-Tiering"},
            "at most 8192",
        ),
        ({"Name": "a/b", "Value": "x"}, "fully qualified"),
    ],
)
def test_what_aws_refuses_is_refused(body: dict[str, str], words: str) -> None:
    with pytest.raises(AwsError, match=words):
        check(PUT, request(json.dumps(body).encode()))


@pytest.mark.parametrize(
    "body",
    [
        b'{"Name": "a", "Value": "' + b"x" * 4096 + b'"}',
        b'{"Name": "a", "Tier": "Intelligent-Tiering", "Value": "' + b"x" * 5000 + b'"}',
        b'{"Name": "/a/b", "Value": "x"}',
        b'{"Name": "arn:aws:ssm:us-east-1:1:parameter/a", "Value": "x"}',
        b'{"Name": 1, "Value": 2}',
        b"[]",
        b"{",
    ],
)
def test_everything_else_is_motos(body: bytes) -> None:
    check(PUT, request(body))


def test_other_operations_are_not_looked_at() -> None:
    check(Operation("ssm", "GetParameter"), request(b'{"Name": "a/b"}'))
