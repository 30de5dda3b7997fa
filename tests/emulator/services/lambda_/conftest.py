"""What the tests of Lambda share: virtual time, functions as packages, and the service behind a real port."""

from __future__ import annotations

import asyncio
import base64
import io
import selectors
import textwrap
import threading
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import orjson
import pytest
from aiohttp import web
from botocore.config import Config

from harness.aws.limits.profiles import FRESH, Limits
from harness.emulator.services.base import AwsCalls, AwsRequest, CallContext
from harness.emulator.services.dynamodb import DynamoDbService, DynamoDbStreamsService
from harness.emulator.services.kinesis import KinesisService
from harness.emulator.services.lambda_ import Bounds, LambdaService
from harness.emulator.services.lambda_.asynchronous.destinations import Destinations
from harness.emulator.services.lambda_.errors import too_many_requests
from harness.emulator.services.lambda_.functions import Configuration, Function, Functions
from harness.emulator.services.lambda_.invocation import Call, Completed
from harness.emulator.services.lambda_.mappings.manager import Mappings
from harness.emulator.services.lambda_.mappings.operations import MappingOperations
from harness.emulator.services.lambda_.members import Members
from harness.measure.meters import Meters

T = TypeVar("T")
Answer = Callable[[list[str]], str | None]
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:app"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/events"
CONTEXT = CallContext()
ROLE = "arn:aws:iam::000000000000:role/function"


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, it lets the loop's time jump."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing is left to wait for")
            self.loop.now_s += max(timeout, 1e-6) if timeout else 0.0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual and starts at a round number."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        self.now_s = 1_800_000_000.0
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-6  # a float of this size has no finer step

    def time(self) -> float:
        return self.now_s


