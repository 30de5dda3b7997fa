"""What an observer cannot see of a target: by name, each with why, in words that follow a colon.

The names are `backlog`, `iterator_age`, `authorizations`, `lambda.errors`, `lambda.throttles`, and
`usage.<service>` for what a service bills (`usage.kinesis`; services as the meters name them). What is not
named is seen. What is named is unknown wherever it would stand: it is never taken for 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

Unseen = Mapping[str, str]

BACKLOG: Final = "backlog"
ITERATOR_AGE: Final = "iterator_age"
AUTHORIZATIONS: Final = "authorizations"
"""How often API Gateway asked authorizers, or had their answer in its cache."""
LAMBDA_ERRORS: Final = "lambda.errors"
LAMBDA_THROTTLES: Final = "lambda.throttles"
USAGE: Final = "usage"
"""All that is billed: of any service."""

_OF_SERVICE: Final = "usage."


def usage_of(service: str) -> str:
    """The name of what `service` bills."""
    return f"{_OF_SERVICE}{service}"


def unseen_services(unseen: Unseen) -> dict[str, str]:
    """The services whose usage is not seen, by the meters' names, each with why."""
    return {
        name.removeprefix(_OF_SERVICE): why
        for name, why in sorted(unseen.items())
        if name.startswith(_OF_SERVICE)
    }


def why_unseen(needs: Iterable[str], unseen: Unseen) -> str | None:
    """Why something that needs `needs` cannot be said; None when all of them are seen."""
    for need in needs:
        if need == USAGE:
            services = unseen_services(unseen)
            if services:
                whys = dict.fromkeys(services.values())
                return f"the usage of {', '.join(services)} is not seen: {'; '.join(whys)}"
        elif need in unseen:
            return f"{need.replace('_', ' ')} is not seen: {unseen[need]}"
    return None
