"""What a client sees of an AWS, from clients that a test made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from harness.errors import TargetLost
from harness.measure.unseen import unseen_services
from harness.targets.client_observer import ClientObserver
from harness.targets.report_log import OVERLAP_S, FunctionLog, FunctionSettings

T0 = 1_800_000_000.0
PARTS = {"lambda": ["f"], "sqs": ["http://q/0/letters"], "kinesis": ["events"]}
FUNCTION = FunctionSettings("f", 512, "arm64", "python3.13", "/aws/lambda/f")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "FilterLogEvents")


def line(request_id: str, at_s: float, duration_ms: float = 20.0) -> dict[str, Any]:
    message = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms\tBilled Duration: 21 ms\t"
        "Memory Size: 512 MB\tMax Memory Used: 48 MB\t\n"
    )
    return {"eventId": request_id, "timestamp": int(at_s * 1000), "message": message}


class Logs:
    """CloudWatch Logs with the lines that a test puts in, two to a page."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        self.asked: list[dict[str, Any]] = []

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        found = [each for each in self.lines if each["timestamp"] >= asked["startTime"]]
        start = int(asked.get("nextToken", "0"))
        more = {"nextToken": str(start + 2)} if len(found) > start + 2 else {}
        return {"events": found[start : start + 2], **more}


class Aws:
    """A cloud whose clients are this object, but for the logs."""

    def __init__(self) -> None:
        self.logs = Logs()
        self.metrics: dict[str, float] = {}
        self.gone = False
        self.letters: dict[str, str] | None = {"ApproximateNumberOfMessages": "3"}

    def clients(self, **_: Any) -> Callable[[str], Any]:
        return lambda service: self.logs if service == "logs" else self

    def get_caller_identity(self) -> dict[str, Any]:
        if self.gone:
            raise EndpointConnectionError(endpoint_url="http://x")
        return {"Account": "0"}

    def get_function_configuration(self, **asked: Any) -> dict[str, Any]:
        return {"FunctionName": asked["FunctionName"], "MemorySize": 512, "Architectures": ["arm64"]}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Functions": [{"FunctionName": "f"}, {"FunctionName": "somebody-elses"}]}]

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        if self.gone:
            raise EndpointConnectionError(endpoint_url="http://x")
        if self.letters is None:
            raise refused("AccessDenied")
        return {"Attributes": self.letters}

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        found = []
        for query in asked["MetricDataQueries"]:
            name = query["MetricStat"]["Metric"]["MetricName"]
            values = [self.metrics[name], 1.0] if name in self.metrics else []
            found.append({"Id": query["Id"], "Values": values})
        return {"MetricDataResults": found}


class Watched:
    """An observer on a clock that jumps."""

    def __init__(self, **how: Any) -> None:
        self.aws = Aws()
        self.now_s = T0
        cloud: Any = self.aws
        self.observer = ClientObserver(cloud, clock=lambda: self.now_s, **how)
        self.observer.look_at(PARTS)
        self.observer.observe()

    def after(self, seconds: float) -> Any:
        self.now_s += seconds
        return self.observer.observe()


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_invocations_are_those_of_new_report_lines(watched: Watched) -> None:
    watched.aws.logs.lines = [line("a", T0 + 1), line("b", T0 + 1.5), line("c", T0 + 2)]
    seen = watched.after(3)
    assert [each.request_id for each in seen.invocations] == ["a", "b", "c"]
    first = seen.invocations[0]
    assert (first.wall_ms, first.billed_ms, first.cpu_ms) == (20.0, 21.0, None)
    assert (first.memory_mb, first.architecture, first.peak_memory_mb) == (512, "arm64", 48.0)
    assert first.started_at_s == pytest.approx(T0 + 0.98)
    assert [(u.service, u.resource, u.unit, u.quantity) for u in seen.usage] == [
        ("lambda", "f", "requests", 3)
    ]
    watched.aws.logs.lines.append(line("d", T0 + 1.2))  # late, and within what is read again
    seen = watched.after(3)
    assert [each.request_id for each in seen.invocations] == ["d"]
    assert seen.usage[0].quantity == 4


def test_what_was_before_the_first_look_is_not_the_runs(watched: Watched) -> None:
    watched.aws.logs.lines = [line("before", T0 - 1), line("after", T0 + 1)]
    assert [each.request_id for each in watched.after(3).invocations] == ["after"]


def test_logs_are_not_read_at_every_look(watched: Watched) -> None:
    asked = len(watched.aws.logs.asked)
    watched.after(1)
    watched.after(1)
    assert len(watched.aws.logs.asked) == asked
    watched.after(1)
    assert len(watched.aws.logs.asked) == asked + 1


def test_a_function_that_was_never_invoked_has_no_log_and_that_is_no_trouble(watched: Watched) -> None:
    watched.aws.logs.failure = refused("ResourceNotFoundException")
    assert watched.after(3).invocations == []
    assert "usage.lambda" not in watched.observer.unseen


def test_a_throttled_look_is_made_up_for(watched: Watched) -> None:
    watched.aws.logs.lines = [line("a", T0 + 1)]
    watched.aws.logs.failure = refused("ThrottlingException")
    assert watched.after(3).invocations == []
    watched.aws.logs.failure = None
    assert len(watched.after(3).invocations) == 1


