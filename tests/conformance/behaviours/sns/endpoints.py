"""An HTTP endpoint of a case's own on this machine, for what pushes: SNS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.serving import KeptRequest, Request, serving


@dataclass(frozen=True)
class Received:
    """A request that came. Header names are lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class Endpoint:
    """What came so far, and what is answered: the statuses in their order, then 200 for ever."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def of_type(self, type_: str) -> list[Received]:
        """The requests whose x-amz-sns-message-type is `type_`."""
        return [each for each in self.received if each.headers.get("x-amz-sns-message-type") == type_]


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint on a port of its own, for the time of a `with` block."""
    endpoint = Endpoint()

    def take(request: Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        endpoint.received.append(Received(headers, request.body()))
        request.answer(endpoint.statuses.pop(0) if endpoint.statuses else 200)

    with serving("POST", take, KeptRequest) as url:
        endpoint.url = f"{url}/hook"
        yield endpoint
