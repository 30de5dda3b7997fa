"""What a client can see of an AWS that nobody here meters: REPORT lines, queues' lengths, metrics.

Everything that AWS bills beside Lambda's invocations is unseen, as are backlogs: the run says so, and takes
nothing for 0. CloudWatch's metrics come minutes late and not wholly by the end of a run, so they are charted
and judged by nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from harness.aws.prices.control import FREE_SERVICES
from harness.aws.prices.services import TARIFFS
from harness.errors import TargetLost
from harness.measure.meters import Gauge, Usage
from harness.measure.observation import Invocation, Observation
from harness.measure.unseen import (
    AUTHORIZATIONS,
    BACKLOG,
    ITERATOR_AGE,
    LAMBDA_ERRORS,
    LAMBDA_THROTTLES,
    usage_of,
)
from harness.pipeline import Cloud
from harness.targets.probing.bench import said
from harness.targets.report_log import FunctionLog, FunctionSettings

_EVERY_S: Final[Mapping[str, float]] = {"logs": 3.0, "queues": 5.0, "metrics": 30.0}
"""How often each is asked for: a look in between says what the last one saw."""
_NO_ANSWER: Final = (BotoCoreError, ResponseParserError)
"""No answer at all, or none that can be read."""
_LOOKS_FAILED: Final = 3
"""So many looks in a row that come to nothing, and the target is lost; one may fall into a busy moment."""
_CLIENTS: Final[Mapping[str, Any]] = {
    "connect_timeout": 3,
    "read_timeout": 15,
    "retries": {"mode": "standard", "max_attempts": 2},
}
_NOBODY: Final = "nobody meters it on this target"
_THROTTLED: Final = ("Throttling", "ThrottlingException", "LimitExceededException", "RequestLimitExceeded")


def unseen_by_a_client(no_logs: str | None) -> dict[str, str]:
    """What a client cannot see of any AWS; `no_logs` is why there are no REPORT lines, if there are none."""
    billed = {name for name, tariff in TARIFFS.items() if tariff.units} - {"lambda", *FREE_SERVICES}
    return {
        BACKLOG: "no client is told how much waits in streams, invocations and deliveries",
        ITERATOR_AGE: "CloudWatch tells it minutes later, if at all",
        AUTHORIZATIONS: _NOBODY,
        LAMBDA_ERRORS: "a REPORT line does not tell of an error that a function raised",
        LAMBDA_THROTTLES: "an invocation that was throttled leaves no line",
        **{usage_of(service): _NOBODY for service in sorted(billed)},
        **({usage_of("lambda"): no_logs} if no_logs else {}),
    }


class ClientObserver:
    """Looks at the parts of a pipeline that it is told of; without any, at every function of the account.
    `no_logs` is why CloudWatch Logs is no use, if it is none."""

    def __init__(
        self, cloud: Cloud, *, no_logs: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._clients = cloud.clients(**_CLIENTS)
        self._clock = clock
        self._since_s: float | None = None
        self._parts: Mapping[str, Sequence[str]] | None = None
        self._logs: list[FunctionLog] | None = None
        self._reads_logs = no_logs is None
        self._counted: dict[str, int] = {}
        self._gauges: list[Gauge] = []
        self._due_s = dict.fromkeys(_EVERY_S, 0.0)
        self._failed_in_a_row = 0
        self.unseen: dict[str, str] = unseen_by_a_client(no_logs)

    @property
    def completeness(self) -> str:
        """In words."""
        of = "every function of the account" if self._parts is None else "the pipeline's functions"
        invocations = (
            f"Invocations are those of {of} whose REPORT lines CloudWatch Logs gives"
            if self._reads_logs
            else "Invocations are not seen"
        )
        return (
            "Requests and answers are the generator's own record, what became of each event the product's. "
            f"{invocations}; nobody counts what other services bill, and no backlog is shown."
        )

    def look_at(self, parts: Mapping[str, Sequence[str]]) -> None:
        """See `Guided`."""
        self._parts, self._logs = parts, None

    def observe(self) -> Observation:
        """Look now at what it is time to look at. Raises TargetLost when the target has not answered for
        several looks."""
        now_s = self._clock()
        if self._since_s is None:  # what was before the first look is not the run's
            self._since_s = now_s
        invocations: list[Invocation] = []
        try:
            if self._ask_what_is_due(now_s, invocations):
                self._failed_in_a_row = 0
        except _NO_ANSWER as why:
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= _LOOKS_FAILED:
                raise TargetLost(f"The target does not answer: {said(why)}.") from why
        for invocation in invocations:
            self._counted[invocation.function] = self._counted.get(invocation.function, 0) + 1
        usage = [Usage("lambda", function, "requests", n) for function, n in sorted(self._counted.items())]
        return Observation(at_s=now_s, usage=usage, gauges=list(self._gauges), invocations=invocations)

    def still_there(self) -> None:
        """See `Checked`."""
        try:
            self._clients("sts").get_caller_identity()
        except _NO_ANSWER as why:
            raise TargetLost(f"The target does not answer: {said(why)}.") from why

    def _ask_what_is_due(self, now_s: float, invocations: list[Invocation]) -> bool:
        """Whether anything was; an answer to nothing says nothing of the target."""
        due = [what for what, every_s in _EVERY_S.items() if self._is_due(what, now_s, every_s)]
        if "logs" in due:
            if self._reads_logs:
                self._read_logs(now_s, invocations)
            else:
                self._clients("sts").get_caller_identity()
        if "queues" in due:
            self._gauges = [each for each in self._gauges if each.service != "sqs"]
            self._gauges += self._queues()
        if "metrics" in due:
            self._gauges = [each for each in self._gauges if each.service == "sqs"]
            self._gauges += self._metrics(now_s)
        return bool(due)

    def _is_due(self, what: str, now_s: float, every_s: float) -> bool:
        if now_s < self._due_s[what]:
            return False
        self._due_s[what] = now_s + every_s
        return True

    def _named(self, service: str) -> Sequence[str]:
        return (self._parts or {}).get(service, ())

    # -- functions

    def _read_logs(self, now_s: float, into: list[Invocation]) -> None:
        """What was read before a call fails counts: it is not read again."""
        try:
            if self._logs is None:
                since_s = now_s if self._since_s is None else self._since_s
                self._logs = [FunctionLog(each, since_s) for each in self._functions()]
            for log in self._logs:
                for invocation in log.read(self._clients("logs"), now_s):
                    into.append(invocation)  # noqa: PERF402 - each as it comes
        except ClientError as why:
            if _code(why) not in _THROTTLED:
                self._reads_logs = False
                self.unseen[usage_of("lambda")] = f"its log cannot be read any more ({_code(why)})"

    def _functions(self) -> list[FunctionSettings]:
        lambda_ = self._clients("lambda")
        if self._parts is None:
            pages = lambda_.get_paginator("list_functions").paginate()
            return [FunctionSettings.of(each) for page in pages for each in page["Functions"]]
        return [
            FunctionSettings.of(lambda_.get_function_configuration(FunctionName=name))
            for name in self._named("lambda")
        ]

    # -- queues and metrics

    def _queues(self) -> Iterator[Gauge]:
        sqs = self._clients("sqs")
        names = {"ApproximateNumberOfMessages": "visible_messages"}
        names["ApproximateNumberOfMessagesNotVisible"] = "hidden_messages"
        for url in self._named("sqs"):
            try:
                answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))
            except ClientError:
                continue  # a gauge that is not there is not known
            for attribute, name in names.items():
                if attribute in answer.get("Attributes", {}):
                    queue = url.rpartition("/")[2]
                    yield Gauge("sqs", queue, name, float(answer["Attributes"][attribute]))

    def _metrics(self, now_s: float) -> Iterator[Gauge]:
        """The last that CloudWatch has of each, of the last five minutes."""
        asked = [
            ("lambda", name, "iterator_age_ms", "AWS/Lambda", "IteratorAge", "FunctionName", "Maximum")
            for name in self._named("lambda")
        ] + [
            (
                "kinesis",
                name,
                "incoming_records_a_minute",
                "AWS/Kinesis",
                "IncomingRecords",
                "StreamName",
                "Sum",
            )
            for name in self._named("kinesis")
        ]
        if not asked:
            return
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": metric,
                        "Dimensions": [{"Name": dimension, "Value": resource}],
                    },
                    "Period": 60,
                    "Stat": stat,
                },
            }
            for number, (_, resource, _, namespace, metric, dimension, stat) in enumerate(asked)
        ]
        try:
            answer = self._clients("cloudwatch").get_metric_data(
                MetricDataQueries=queries, StartTime=now_s - 300, EndTime=now_s, ScanBy="TimestampDescending"
            )
        except ClientError:
            return
        for result in answer.get("MetricDataResults", ()):
            if result.get("Values"):
                service, resource, name, *_ = asked[int(result["Id"][1:])]
                yield Gauge(service, resource, name, float(result["Values"][0]))


def _code(why: ClientError) -> str:
    return str(why.response.get("Error", {}).get("Code", ""))
