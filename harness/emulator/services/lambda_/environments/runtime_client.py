"""A small client of the Lambda Runtime API, for systems that awslambdaric is not built for.

It stands by itself (the standard library only) because it runs inside a function's process.
docs: Using the Lambda runtime API for custom runtimes (read 2026)
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any

API = "/2018-06-01/runtime"
Handler = Callable[[Any, "LambdaContext"], Any]


class InitFault(Exception):
    """The handler cannot be had; `type_name` is how AWS names the reason."""

    def __init__(self, type_name: str, message: str) -> None:
        super().__init__(message)
        self.type_name = type_name
        self.message = message


class LambdaContext:
    """The handler's second argument."""

    def __init__(self, request_id: str, arn: str, deadline_ms: int) -> None:
        environment = os.environ
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = None
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """What is left until the function's timeout."""
        return max(0, self._deadline_ms - int(time.time() * 1000))


class _LogHandler(logging.Handler):
    """Root handler with the line format of AWS's Python runtime."""

    def __init__(self) -> None:
        super().__init__()
        self.request_id = ""
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        self.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        print(self.format(record).replace("\n", "\r"), flush=True)


def _load_handler(handler: str) -> Handler:
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        reason = "not enough values to unpack (expected 2, got 1)"
        raise InitFault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {reason}")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        reason = f"Unable to import module '{module_name}': {error}"
        raise InitFault("Runtime.ImportModuleError", reason) from None
    except SyntaxError as error:
        reason = f"Syntax error in module '{module_name}': {error}"
        raise InitFault("Runtime.UserCodeSyntaxError", reason) from None
    try:
        found: Handler = getattr(module, name)
    except AttributeError:
        reason = f"Handler '{name}' missing on module '{module_name}'"
        raise InitFault("Runtime.HandlerNotFound", reason) from None
    return found


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _describe(error: BaseException, request_id: str) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def _log_error(error: dict[str, Any]) -> None:
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    lines += [line for entry in error["stackTrace"] for line in entry.splitlines()]
    print("\r".join(lines), flush=True)


class RuntimeClient:
    """The calls of the Runtime API over one kept connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def call(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        """(status, headers, body) of one call."""
        self._connection.request(method, f"{API}{path}", body or None, headers or {})
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()

    def report(self, path: str, error: dict[str, Any]) -> None:
        """Tell of an error of the initialization or of an invocation."""
        headers = {"Lambda-Runtime-Function-Error-Type": str(error["errorType"])}
        self.call("POST", path, json.dumps(error).encode(), headers)


def _serve(client: RuntimeClient, handler: Handler, log: _LogHandler) -> None:
    while True:
        _, headers, body = client.call("GET", "/invocation/next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
        log.request_id = request_id
        context = LambdaContext(
            request_id,
            headers["Lambda-Runtime-Invoked-Function-Arn"],
            int(headers["Lambda-Runtime-Deadline-Ms"]),
        )
        try:
            answer = json.dumps(handler(json.loads(body), context), default=_plain).encode()
        except Exception as error:
            described = _describe(error, request_id)
            _log_error(described)
            client.report(f"/invocation/{request_id}/error", described)
        else:
            client.call("POST", f"/invocation/{request_id}/response", answer)


def main(handler_name: str) -> None:
    """Load the handler, then serve invocations until the process ends."""
    client = RuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    log = _LogHandler()
    logging.Formatter.converter = time.gmtime
    logging.getLogger().addHandler(log)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        handler = _load_handler(handler_name)
    except InitFault as fault:
        described = {
            "errorMessage": fault.message,
            "errorType": fault.type_name,
            "requestId": "",
            "stackTrace": [],
        }
        _log_error(described)
        client.report("/init/error", described)
        sys.exit(1)
    except Exception as error:
        described = _describe(error, "")
        _log_error(described)
        client.report("/init/error", described)
        sys.exit(1)
    _serve(client, handler, log)
