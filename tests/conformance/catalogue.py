"""What the conformance suite is made of: a behaviour has an id, says one thing, and names its evidence.

Lives outside the name `harness` on purpose: the suite knows a target by its AWS API alone.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest

_ID = re.compile(r"[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_Test = TypeVar("_Test", bound=Callable[..., Any])

CASES = Path(__file__).parent / "behaviours"
_DOCS = "https://docs.aws.amazon.com/"
API_REFERENCES = {
    "apigateway": "apigateway/latest/api/API_",
    "appsync": "appsync/latest/APIReference/API_",
    "cognito-idp": "cognito-user-identity-pools/latest/APIReference/API_",
    "dynamodb": "amazondynamodb/latest/APIReference/API_",
    "dynamodbstreams": "amazondynamodb/latest/APIReference/API_streams_",
    "kinesis": "kinesis/latest/APIReference/API_",
    "lambda": "lambda/latest/api/API_",
    "s3": "AmazonS3/latest/API/API_",
    "sns": "sns/latest/api/API_",
    "sqs": "AWSSimpleQueueService/latest/APIReference/API_",
    "ssm": "systems-manager/latest/APIReference/API_",
}
"""Where AWS's API reference of a service is, by boto3's name of it."""


@dataclass(frozen=True)
class Evidence:
    """Why we say that AWS does this. `documented`: `source` is the title of AWS's page and `url` its address;
    `observed`: `source` says on what. `day` (YYYY-MM-DD) is when it was read, noted or seen. `quote`, of a
    page of the API reference, is a few of its words, which botocore's copy of the page must have too; a page
    without one is named as what says so, and nobody holds its wording to the case."""

    kind: Literal["documented", "observed"]
    source: str
    url: str
    day: str
    quote: str = ""
    page: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Behaviour:
    """One thing that a service does. The part of `id` before its dot is the service's name."""

    id: str
    says: str
    evidence: Evidence

    @property
    def service(self) -> str:
        """The service's name, as the id has it."""
        return self.id.partition(".")[0]


CATALOGUE: dict[str, Behaviour] = {}
"""Every behaviour by its id, in the order of the files; filled as the test modules are imported."""


def documented(title: str, url: str, *, noted: str) -> Evidence:
    """Evidence of a page of AWS's guides: its title, its address (after https://docs.aws.amazon.com/), the
    day it was noted. Its wording is not checked: where the API reference says the same, take `reference`."""
    return Evidence("documented", title, _DOCS + url, noted)


def reference(service: str, page: str, quote: str, *, read: str) -> Evidence:
    """Evidence of AWS's API reference: boto3's name of the service, the operation or data type, and a few
    words of the page."""
    url = f"{_DOCS}{API_REFERENCES[service]}{page}.html"
    return Evidence("documented", f"API reference, {page}", url, read, quote, (service, page))


def observed(on: str, *, seen: str) -> Evidence:
    """Evidence of no document: what it was seen on, and when."""
    return Evidence("observed", on, "", seen)


def behaviour(id_: str, says: str, evidence: Evidence) -> Callable[[_Test], _Test]:
    """Make a test the case of a behaviour. Raises ValueError for an id that is malformed or taken, or a
    sentence that is none."""
    if not _ID.fullmatch(id_):
        raise ValueError(f"{id_!r} is no id of a behaviour: service.what-it-does")
    if not says.endswith(".") or not says[:1].isupper() or "|" in says or "\n" in says:
        raise ValueError(f"{id_} must say one sentence, not {says!r}")
    if not _DAY.fullmatch(evidence.day):
        raise ValueError(f"{id_}: the day of its evidence is YYYY-MM-DD, not {evidence.day!r}")

    def mark(test: _Test) -> _Test:
        if id_ in CATALOGUE:
            raise ValueError(f"two cases are called {id_}")
        CATALOGUE[id_] = Behaviour(id_, says, evidence)
        marked: _Test = pytest.mark.slow(pytest.mark.behaviour(id_)(test))
        return marked

    return mark


def catalogue() -> dict[str, Behaviour]:
    """Every behaviour there is: imports the modules of `behaviours/` and its folders, in the order of their
    own names, whichever folder they are in."""
    for path in modules():
        inside = path.relative_to(CASES).with_suffix("").parts
        importlib.import_module(".".join(("tests.conformance.behaviours", *inside)))
    return CATALOGUE


def modules() -> list[Path]:
    """The test modules that the cases are in."""
    return sorted(CASES.rglob("test_*.py"), key=lambda path: path.name)
