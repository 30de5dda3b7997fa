"""Asynchronous invocation: the policy and the loop around it, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest

from harness.emulator.services.lambda_.asynchronous.dispatcher import AsyncInvocations
from harness.emulator.services.lambda_.asynchronous.events import (
    Again,
    AsyncEvent,
    AsyncQueue,
    Done,
    RetryPolicy,
)
from harness.emulator.services.lambda_.errors import too_many_requests
from harness.emulator.services.lambda_.functions import (
    Configuration,
    EventInvokeConfig,
    Function,
    Functions,
)
from harness.emulator.services.lambda_.invocation import Call, Completed
from harness.measure.meters import Meters

ARN = "arn:aws:lambda:us-east-1:000000000000:function:app"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


def event(queued_s: float = 0.0, attempts: int = 0, throttles: int = 0, payload: bytes = b"{}") -> AsyncEvent:
    return AsyncEvent("id", ARN, payload, "async", queued_s, attempts, throttles)


def test_errors_are_retried_after_one_and_after_two_minutes() -> None:
    policy = RetryPolicy()
    assert policy.after_error(event(attempts=1), 10.0) == Again(70.0)
    assert policy.after_error(event(attempts=2), 80.0) == Again(200.0)
    assert policy.after_error(event(attempts=3), 210.0) == Done("RetriesExhausted")


def test_retries_can_be_fewer_and_their_waits_shorter() -> None:
    assert RetryPolicy(maximum_retry_attempts=0).after_error(event(attempts=1), 0.0) == Done(
        "RetriesExhausted"
    )
    assert RetryPolicy(delay_scale=0.01).after_error(event(attempts=2), 0.0) == Again(1.2)


def test_throttles_are_retried_for_six_hours_with_waits_up_to_five_minutes() -> None:
    policy, waits, now_s = RetryPolicy(), [], 0.0
    tried = event()
    while True:
        tried.throttles += 1
        decision = policy.after_throttle(tried, now_s)
        if isinstance(decision, Done):
            break
        waits.append(decision.at_s - now_s)
        now_s = decision.at_s
    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(waits[9:]) == {300}
    assert decision == Done("EventAgeExceeded")
    assert 21_300 < now_s <= 21_600


def test_the_queue_gives_events_by_time_then_by_order_and_refuses_beyond_its_bounds() -> None:
    queue = AsyncQueue(max_events=3, max_bytes=10)
    first, second, third = event(2.0, payload=b"1"), event(1.0, payload=b"2"), event(2.0, payload=b"3")
    assert all(queue.add(each) for each in (first, second, third))
    assert not queue.add(event())
    assert queue.next_at_s() == 1.0
    assert queue.due(0.5) is None
    assert [queue.due(2.0), queue.due(2.0), queue.due(2.0), queue.due(2.0)] == [second, first, third, None]
    assert queue.backlog(ARN) == 3
    queue.again(first, 5.0)
    for each in (second, third):
        queue.finish(each)
    assert queue.backlog(ARN) == 1
    assert not queue.add(event(payload=b"0123456789"))
    assert queue.add(event(payload=b"012345678"))


@dataclass
class ScriptedRunner:
    """Answers each call as scripted, and notes when it came."""

    now_s: Callable[[], float]
    script: list[str]
    trace: list[tuple[float, str]] = field(default_factory=list)

    async def run(self, function: Function, call: Call) -> Completed:
        outcome = self.script.pop(0) if self.script else "ok"
        self.trace.append((self.now_s() - 1_800_000_000.0, outcome))
        if outcome == "throttle":
            raise too_many_requests("ConcurrentInvocationLimitExceeded")
        await asyncio.sleep(1.0)
        if outcome == "error":
            payload = orjson.dumps({"errorType": "ValueError", "errorMessage": "no"})
            return Completed(payload, "Unhandled", "error", b"")
        return Completed(b'"done"', None, "ok", b"")


def dispatch(
    loop: Any,
    queues: Any,
    script: list[str],
    config: EventInvokeConfig | None = None,
    changes: Callable[[Function], None] = lambda _: None,
) -> tuple[list[tuple[float, str]], list[dict[str, Any]], dict[str, float]]:
    """One event through the dispatcher, until nothing is left: trace, messages sent, meters."""

    async def main() -> None:
        invocations.start()
        assert invocations.add(function, b'{"a":1}', "request-1", "async")
        while invocations.backlog(ARN):
            await asyncio.sleep(0.5)
        await invocations.close()

    functions, meters = Functions(), Meters()
    function = Function("app", ARN, "us-east-1", "0", Configuration("python3.12", "app.handler", "role"), 0.0)
    function.event_invoke = config
    changes(function)
    functions.add(function)
    runner: Any = ScriptedRunner(loop.time, script)
    invocations = AsyncInvocations(functions, runner, queues, meters, loop.time, 1.0)
    loop.run_until_complete(main())
    return runner.trace, queues.sent, {each.unit: each.quantity for each in meters.usage()}


def test_a_success_is_told_to_its_destination(virtual_loop: Any, queues: Any) -> None:
    trace, sent, usage = dispatch(virtual_loop, queues, ["ok"], EventInvokeConfig(on_success=QUEUE))
    assert trace == [(0.0, "ok")]
    record = orjson.loads(sent[0]["MessageBody"])
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": "request-1",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": "done",
    }
    assert usage == {"destination_deliveries": 1}


def test_errors_are_tried_three_times_and_end_in_destination_and_dead_letter_queue(
    virtual_loop: Any, queues: Any
) -> None:
    def with_dead_letters(function: Function) -> None:
        function.configuration = replace(function.configuration, dead_letter_arn=QUEUE)

    config = EventInvokeConfig(on_failure=QUEUE, on_success=QUEUE)
    trace, sent, usage = dispatch(virtual_loop, queues, ["error"] * 3, config, with_dead_letters)
    assert [(round(at_s, 3), outcome) for at_s, outcome in trace] == [
        (0, "error"),
        (61, "error"),
        (182, "error"),
    ]
    record, dead_letter = orjson.loads(sent[0]["MessageBody"]), sent[1]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "no"
    assert dead_letter["QueueUrl"] == "https://sqs.us-east-1.amazonaws.com/000000000000/dead"
    assert dead_letter["MessageBody"] == '{"a":1}'
    assert dead_letter["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": "request-1"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no"},
    }
    assert usage == {"async_dropped": 1, "destination_deliveries": 2}


def test_throttles_do_not_use_up_retries(virtual_loop: Any, queues: Any) -> None:
    trace, sent, usage = dispatch(virtual_loop, queues, ["throttle"] * 5 + ["error", "ok"])
    at_s = [round(each) for each, _ in trace]
    assert at_s == [0, 1, 3, 7, 15, 31, 92]
    assert sent == []
    assert usage == {"throttles": 5}


def test_an_event_that_would_be_too_old_ends(virtual_loop: Any, queues: Any) -> None:
    config = EventInvokeConfig(maximum_event_age_s=60, on_failure=QUEUE)
    trace, sent, _ = dispatch(virtual_loop, queues, ["error"], config)
    assert len(trace) == 1
    assert orjson.loads(sent[0]["MessageBody"])["requestContext"]["condition"] == "EventAgeExceeded"


def test_a_function_with_no_concurrency_reserved_drops_its_events_untried(
    virtual_loop: Any, queues: Any
) -> None:
    def stopped(function: Function) -> None:
        function.reserved_concurrency = 0

    trace, sent, _ = dispatch(virtual_loop, queues, [], EventInvokeConfig(on_failure=QUEUE), stopped)
    record = orjson.loads(sent[0]["MessageBody"])
    assert trace == []
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert "responseContext" not in record


@pytest.mark.parametrize("events", [100])
def test_one_busy_function_does_not_hold_up_another(virtual_loop: Any, queues: Any, events: int) -> None:
    async def main() -> list[float]:
        invocations.start()
        for number in range(events):
            invocations.add(busy, b"{}", str(number), "async")
        invocations.add(other, b"{}", "other", "async")
        while invocations.backlog(busy.arn) or invocations.backlog(other.arn):
            await asyncio.sleep(0.5)
        await invocations.close()
        return ended

    class Runner:
        async def run(self, function: Function, call: Call) -> Completed:
            await asyncio.sleep(10.0)
            if function is other:
                ended.append(virtual_loop.time() - started)
            return Completed(b"", None, "ok", b"")

    configuration = Configuration("python3.12", "app.handler", "role")
    busy = Function("busy", ARN + "1", "us-east-1", "0", configuration, 0.0)
    other = Function("other", ARN + "2", "us-east-1", "0", configuration, 0.0)
    ended: list[float] = []
    functions, started = Functions(), virtual_loop.time()
    functions.add(busy)
    functions.add(other)
    runner: Any = Runner()
    invocations = AsyncInvocations(functions, runner, queues, Meters(), virtual_loop.time, 1.0)
    assert virtual_loop.run_until_complete(main()) == [pytest.approx(10.0)]
    assert virtual_loop.time() - started == pytest.approx(40.0, abs=1.0)  # 100 events, 32 at once


def test_a_destination_that_fails_in_any_way_leaves_no_event_behind(
    virtual_loop: Any, queues: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> bytes:
        raise ValueError("no answer that can be read")

    monkeypatch.setattr(queues, "call", broken)
    trace, _, usage = dispatch(virtual_loop, queues, ["ok"], EventInvokeConfig(on_success=QUEUE))
    assert trace == [(0.0, "ok")]
    assert usage == {"destination_failures": 1}
