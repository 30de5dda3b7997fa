"""Execution environments as LocalStack's extension has them, without LocalStack."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from harness.emulator.companion.environments import ENVIRONMENTS_PATH, EnvironmentsApi
from harness.emulator.services.base import AwsRequest, AwsResponse, CallContext
from harness.measure.meters import Meters

T = TypeVar("T")
RUNTIME = f"python3.{sys.version_info.minor}"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:app"


class Ran(NamedTuple):
    status: int
    payload: Any
    error: str | None
    logs: list[str]


class Hosting:
    """An EnvironmentsApi, asked as over HTTP."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.meters = Meters()
        self.home = home
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        options = {"clock": time.time, **options}
        self.api = EnvironmentsApi(meters=self.meters, home=home / "hosted", **options)
        self.run(self.api.start())

    def run(self, work: Awaitable[T]) -> T:
        return self.submit(work).result(60)

    def submit(self, work: Awaitable[T]) -> Any:
        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop)

    def close(self) -> None:
        self.run(self.api.close())
        self.run(self._nothing_left())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @staticmethod
    async def _nothing_left() -> None:
        """What was cancelled last takes a turn or two of the loop to end. (aiohttp lingers a while on a
        connection whose request it refused half read; that is no handler of ours.)"""
        for _ in range(1000):
            left = {
                each for each in asyncio.all_tasks() if "RequestHandler.start" not in repr(each.get_coro())
            }
            if left == {asyncio.current_task()}:
                return
            await asyncio.sleep(0)
        raise AssertionError(left)

    def folder(self, source: str, name: str = "app") -> Path:
        folder = self.home / "code" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
        return folder

    def specification(self, source: str | Path, id_: str, **changes: Any) -> dict[str, Any]:
        folder = source if isinstance(source, Path) else self.folder(source)
        function = {
            "name": "app",
            "version": "$LATEST",
            "arn": ARN,
            "role": "arn:aws:iam::000000000000:role/r",
            "handler": "app.handler",
            "timeout_s": 20,
            "memory_mb": 128,
            "runtime": RUNTIME,
            "architecture": "x86_64",
            "folder": str(folder),
            "layers": [],
            "in_place": False,
        }
        function |= {name: changes.pop(name) for name in list(changes) if name in function}
        variables = {
            "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": "app",
            **changes.pop("variables", {}),
        }
        for name, value in (
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/app"),
        ):
            variables.setdefault(name, value)
        return {
            "owner_pid": os.getpid(),
            "function": function,
            "log_group": "/aws/lambda/app",
            "log_stream": f"2026/11/24/[$LATEST]{id_}",
            "variables": variables,
            **changes,
        }

    def start(self, source: str | Path, **changes: Any) -> str:
        """A started environment's id."""
        id_ = uuid.uuid4().hex
        status, answer = self.put(id_, self.specification(source, id_, **changes))
        assert status == 200, answer
        return id_

    def put_later(self, id_: str, specification: Mapping[str, Any]) -> Any:
        """A future of the answer."""
        body = json.dumps(specification).encode()
        return self.submit(self.api.handle(self._request("PUT", f"/{id_}", body, {})))

    def put(self, id_: str, specification: Mapping[str, Any]) -> tuple[int, Any]:
        answer = self.ask("PUT", f"/{id_}", json.dumps(specification).encode())
        return answer.status, json.loads(answer.body)

    def stop(self, id_: str) -> int:
        return self.ask("DELETE", f"/{id_}").status

    def invoke(self, id_: str, payload: bytes = b"{}", **headers: str) -> Ran:
        return self.ran(self.run(self.api.handle(self._invocation(id_, payload, headers))))

    def invoke_later(self, id_: str, payload: bytes = b"{}") -> Any:
        """A future of the answer, for `ran`."""
        return self.submit(self.api.handle(self._invocation(id_, payload, {})))

    @staticmethod
    def ran(answer: AwsResponse) -> Ran:
        if answer.status != 200:
            return Ran(answer.status, json.loads(answer.body), None, [])
        length = int(answer.headers["x-launchday-payload-bytes"])
        logs = answer.body[length:].decode().splitlines(keepends=True)
        error = answer.headers.get("x-launchday-error-type")
        return Ran(200, json.loads(answer.body[:length]), error, logs)

    def _invocation(self, id_: str, payload: bytes, headers: Mapping[str, str]) -> AwsRequest:
        given = {"x-launchday-function-arn": ARN, **headers}
        return self._request("POST", f"/{id_}/invocations", payload, given)

    def ask(self, method: str, path: str, body: bytes = b"") -> AwsResponse:
        return self.run(self.api.handle(self._request(method, path, body, {})))

    @staticmethod
    def _request(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> AwsRequest:
        return AwsRequest(method, ENVIRONMENTS_PATH + path, "", headers, body, CallContext())
