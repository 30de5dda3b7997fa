"""What a service of the embedded AWS is to the process that hosts it, and what it may ask of the others.

Services share no Python objects: a service reaches another through `AwsCalls`, with the bytes that would go
over the wire, wherever that other one runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(slots=True)
class CallContext:
    """Who calls, and within what."""

    region: str = "us-east-1"
    account_id: str = "000000000000"
    trace_id: str | None = None
    """The Root of X-Amzn-Trace-Id, when the caller is a Lambda function."""
    request_id: str = ""
    signed: bool = True
    """Whether the caller signed the request. Who it was is not verified. A service that answers unsigned
    requests differently sets it."""


@dataclass(slots=True)
class AwsRequest:
    """An HTTP request as it came, body read. Header names are lower case; `path` is raw, still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    context: CallContext
    source_ip: str = "127.0.0.1"
    lines: Collection[tuple[str, str]] = ()
    """The headers line by line, names as the client spelt them; empty where that is not known."""


@dataclass(slots=True)
class AwsResponse:
    """An HTTP answer. Content-Length is the server's to add. `repeats` are further lines of headers that are
    sent more than once (Set-Cookie)."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    repeats: Sequence[tuple[str, str]] = ()


class AwsError(Exception):
    """An error that AWS documents: `code` is its name on the wire, `status` its HTTP status.

    `fields` are members of the error beside the message (`{"Type": "User"}`)."""

    def __init__(
        self, code: str, message: str, status: int = 400, fields: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields: Mapping[str, Any] = fields or {}


class AwsCalls(Protocol):
    """The AWS API as one service sees another: the JSON protocols' operation name and body."""

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        """The answer's body. Raises AwsError with what the service said, or ServiceUnavailable when its
        process does not answer."""


@dataclass(slots=True)
class InvocationResult:
    """What Invoke answers. `function_error` is None, `Handled` or `Unhandled`."""

    status: int
    payload: bytes
    function_error: str | None
    request_id: str
    log_tail: bytes = b""
    executed_version: str = "$LATEST"


InvocationType = Literal["RequestResponse", "Event", "DryRun"]


class FunctionInvoker(Protocol):
    """Lambda's Invoke, as API Gateway and the event source mappings use it."""

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        invocation_type: InvocationType = "RequestResponse",
        source: str = "api",
        context: CallContext,
    ) -> InvocationResult:
        """Invoke `function` (name, partial ARN or ARN). Raises AwsError: ResourceNotFoundException (404),
        TooManyRequestsException (429), RequestTooLargeException (413), ..."""


class LogSink(Protocol):
    """Where log lines go: CloudWatch Logs, wherever it runs."""

    def write(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Take `events`, (ms since the epoch, message) in order. Never blocks; what cannot be kept is counted
        by whoever implements this."""


class Service(Protocol):
    """An owned service. `name` is its credential-scope name: `kinesis`, `lambda`, `dynamodb`, ..."""

    name: str

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """Answer a request over HTTP. Never raises AwsError: it renders its own errors."""

    async def call(self, operation: str, body: bytes, context: CallContext) -> bytes:
        """Answer an operation of a JSON protocol in-process. Raises AwsError."""

    async def start(self) -> None:
        """Begin the service's own loops, if it has any."""

    async def reset(self) -> None:
        """Forget everything, as on a new account."""

    async def close(self) -> None:
        """Stop the loops, end the processes, release the files."""