def test_logs_that_can_no_longer_be_read_leave_lambdas_usage_unseen(watched: Watched) -> None:
    watched.aws.logs.failure = refused("AccessDeniedException")
    watched.after(3)
    assert (
        watched.observer.unseen["usage.lambda"] == "its log cannot be read any more (AccessDeniedException)"
    )
    assert "Invocations are not seen" in watched.observer.completeness


def test_an_answer_that_does_not_come_is_borne_twice(watched: Watched) -> None:
    watched.aws.logs.failure = EndpointConnectionError(endpoint_url="http://x")
    watched.after(3)
    watched.after(3)
    with pytest.raises(TargetLost, match="does not answer"):
        watched.after(3)


def test_looks_that_ask_nothing_do_not_make_up_for_answers_that_did_not_come(watched: Watched) -> None:
    watched.aws.logs.failure = EndpointConnectionError(endpoint_url="http://x")
    watched.aws.gone = True
    for _ in range(5):  # the logs after three seconds, the queues after five
        watched.after(1)
    with pytest.raises(TargetLost):
        watched.after(1)


def test_it_is_asked_whether_it_is_still_there(watched: Watched) -> None:
    watched.observer.still_there()
    watched.aws.gone = True
    with pytest.raises(TargetLost, match="does not answer"):
        watched.observer.still_there()


def test_what_was_read_before_an_answer_did_not_come_counts(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.aws.logs.lines = [line("a", T0 + 1), line("b", T0 + 1), line("c", T0 + 1)]
    whole = watched.aws.logs.filter_log_events

    def broken_off(**asked: Any) -> dict[str, Any]:
        if "nextToken" in asked:
            raise EndpointConnectionError(endpoint_url="http://x")
        return whole(**asked)

    with monkeypatch.context() as patched:
        patched.setattr(watched.aws.logs, "filter_log_events", broken_off)
        assert [each.request_id for each in watched.after(3).invocations] == ["a", "b"]
    assert [each.request_id for each in watched.after(3).invocations] == ["c"]


def test_without_logs_nothing_is_asked_and_lambdas_usage_is_unseen() -> None:
    watched = Watched(no_logs="no REPORT lines: none came")
    watched.after(3)
    assert watched.aws.logs.asked == []
    assert watched.observer.unseen["usage.lambda"] == "no REPORT lines: none came"


def test_without_logs_a_target_that_is_gone_is_noticed_too() -> None:
    watched = Watched(no_logs="none")
    watched.aws.gone = True
    watched.after(3)
    watched.after(3)
    with pytest.raises(TargetLost):
        watched.after(3)


def test_what_no_client_sees_is_named() -> None:
    unseen = Watched().observer.unseen
    assert {"backlog", "iterator_age", "lambda.errors", "lambda.throttles"} <= unseen.keys()
    services = unseen_services(unseen)
    assert {"kinesis", "dynamodb", "apigateway", "s3"} <= services.keys()
    assert services.keys().isdisjoint({"lambda", "iam", "sts"})


def test_queues_and_metrics_are_gauges_where_they_are_told(watched: Watched) -> None:
    watched.aws.metrics = {"IteratorAge": 1500.0}
    seen = watched.after(30)
    assert {(g.resource, g.name): g.value for g in seen.gauges} == {
        ("letters", "visible_messages"): 3.0,
        ("f", "iterator_age_ms"): 1500.0,
    }
    watched.aws.letters = None
    assert [g.name for g in watched.after(30).gauges] == ["iterator_age_ms"]


def test_without_parts_every_function_of_the_account_is_looked_at() -> None:
    aws = Aws()
    cloud: Any = aws
    observer = ClientObserver(cloud, clock=lambda: T0)
    observer.observe()
    assert [each["logGroupName"] for each in aws.logs.asked] == [
        "/aws/lambda/f",
        "/aws/lambda/somebody-elses",
    ]
    assert "every function of the account" in observer.completeness


def test_a_long_log_is_read_on_at_the_next_reading() -> None:
    logs = Logs()
    logs.lines = [line(str(n), T0 + n / 100) for n in range(6)]
    ticks = iter(range(0, 1000, 4))  # each page takes four seconds
    log = FunctionLog(FUNCTION, T0, clock=lambda: float(next(ticks)))
    first = [each.request_id for each in log.read(logs, T0 + 3)]
    second = [each.request_id for each in log.read(logs, T0 + 6)]
    assert (first, second) == (["0", "1", "2", "3"], ["4", "5"])


def test_ids_are_kept_as_long_as_a_line_may_come_again() -> None:
    logs = Logs()
    logs.lines = [line("old", T0), line("new", T0 + OVERLAP_S + 30)]
    log = FunctionLog(FUNCTION, T0)
    assert len(list(log.read(logs, T0 + OVERLAP_S + 31))) == 2
    assert list(log.read(logs, T0 + OVERLAP_S + 34)) == []
    assert logs.asked[-1]["startTime"] == int((T0 + 30) * 1000)


def test_a_log_group_of_a_functions_own_is_read() -> None:
    configuration = {"FunctionName": "f", "LoggingConfig": {"LogGroup": "/mine"}}
    assert FunctionSettings.of(configuration).log_group == "/mine"
    assert FunctionSettings.of({"FunctionName": "f"}).log_group == "/aws/lambda/f"
