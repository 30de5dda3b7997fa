from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from harness.aws.limits.profiles import NONE, Limits
from harness.emulator.services.appsync.contract import Operation, RequestRefused
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import ApiAuth
from harness.emulator.services.appsync.service import AppSyncService
from harness.emulator.services.appsync.sources.factory import Sources
from harness.emulator.services.base import AwsError, AwsRequest, CallContext, InvocationResult
from harness.emulator.services.dynamodb import DynamoDbService
from harness.emulator.services.outbound import DeliveryAddresses
from harness.measure.meters import Meters

ACCOUNT = "123456789012"
START_S = 1_700_000_000.0


class FakeCalls:
    """DynamoDB in-process; what was called is kept."""

    def __init__(self) -> None:
        self.dynamodb = DynamoDbService(meters=Meters(), limits=NONE, clock=lambda: START_S)
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.failure: AwsError | None = None

    async def call(self, service: str, operation: str, body: bytes, context: CallContext) -> bytes:
        assert service == "dynamodb"
        self.made.append((operation, orjson.loads(body)))
        if self.failure is not None:
            raise self.failure
        return await self.dynamodb.call(operation, body, context)


class FakeFunctions:
    """Lambda: a function's name to what it makes of a payload; the invocations are kept."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self.invoked: list[tuple[str, Any, str]] = []

    async def invoke(
        self, function: str, payload: bytes, *, invocation_type: str = "RequestResponse", **_: Any
    ) -> InvocationResult:
        given = orjson.loads(payload)
        self.invoked.append((function, given, invocation_type))
        await asyncio.sleep(0)
        if function not in self.handlers:
            raise AwsError("ResourceNotFoundException", f"Function not found: {function}", 404)
        try:
            result = self.handlers[function](given)
        except ZeroDivisionError as error:
            failed = orjson.dumps({"errorMessage": str(error), "errorType": "ZeroDivisionError"})
            return InvocationResult(200, failed, "Unhandled", "r")
        return InvocationResult(200, result if isinstance(result, bytes) else orjson.dumps(result), None, "r")


class FakeAuthorizer:
    """Lets everybody in as whoever the test says, but for the key `wrong`."""

    def __init__(self) -> None:
        self.identity = Identity("API_KEY")
        self.asked: list[Operation | None] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    async def authorize(self, api: ApiAuth, headers: Mapping[str, str], **given: Any) -> Identity:
        self.asked.append(given.get("operation"))
        if headers.get("x-api-key") == "wrong":
            raise RequestRefused("UnauthorizedException", "You are not authorized to make this call.")
        return self.identity


class FakeSubscriptions:
    def __init__(self) -> None:
        self.published: list[tuple[str, Mapping[str, Any], Any]] = []
        self.invalidated: list[tuple[str, Mapping[str, Any]]] = []
        self.dropped: list[str] = []

    def publish(self, api_id: str, mutation_field: str, arguments: Mapping[str, Any], result: Any) -> None:
        self.published.append((mutation_field, arguments, result))

    def invalidate(self, api_id: str, subscription_field: str, payload: Mapping[str, Any]) -> None:
        self.invalidated.append((subscription_field, payload))

    def drop_api(self, api_id: str) -> None:
        self.dropped.append(api_id)

    def reset(self) -> None:
        self.published.clear()


class Driver:
    """A service, used in-process."""

    def __init__(self, limits: Limits = NONE) -> None:
        self.now_s = START_S
        self.meters = Meters()
        self.calls = FakeCalls()
        self.functions = FakeFunctions()
        self.authorizer = FakeAuthorizer()
        self.subscriptions = FakeSubscriptions()
        self.context = CallContext(account_id=ACCOUNT)
        self.loop = asyncio.new_event_loop()
        self.service = AppSyncService(
            meters=self.meters,
            limits=limits,
            sources=Sources(self.calls, self.functions, DeliveryAddresses(own_ports=[4566])),
            authorizer=self.authorizer,
            make_realtime=lambda _: self.subscriptions,
            endpoint="http://127.0.0.1:4566",
            clock=lambda: self.now_s,
        )

    def run(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine)

    # -- control plane

    def __call__(self, method: str, path: str, query: str = "", /, **members: Any) -> Any:
        request = AwsRequest(method, path, query, {}, orjson.dumps(members) if members else b"", self.context)
        answer = self.run(self.service.handle(request))
        if answer.status != 200:
            message = orjson.loads(answer.body)["message"]
            raise AwsError(answer.headers["x-amzn-errortype"], message, answer.status)
        return orjson.loads(answer.body) if answer.body[:1] in b"{[" else answer.body

    @contextmanager
    def refused(self, code: str, *words: str) -> Iterator[None]:
        with pytest.raises(AwsError) as caught:
            yield
        assert caught.value.code == code
        for word in words:
            assert word in caught.value.message

    def create_api(self, sdl: str | None = None, **members: Any) -> str:
        given = {"name": "live", "authenticationType": "API_KEY", **members}
        api_id: str = self("POST", "/v1/apis", **given)["graphqlApi"]["apiId"]
        if sdl is not None:
            assert self.schema(api_id, sdl)["status"] == "SUCCESS"
        return api_id

    def schema(self, api_id: str, sdl: str) -> Any:
        definition = base64.b64encode(sdl.encode()).decode()
        self("POST", f"/v1/apis/{api_id}/schemacreation", definition=definition)
        return self("GET", f"/v1/apis/{api_id}/schemacreation")

    def source(self, api_id: str, name: str = "none", **members: Any) -> None:
        self("POST", f"/v1/apis/{api_id}/datasources", name=name, **{"type": "NONE", **members})

    def table(self, api_id: str, name: str = "devices", key: str = "id", sort: str | None = None) -> None:
        """A DynamoDB table and a data source of its name."""
        names = [(key, "HASH")] + ([(sort, "RANGE")] if sort else [])
        body = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n, _ in names],
            "KeySchema": [{"AttributeName": n, "KeyType": kind} for n, kind in names],
        }
        self.run(self.calls.dynamodb.call("CreateTable", orjson.dumps(body), self.context))
        config = {"tableName": name, "awsRegion": "us-east-1"}
        self.source(api_id, name, type="AMAZON_DYNAMODB", dynamodbConfig=config)

    def resolver(
        self,
        api_id: str,
        field: str,
        request: str | None = '{"version": "2018-05-29", "payload": $util.toJson($ctx.args)}',
        response: str | None = "$util.toJson($ctx.result)",
        source: str = "none",
        **members: Any,
    ) -> None:
        """A unit resolver; a NONE source that gives back its arguments unless told otherwise."""
        kind, _, name = field.partition(".")
        given = {
            "fieldName": name,
            "dataSourceName": source,
            "requestMappingTemplate": request,
            "responseMappingTemplate": response,
            **members,
        }
        given = {key: value for key, value in given.items() if value is not None}
        self("POST", f"/v1/apis/{api_id}/types/{kind}/resolvers", **given)

    # -- data plane

    def post(self, api_id: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """The whole answer to a request's body, given as JSON or as bytes."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        context = CallContext(account_id=ACCOUNT, request_id="request-1")
        request = AwsRequest("POST", f"/graphql/{api_id}", "", dict(headers or {}), content, context)
        return self.run(self.service.handle(request))

    def query(self, api_id: str, query: str, /, **variables: Any) -> Any:
        """The body of the answer to a query."""
        answer = self.post(api_id, {"query": query, "variables": variables})
        assert answer.status == 200, answer.body
        return orjson.loads(answer.body)


@pytest.fixture
def appsync() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.loop.close()


@pytest.fixture
def make() -> Iterator[Callable[..., Driver]]:
    made: list[Driver] = []

    def one(limits: Limits = NONE) -> Driver:
        made.append(Driver(limits))
        return made[-1]

    yield one
    for driver in made:
        driver.loop.close()
