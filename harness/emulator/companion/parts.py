"""The parts of the companion, by the names that a user turns them on and off with."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import TargetError

PARTS = ("lambda", "dynamodb", "cognito", "appsync", "authorizers")
SERVICES_OF_PARTS: Mapping[str, tuple[str, ...]] = {
    "lambda": ("lambda",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "cognito": ("cognito-idp",),
    "appsync": ("appsync",),
    "authorizers": (),
}
"""The AWS services of each part, by boto3's names."""
PARTS_VARIABLE = "LAUNCHDAY_PARTS"
"""A comma separated list of PARTS; empty is all. Who has the real thing (Docker for Lambda, Java, a token)
leaves it out. LocalStack's extension reads the same variable."""


def parts_of(text: str) -> frozenset[str]:
    """The parts that `text` lists. Raises TargetError when it names one that there is not."""
    named = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise TargetError(
            f"{PARTS_VARIABLE} names {', '.join(unknown)}, which is no part of Launchday's.",
            f"The parts are {', '.join(PARTS)}.",
        )
    return frozenset(named or PARTS)
