"""Keeps moto from the services that are ours: its own models of them are empty, so an answer would be false.

moto's services reach into each other (a subscription filter into Kinesis, a rule into Lambda), and often
ignore what goes wrong there. A reach into a service of ours raises, and is remembered for the request it
happened in, so that the request fails even where moto ignores it.
"""

from __future__ import annotations

import threading
from typing import Any

from harness.emulator.services.base import AwsError

OWNED_BACKENDS = frozenset(
    {"appsync", "cognito-idp", "kinesis", "dynamodb", "dynamodbstreams", "lambda", "sns"}
)
OWNED_SCOPES = frozenset({"appsync", "cognito-idp", "kinesis", "dynamodb", "lambda", "sns"})

_reached = threading.local()


class OwnedElsewhere(RuntimeError):
    """moto reached for a service that is not in its hands here."""


def refuse_owned_backends() -> None:
    """From now on, have every reach into moto's models of our services raise OwnedElsewhere."""
    from moto.core.base_backend import BackendDict

    get_account = BackendDict.__getitem__

    def get_account_unless_owned(backends: Any, account_id: str) -> Any:
        if backends.service_name in OWNED_BACKENDS:
            _reached.service = backends.service_name
            raise OwnedElsewhere(f"{backends.service_name} is not moto's in the embedded AWS")
        return get_account(backends, account_id)

    BackendDict.__getitem__ = get_account_unless_owned


def begin_request() -> None:
    """A new request begins in this thread."""
    _reached.service = None


def refuse_reach(operation: str) -> None:
    """Raise AwsError NotImplemented when the request of this thread reached for a service of ours."""
    service = getattr(_reached, "service", None)
    if service is not None:
        raise reach_error(operation, service)


def reach_error(operation: str, service: str) -> AwsError:
    """What `operation` is answered with when it needs `service` from within moto."""
    return AwsError(
        "NotImplemented",
        f"{operation} involves {service}, which the embedded AWS cannot reach from there yet.",
        501,
    )
