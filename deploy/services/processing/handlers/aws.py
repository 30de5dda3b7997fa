"""The AWS clients of this service: one each, made once for the life of an execution environment.

botocore's clients are used without boto3's layer above them (50 ms of start-up on a small function), with
parameter validation off: what is sent is made here, and checked by the service itself.
"""

from __future__ import annotations

import gc
import json
import os
import random
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_CONFIG = Config(
    parameter_validation=False,
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=4,
    tcp_keepalive=True,
    user_agent="launchday-processing",  # botocore's own is put together anew for each call, for 0.2 ms of CPU
    request_checksum_calculation="when_required",  # the signature covers the body already
    response_checksum_validation="when_required",
    retries={"mode": "standard", "max_attempts": 4},
)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """The client of `service`."""
    made = _session().create_client(service, config=_CONFIG)
    if service == "dynamodb":
        for operation in ("BatchGetItem", "BatchWriteItem"):
            made.meta.events.register(f"before-parameter-build.dynamodb.{operation}", _keep_plain)
            made.meta.events.register(f"before-call.dynamodb.{operation}", _send_plain)
            made.meta.events.register(f"before-parse.dynamodb.{operation}", _parse_plain)
    return made


def settle() -> None:
    """Call once all that lives for good is made: the garbage collector need not walk through it again and
    again while a batch makes its tens of thousands of short-lived objects (a fifth of the CPU time)."""
    gc.collect()
    gc.freeze()


# BatchGetItem and BatchWriteItem go over the wire as the JSON that is given and taken here. botocore's walk
# over the shapes of 100 items with twelve attributes costs 7 ms to read and 3 ms to write, the JSON alone
# 0.5 ms, and both give the same (no item holds binaries). Signing, retries and errors stay botocore's.


def _keep_plain(params: dict[str, Any], context: dict[str, Any], **_other: object) -> None:
    requests = params["RequestItems"]
    context["plain"] = dict(params)
    params["RequestItems"] = {table: type(request)() for table, request in requests.items()}


def _send_plain(params: dict[str, Any], context: dict[str, Any], **_other: object) -> None:
    params["body"] = json.dumps(context.pop("plain"), separators=(",", ":")).encode()


def _parse_plain(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_other: object
) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict.update(json.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def setting(name: str) -> str:
    """An environment variable that the service's `serverless.yml` sets."""
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"The environment variable {name} is not set; serverless.yml names it.")
    return value


def backoff_s(attempt: int) -> float:
    """How long to wait before attempt number `attempt` (1 is the first retry): full jitter under 50 ms
    doubling, at most 2 s."""
    return random.uniform(0, min(2.0, 0.05 * 2**attempt))