@pytest.fixture
def virtual_loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@dataclass
class MemoryLogs:
    """A LogSink that keeps what it gets."""

    events: list[tuple[str, str, str]] = field(default_factory=list)

    def write(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self.events += [(group, stream, message) for _, message in events]

    @property
    def text(self) -> str:
        return "".join(message for _, _, message in self.events)


@pytest.fixture
def logs() -> MemoryLogs:
    return MemoryLogs()


@dataclass
class FakeQueues:
    """SQS, as AwsCalls reaches it."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        assert service == "sqs"
        members = orjson.loads(body)
        assert operation == "SendMessage"  # and nothing else: every request to a queue is billed
        self.sent.append(members)
        return b"{}"


@pytest.fixture
def queues() -> FakeQueues:
    return FakeQueues()


def zipped(source: str, name: str = "app.py") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, textwrap.dedent(source))
    return buffer.getvalue()


@pytest.fixture(name="zipped")
def zipped_fixture() -> Callable[..., bytes]:
    return zipped


class RunningLambda:
    """A LambdaService in a loop of its own thread, behind a loopback port."""

    def __init__(self, folder: Path, calls: AwsCalls, logs: MemoryLogs, options: Mapping[str, Any]) -> None:
        self.meters = Meters()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._folder = folder
        self._calls = calls
        self._logs = logs
        self._options = {"process_bounds": Bounds(4, 2), "limits": FRESH, **options}
        self.service, self.port = self.run(self._start())
        self.client: Any = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(parameter_validation=False, retries={"max_attempts": 0}),
        )

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(60)

    async def _start(self) -> tuple[LambdaService, int]:
        service = LambdaService(
            meters=self.meters,
            calls=self._calls,
            data_dir=self._folder,
            function_environment=lambda: {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            logs=self._logs,
            **self._options,
        )
        await service.start()

        async def answer(request: web.BaseRequest) -> web.Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            url = request.rel_url
            context = CallContext()
            asked = AwsRequest(
                request.method, url.raw_path, url.raw_query_string, headers, await request.read(), context
            )
            answered = await service.handle(asked)
            return web.Response(status=answered.status, body=answered.body, headers=answered.headers)

        def with_room(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
            size = 128 * 1024 * 1024
            return web.BaseRequest(message, payload, protocol, writer, task, self._loop, client_max_size=size)

        server = self._server = web.Server(answer, access_log=None, request_factory=with_room)
        listening = await self._loop.create_server(server, "127.0.0.1", 0)
        return service, listening.sockets[0].getsockname()[1]

    def create(self, source: str, name: str = "app", **members: Any) -> None:
        """Create a function whose handler is `handler` of `app.py`, and wait until it is active."""
        self.client.create_function(
            **{
                "FunctionName": name,
                "Runtime": "python3.12",
                "Role": ROLE,
                "Handler": "app.handler",
                "Timeout": 20,
                "Code": {"ZipFile": zipped(source)},
                **members,
            }
        )
        self.settle(name)

    def settle(self, name: str = "app") -> None:
        """Ask until nothing is being prepared, as a waiter does, but without its pauses."""
        while True:
            found = self.client.get_function_configuration(FunctionName=name)
            if (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful"):
                return

    def invoke(self, payload: bytes = b"{}", name: str = "app", **members: Any) -> dict[str, Any]:
        """Invoke, with the payload read."""
        answer: dict[str, Any] = self.client.invoke(FunctionName=name, Payload=payload, **members)
        answer["Payload"] = answer["Payload"].read()
        return answer

    def close(self) -> None:
        self.run(self.service.close())
        self.run(self._server.shutdown(0.01))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def start_lambda(
    tmp_path: Path, queues: FakeQueues, logs: MemoryLogs
) -> Iterator[Callable[..., RunningLambda]]:
    started: list[RunningLambda] = []

    def start(**options: Any) -> RunningLambda:
        calls = options.pop("calls", queues)
        started.append(RunningLambda(tmp_path, calls, logs, options))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def limits() -> Limits:
    return FRESH


class Rig:
    """A stream, a table, a function that a test plays, and the mappings between them."""

    def __init__(self, loop: Any, folder: Path, queues: Any) -> None:
        self.loop = loop
        self.meters = Meters()
        self.kinesis = KinesisService(meters=self.meters, limits=FRESH, data_dir=folder, clock=loop.time)
        self.dynamodb = DynamoDbService(meters=self.meters, limits=FRESH, clock=loop.time)
        self.streams = DynamoDbStreamsService(self.dynamodb)
        self.queues = queues
        self.asked: Counter[str] = Counter()
        """How often each operation was called."""
        self.trace: list[tuple[float, list[str]]] = []
        self.calls: list[Call] = []
        self.invocation_s = 0.0
        self.answer: Answer = lambda _: None
        functions = Functions()
        configuration = Configuration("python3.12", "app.handler", "role")
        self.function = Function("app", FUNCTION, "us-east-1", "0", configuration, 0.0)
        functions.add(self.function)
        runner: Any = self
        destinations = Destinations(self, lambda *_: asyncio.sleep(0))
        self.mappings = Mappings(functions, runner, destinations, self.meters, loop.time)
        self.operations = MappingOperations(functions, self.mappings, self, self.meters, FRESH).operations()

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        self.asked[operation] += 1
        services: dict[str, Any] = {"kinesis": self.kinesis, "dynamodbstreams": self.streams}
        if service in services:
            return bytes(await services[service].call(operation, body, context))
        return bytes(await self.queues.call(service, operation, body, context))

    async def run(self, function: Function, call: Call) -> Completed:
        """The function: notes when it was invoked with what, and answers as the test says."""
        data = [_data_of(each) for each in orjson.loads(call.payload)["Records"]]
        self.trace.append((self.loop.time(), data))
        self.calls.append(call)
        await asyncio.sleep(self.invocation_s)
        outcome = self.answer(data)
        if outcome == "throttle":
            raise too_many_requests("ConcurrentInvocationLimitExceeded")
        if outcome == "error":
            return Completed(b"{}", "Unhandled", "error", b"")
        return Completed((outcome or "null").encode(), None, "ok", b"")

    def timed(self) -> list[tuple[float, list[str]]]:
        """The trace, in seconds since the first invocation."""
        return [(round(at_s - self.trace[0][0], 2), data) for at_s, data in self.trace]

    async def table(self, view_type: str = "NEW_AND_OLD_IMAGES", name: str = "things") -> str:
        """A table of the key `id` with a stream; the ARN of that."""
        created = await self.write(
            "CreateTable",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view_type},
        )
        return str(created["TableDescription"]["LatestStreamArn"])

    async def write(self, operation: str, **members: Any) -> Any:
        return orjson.loads(await self.dynamodb.call(operation, orjson.dumps(members), CONTEXT))

    async def put_item(self, key: str, value: str = "", table: str = "things") -> None:
        await self.write("PutItem", TableName=table, Item={"id": {"S": key}, "v": {"S": value or key}})

    async def stream(self, shards: int = 1) -> None:
        await self.ask("CreateStream", StreamName="events", ShardCount=shards)
        await self.active()

    async def active(self) -> None:
        while (await self.ask("DescribeStreamSummary", StreamName="events"))["StreamDescriptionSummary"][
            "StreamStatus"
        ] != "ACTIVE":
            await asyncio.sleep(0.1)
            self.kinesis.housekeep()

    async def ask(self, operation: str, **members: Any) -> Any:
        answer = await self.kinesis.call(operation, orjson.dumps(members), CONTEXT)
        return orjson.loads(answer) if answer else None

    async def put(self, *data: str, key: str | None = None) -> None:
        for each in data:
            encoded = base64.b64encode(each.encode()).decode()
            await self.ask("PutRecord", StreamName="events", Data=encoded, PartitionKey=key or each)

    async def do(self, operation: str, **members: Any) -> Any:
        return await self.operations[operation](Members(members), CONTEXT)

    async def map(self, **members: Any) -> Any:
        given = {
            "FunctionName": "app",
            "EventSourceArn": STREAM,
            "StartingPosition": "TRIM_HORIZON",
            **members,
        }
        mapping = await self.do("CreateEventSourceMapping", **given)
        assert mapping["State"] == "Creating"
        await self.until(mapping["UUID"], "Enabled")
        return mapping

    async def until(self, mapping_id: str, state: str) -> None:
        while (await self.do("GetEventSourceMapping", UUID=mapping_id))["State"] != state:
            await asyncio.sleep(0.01)

    def has_gauge(self, name: str) -> bool:
        return any(each.name == name for each in self.mappings.gauges())

    def gauge(self, name: str) -> float:
        return next(each.value for each in self.mappings.gauges() if each.name == name)

    async def drained(self) -> None:
        while self.gauge("backlog_records"):
            await asyncio.sleep(0.05)

    def usage(self, unit: str) -> float:
        return self.meters.counter("lambda", "app", unit).value


def _data_of(record: Any) -> str:
    """What a test put into the record: a Kinesis record's data, a table's item's value."""
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "body" in record:
        return str(record["body"])
    change = record["dynamodb"]
    image = change.get("NewImage") or change.get("OldImage")
    return str(image["v"]["S"] if image else change["Keys"]["id"]["S"])


@pytest.fixture
def rig(virtual_loop: Any, tmp_path: Path, queues: Any) -> Callable[[Callable[[Rig], Awaitable[None]]], None]:
    """Runs a test's own coroutine with a fresh rig, and closes it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Rig]:
        rig = Rig(virtual_loop, tmp_path, queues)
        try:
            yield rig
        finally:
            await rig.mappings.close()
            await rig.kinesis.close()

    def run(test: Callable[[Rig], Awaitable[None]]) -> None:
        async def main() -> None:
            async with opened() as rig:
                await test(rig)

        virtual_loop.run_until_complete(main())

    return run
