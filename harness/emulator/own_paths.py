"""The paths under which a process of the emulator answers for itself: `/_launchday/…` and its aliases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson

from harness.emulator.observing import ProcessObserver
from harness.emulator.services.base import AwsRequest, AwsResponse

HEALTH_PATH = "/_launchday/health"
OBSERVATION_PATH = "/_launchday/observation"
RESET_PATH = "/_launchday/reset"
COGNITO_MESSAGES_PATH = "/_launchday/cognito/messages"
"""What Cognito would have sent to its users, with their codes."""
Answer = Callable[[AwsRequest], Awaitable[Any]]


class OwnPaths:
    """Answers `(method, path)` with what a coroutine returns, as JSON; anything else with 404."""

    def __init__(self, answers: Mapping[tuple[str, str], Answer]) -> None:
        self._answers = answers

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to `request`."""
        answer = self._answers.get((request.method, request.path))
        if answer is None:
            known = ", ".join(f"{method} {path}" for method, path in self._answers)
            return json_answer(
                404, {"message": f"There is no {request.method} {request.path} here. There is: {known}."}
            )
        return json_answer(200, await answer(request))


def process_answers(
    observer: ProcessObserver, reset: Callable[[], Awaitable[None]]
) -> dict[tuple[str, str], Answer]:
    """What a process behind the edge answers: that it is there, what it sees, and that it forgot all."""

    async def health(_request: AwsRequest) -> object:
        return {"status": "running"}

    async def observe(request: AwsRequest) -> object:
        return observer.observe(query_value(request, "after"))

    async def forget(_request: AwsRequest) -> object:
        await reset()
        observer.reset()
        return {"status": "ok"}

    return {("GET", HEALTH_PATH): health, ("GET", OBSERVATION_PATH): observe, ("POST", RESET_PATH): forget}


def json_answer(status: int, value: Any) -> AwsResponse:
    """`value` as JSON."""
    return AwsResponse(status, orjson.dumps(value), {"content-type": "application/json"})


def query_value(request: AwsRequest, name: str) -> str:
    """The first value of a query parameter, or nothing."""
    return parse_qs(request.query).get(name, [""])[0]
