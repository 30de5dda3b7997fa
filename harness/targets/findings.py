"""What was found out of a target by trying: for each capability whether it has it, and what was seen.

A capability is named by what a pipeline would ask of it. `can` is None where the trial could not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

CAPABILITIES: Final[Mapping[str, str]] = {
    "answers": "answers as an AWS: STS says whose account it is",
    "s3": "keeps objects, and lists them",
    "sqs": "keeps messages, and hides one that was received",
    "ssm": "keeps parameters",
    "dynamodb": "keeps items, and refuses a condition that does not hold",
    "kinesis": "keeps records in the order of their key",
    "lambda": "runs a Python function and gives back what it returns",
    "lambda.sdk": "has botocore within a function, as AWS's Python runtimes have",
    "lambda.boto3": "has boto3 there too",
    "lambda.async": "sends what failed of an asynchronous invocation to its destination",
    "kinesis.mapping": "hands records of a stream to a function",
    "dynamodb.mapping": "hands changes of a table to a function",
    "apigateway.mapping": "calls Kinesis by a REST API's mapping template",
    "apigateway.authorizer": "asks a function who may call a REST API, and hands its context on",
    "apigateway.proxy": "answers a REST API's requests by a function",
    "sns.http": "posts to a confirmed HTTP endpoint on this machine",
    "cognito": "signs a user in, with a token that is signed",
    "appsync": "runs a GraphQL query in a resolver",
    "appsync.subscription": "pushes a mutation to a WebSocket",
    "logs": "keeps functions' REPORT lines in CloudWatch Logs",
    "metrics": "counts invocations in CloudWatch",
}
"""Every capability that is tried, with what having it means."""


@dataclass(frozen=True)
class Finding:
    """What was found of one capability. `detail` is a sentence; `took_s` how long it took to find out."""

    name: str
    can: bool | None
    detail: str
    took_s: float = 0.0
    late: bool = False
    """That nothing was known in time is all that was found."""


@dataclass(frozen=True)
class Findings:
    """What was found of all of them, in the order of CAPABILITIES. `left_behind` are things of the trial
    itself that could not be taken away again."""

    found: tuple[Finding, ...]
    left_behind: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def can(self, name: str) -> bool | None:
        """Whether the target has the capability; None where it is not known, or was not tried."""
        return next((each.can for each in self.found if each.name == name), None)

    def why_not(self, name: str) -> str:
        """What was seen where it has it not."""
        return next((each.detail for each in self.found if each.name == name), "it was not tried")

    def lacking(self, wanted: Mapping[str, str]) -> list[tuple[Finding, str]]:
        """Those of `wanted` (capability: what it is for) that the target is known not to have, each with what
        it is for."""
        return [(each, wanted[each.name]) for each in self.found if each.can is False and each.name in wanted]

    def to_json(self) -> dict[str, Any]:
        """As `environment.json` keeps it."""
        return {
            "left_behind": list(self.left_behind),
            "found": [
                {"name": each.name, "can": each.can, "detail": each.detail, "took_s": round(each.took_s, 3)}
                for each in self.found
            ],
        }
