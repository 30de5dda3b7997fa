"""The AWS clients of this service: one each, made once for the life of an execution environment."""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_CONFIG = Config(
    parameter_validation=False,  # what is sent is made here
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=4,
    tcp_keepalive=True,
    user_agent="launchday-fanout",  # botocore's own is put together anew for each call, for 0.2 ms of CPU
    retries={"mode": "standard", "max_attempts": 4},
)


@cache
def session() -> botocore.session.Session:
    """The session that all clients share."""
    return botocore.session.get_session()


@cache
def client(service: str) -> Any:
    """The client of `service`."""
    return session().create_client(service, config=_CONFIG)


def settle() -> None:
    """Call once all that lives for good is made: the garbage collector need not walk through it again."""
    gc.collect()
    gc.freeze()


def setting(name: str) -> str:
    """An environment variable that the service's `serverless.yml` sets."""
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"The environment variable {name} is not set; serverless.yml names it.")
    return value
