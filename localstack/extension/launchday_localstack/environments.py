"""The companion's execution environments, as LocalStack's Lambda has them started, invoked and stopped.

Imports nothing of LocalStack. The API is described in harness/emulator/companion/environments.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from launchday_localstack.companion import ANSWER_TIMEOUT_S, Answer, Companion

PATH = "/_launchday/environments"
INIT_LIMIT_S = 10.0
"""Of an initialization, and what it is begun again with when it took longer is the function's timeout."""
MARGIN_S = 15.0
"""What the companion may take beside that: to merge layers, to look for an interpreter."""
MAX_WAIT_S = 300.0
"""For a process, while others are being started."""


class Refused(Exception):
    """The companion said no. The message says why, in a sentence; `status` is 404 when it does not know the
    environment, 410 when it was stopped, 422 (with the function's own `error`) when it cannot initialize."""

    def __init__(self, message: str, status: int, error: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


class Code(NamedTuple):
    """A function's code on this machine's disk."""

    runtime: str
    architecture: str
    folder: str
    layers: Sequence[str]
    in_place: bool = False
    """Whether it is run where it is, for what is changed there: else it is kept while something runs it."""

    def members(self) -> dict[str, Any]:
        """As the API has it."""
        return {**self._asdict(), "layers": list(self.layers)}


class Work(NamedTuple):
    """An invocation."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_header: str


class Outcome(NamedTuple):
    """What became of an invocation: what the function answered, and all log lines since the last one."""

    payload: bytes
    is_error: bool
    logs: str


class Environments:
    """All environments of this process, by the companion. Usable by any number of threads."""

    def __init__(self, companion: Companion) -> None:
        self._companion = companion

    def check(self, code: Code) -> list[str]:
        """See that functions of `code` can be run; what of them is not as on AWS, a sentence each. Raises
        Refused, CompanionUnreachable."""
        notes: list[str] = self._ask("POST", f"{PATH}/checks", code.members())["notes"]
        return notes

    def start(self, id_: str, specification: Mapping[str, Any]) -> None:
        """Start an environment, and wait until it is initialized; when it is not its turn, its first
        invocation sees to a process. Raises Refused, CompanionUnreachable."""
        timeout_s = MAX_WAIT_S + INIT_LIMIT_S + MARGIN_S
        self._ask("PUT", f"{PATH}/{id_}", specification, timeout_s=timeout_s)

    def invoke(self, id_: str, work: Work, *, function_timeout_s: float) -> Outcome:
        """Run `work` in an environment. Raises Refused, CompanionUnreachable."""
        headers = {
            "x-launchday-request-id": work.request_id,
            "x-launchday-function-arn": work.function_arn,
            "x-launchday-trace-header": work.trace_header,
            "content-type": "application/octet-stream",
        }
        # An environment whose process has ended is started again first, twice when the first takes too long.
        timeout_s = MAX_WAIT_S + INIT_LIMIT_S + 2 * function_timeout_s + MARGIN_S
        answer = _checked(
            self._companion.send(
                "POST", f"{PATH}/{id_}/invocations", headers, work.payload, timeout_s=timeout_s
            )
        )
        told = {name.lower(): value for name, value in answer.headers}
        length = int(told["x-launchday-payload-bytes"])
        return Outcome(
            answer.body[:length],
            "x-launchday-error-type" in told,
            answer.body[length:].decode(errors="replace"),
        )

    def stop(self, id_: str) -> None:
        """Stop an environment; what runs in it goes on to its end. Raises Refused, CompanionUnreachable."""
        self._ask("DELETE", f"{PATH}/{id_}")

    def logs(self, id_: str) -> str:
        """The last log lines. Raises Refused, CompanionUnreachable."""
        return _checked(self._companion.send("GET", f"{PATH}/{id_}/logs", {})).body.decode()

    def _ask(
        self, method: str, path: str, body: object = None, *, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return json.loads(
            _checked(self._companion.send(method, path, headers, content, timeout_s=timeout_s)).body
        )


def _checked(answer: Answer) -> Answer:
    if answer.status == 200:
        return answer
    try:
        said = json.loads(answer.body)
        raise Refused(str(said["message"]), answer.status, said.get("error"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(f"The companion answered {answer.status}.", answer.status) from None
