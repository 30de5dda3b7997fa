"""The HTTP API by which LocalStack's Lambda has its functions run: environments started, invoked, stopped.

- `POST …/environments/checks`, a function's `runtime`, `architecture`, `folder`, `layers`: `notes` of what is
  not as on AWS.
- `PUT …/environments/{id}`, a specification: `notes`, and `state` (`ready`; `waiting` when its first
  invocation starts it).
- `POST …/environments/{id}/invocations`, the payload, with the headers REQUEST_ID, ARN, TRACE: the function's
  answer followed by its log lines, with the headers PAYLOAD_BYTES, STATUS, ERROR.
- `GET …/environments/{id}/logs`: the last log lines.
- `DELETE …/environments/{id}`: it is stopped, or will be when what runs in it has ended.
- `GET …/environments`: all of them.

What cannot be done is answered with a status and a `message`; an environment that must be initialized and
cannot be with 422 and the function's own error beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from harness.emulator.companion.paths import ENVIRONMENTS_PATH
from harness.emulator.own_paths import json_answer
from harness.emulator.services.base import AwsRequest, AwsResponse
from harness.emulator.services.lambda_.environments.runtime_api import Work
from harness.emulator.services.lambda_.environments.sandbox import InitFailed
from harness.emulator.services.lambda_.hosted.host import EnvironmentHost
from harness.emulator.services.lambda_.hosted.interpreters import Interpreters
from harness.emulator.services.lambda_.hosted.process import Keys
from harness.emulator.services.lambda_.hosted.refusal import NotHosted
from harness.emulator.services.lambda_.hosted.specification import Programs, parse_code, parse_specification
from harness.emulator.services.lambda_.invocation import new_request_id, new_trace_root
from harness.measure.meters import Meters
from harness.measure.observation import Invocation

REQUEST_ID = "x-launchday-request-id"
ARN = "x-launchday-function-arn"
TRACE = "x-launchday-trace-header"
CLIENT_CONTEXT = "x-launchday-client-context"
PAYLOAD_BYTES = "x-launchday-payload-bytes"
STATUS = "x-launchday-status"
ERROR = "x-launchday-error-type"


class EnvironmentsApi:
    """Answers what is at or below ENVIRONMENTS_PATH, by an EnvironmentHost."""

    def __init__(
        self,
        *,
        meters: Meters,
        home: Path,
        clock: Callable[[], float],
        keys: Keys | None = None,
        interpreters: Interpreters | None = None,
    ) -> None:
        self._clock = clock
        self._host = EnvironmentHost(
            meters=meters,
            home=home,
            keys=keys,
            clock=clock,
            programs=Programs(home, interpreters),
        )

    @property
    def invocations_lost(self) -> int:
        """How many were dropped because nobody took them in time."""
        return self._host.invocations_lost

    def take_invocations(self) -> list[Invocation]:
        """Those not taken before."""
        return self._host.take_invocations()

    async def start(self) -> None:
        """Be ready for environments."""
        await self._host.start()

    async def reset(self) -> None:
        """End every environment."""
        await self._host.reset()

    async def close(self) -> None:
        """End every environment, and what watches them."""
        await self._host.close()

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """The answer to a request."""
        try:
            return await self._answer(request)
        except NotHosted as refusal:
            return json_answer(refusal.status, {"message": refusal.message})

    async def _answer(self, request: AwsRequest) -> AwsResponse:
        parts = request.path.removeprefix(ENVIRONMENTS_PATH).strip("/").split("/")
        match request.method, *parts:
            case "GET", "":
                return json_answer(200, {"environments": self._host.listing()})
            case "POST", "checks":
                return json_answer(200, {"notes": await self._check(_body(request))})
            case "PUT", id_ if id_:
                return await self._start(id_, _body(request))
            case "DELETE", id_ if id_:
                await self._host.stop_environment(id_)
                return json_answer(200, {})
            case "GET", id_, "logs":
                return AwsResponse(200, self._host.recent_logs(id_).encode(), _TEXT)
            case "POST", id_, "invocations":
                return await self._invoke(id_, request)
        return json_answer(404, {"message": f"There is no {request.method} {request.path} here."})

    async def _check(self, body: dict[str, Any]) -> list[str]:
        try:
            code = parse_code(body)
        except (KeyError, TypeError) as error:
            raise NotHosted(f"The function is not described as it must be: {error!r}") from None
        return await self._host.check(code)

    async def _start(self, id_: str, body: dict[str, Any]) -> AwsResponse:
        try:
            started = await self._host.start_environment(parse_specification(id_, body))
        except InitFailed as failed:
            message = f"The environment could not be initialized: {failed.answer.error_type}"
            return json_answer(422, {"message": message, "error": failed.answer.payload.decode()})
        state = "ready" if started.is_ready else "waiting"
        return json_answer(200, {"state": state, "notes": started.notes})

    async def _invoke(self, id_: str, request: AwsRequest) -> AwsResponse:
        headers = request.headers
        work = Work(
            headers.get(REQUEST_ID) or new_request_id(),
            request.body or b"{}",
            headers.get(ARN, ""),
            0,
            headers.get(TRACE) or f"Root={new_trace_root(self._clock())}",
            headers.get(CLIENT_CONTEXT),
        )
        invoked = await self._host.invoke(id_, work)
        run = invoked.run
        answer = {
            "content-type": "application/octet-stream",
            PAYLOAD_BYTES: str(len(run.answer.payload)),
            STATUS: run.status,
        }
        if run.answer.error_type is not None:
            answer[ERROR] = run.answer.error_type.encode("ascii", "backslashreplace").decode()
        return AwsResponse(200, run.answer.payload + invoked.logs.encode(errors="replace"), answer)


_TEXT = {"content-type": "text/plain; charset=utf-8"}


def _body(request: AwsRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise NotHosted(f"The request's body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise NotHosted("The request's body must be a JSON object.")
    return body
