"""Counts what AWS bills of the requests that LocalStack served, in the units of the embedded AWS.

The rounding is that of the embedded services themselves. What LocalStack's extension hands on to this process
(`here`) is metered by the service that answers it, and not here again. Of a service that is LocalStack's own
and whose units cannot be told from its requests, the requests are counted as `unmetered_requests`: no price
knows that unit, so the bill says that they are unknown instead of leaving them out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from harness.emulator import billed
from harness.emulator.companion.metering.positions import Iterators
from harness.emulator.companion.metering.rows import CallRow, DeliveryRow, FilterRow, Row, StageRow
from harness.emulator.companion.metering.stream_hours import StreamHours
from harness.emulator.services.apigateway.execution import bytes_out
from harness.emulator.services.apigateway.plan import StageCounters
from harness.emulator.services.kinesis.metering import StreamMeters
from harness.emulator.services.lambda_.invocation import billed_requests
from harness.emulator.services.sns.messages import publish_requests
from harness.emulator.services.sns.metering import TopicMeters
from harness.measure.meters import Meters

_UNMETERED = ("dynamodb", "dynamodbstreams", "cognito-idp", "appsync")
_REFUSED = ("UnauthorizedException", "AccessDeniedException")
_THROUGHPUT = "ProvisionedThroughputExceededException"
_TOPIC_ARN_PARTS = 6
_MESSAGES = frozenset(
    {
        *("SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"),
        *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch"),
    }
)
"""What AWS's own services ask of a queue on its bill, too. LocalStack looks a queue's URL up besides."""


class RequestMeter:
    """`here` are the services, by boto3's names, whose requests this process meters as it answers them.
    `iterators` have followed a row before it comes."""

    def __init__(
        self, meters: Meters, here: Collection[str], iterators: Iterators, clock: Callable[[], float]
    ) -> None:
        self._meters = meters
        self._iterators = iterators
        self._here = frozenset(here)
        self._prefixes = billed.Prefixes()
        self._hours = StreamHours(self._stream, clock)
        self._apis: dict[str, str] = {}
        self._streams: dict[str, StreamMeters] = {}
        self._stages: dict[str, StageCounters] = {}
        self._topics: dict[str, TopicMeters] = {}
        self._billed: Mapping[str, Callable[[CallRow], None]] = {
            "apigateway": self._api_gateway,
            "kinesis": self._kinesis,
            "lambda": self._lambda,
            "logs": self._logs,
            "s3": self._s3,
            "sns": self._sns,
            "sqs": self._sqs,
            "ssm": lambda _row: billed.count_ssm(meters),
            **dict.fromkeys(_UNMETERED, self._unmetered),
        }
        meters.watch(self._hours.gauges)

    def take(self, row: Row) -> None:
        """Count one row."""
        if isinstance(row, CallRow):
            self._call(row)
        elif isinstance(row, StageRow):
            self._stage(row)
        elif isinstance(row, DeliveryRow):
            self._delivery(row)
        else:
            self._filter(row)

    def reset(self) -> None:
        """Forget everything but the counters, which Meters resets."""
        self._prefixes.clear()
        self._hours.clear()
        self._apis.clear()

    def _call(self, row: CallRow) -> None:
        if row.service in self._here and row.service != "lambda":
            return
        if row.service == "s3":
            row = row._replace(resource=self._prefixes.bounded(row.resource))
        elif row.service == "ssm":
            row = row._replace(resource=billed.PARAMETERS)
        if row.trace:
            self._meters.call(row.trace, row.service, _named(row), row.resource)
        if row.status < 500:  # AWS does not bill what it failed at itself
            self._billed.get(row.service, self._other)(row)

    def _kinesis(self, row: CallRow) -> None:
        if row.operation == "GetRecords" and not row.resource:  # the iterator says which stream
            shard = self._iterators.shard_of(row.detail["iterator"] or "")
            row = row._replace(resource=shard.stream if shard else "")
        stream, detail = self._stream(row.resource), row.detail
        if row.operation in ("PutRecord", "PutRecords"):
            for _shard, _sequence, size in detail.get("put", ()):
                stream.accepted(size)
            stream.throttled_records.value += detail.get("throttled", 0)
            if row.operation == "PutRecord" and row.error == _THROUGHPUT:
                stream.throttled_records.value += 1
        elif row.operation == "GetRecords" and row.status == 200:
            stream.read(detail["records"], detail["bytes"])
        elif row.status == 200:
            self._hours.changed(row)

    def _logs(self, row: CallRow) -> None:
        if row.operation == "PutLogEvents" and row.status == 200:
            billed.count_log_events(self._meters, row.resource, row.detail["events"], row.detail["bytes"])

    def _s3(self, row: CallRow) -> None:
        if row.principal == "internal":  # LocalStack keeps the functions' code in a bucket
            return
        billed.count_s3(
            self._meters,
            row.resource,
            row.operation,
            method=row.detail["method"],
            status=row.status,
            bytes_in=row.detail["in"],
            bytes_out=row.detail["out"],
        )

    def _sqs(self, row: CallRow) -> None:
        if row.principal and row.operation not in _MESSAGES:
            return
        billed.count_sqs(self._meters, row.resource, row.detail["bytes"])
        if row.principal == "sns":
            self._delivered(row, "sqs", row.detail["sent"])

    def _lambda(self, row: CallRow) -> None:
        if row.operation != "Invoke":
            return
        if row.status == 429:
            self._meters.counter("lambda", row.resource, "throttles").value += 1
        elif row.status < 300:
            if "lambda" not in self._here:
                self._meters.counter("lambda", row.resource, "unmetered_invocations").value += 1
            elif row.detail["type"] == "Event":  # whoever runs it counts one request, whatever its size
                more = billed_requests(row.detail["bytes"], synchronous=False) - 1
                self._meters.counter("lambda", row.resource, "requests").value += more
            if row.principal == "sns":
                self._delivered(row, "lambda", 1)

    def _sns(self, row: CallRow) -> None:
        if row.status != 200 or row.operation not in ("Publish", "PublishBatch"):
            return
        topic = self._topic(row.resource)
        topic.publish_requests.value += publish_requests(row.detail["bytes"])
        topic.messages.value += row.detail["messages"]

    def _delivered(self, row: CallRow, protocol: str, messages: int) -> None:
        """A call that SNS made: for a topic, or, to a dead-letter queue, for a subscription."""
        parts = row.source.split(":")
        if len(parts) < _TOPIC_ARN_PARTS:
            return
        topic = parts[_TOPIC_ARN_PARTS - 1]
        if len(parts) > _TOPIC_ARN_PARTS:
            self._topic(topic).redriven.value += messages if row.status < 300 else 0
            return
        self._meters.counter("sns", topic, f"{protocol}_attempts").value += 1
        if row.status < 300:
            self._meters.counter("sns", topic, f"{protocol}_deliveries").value += messages

    def _stage(self, row: StageRow) -> None:
        name = self._apis.get(row.api_id, row.api_id)
        stage = self._stages.get(name)
        if stage is None:
            stage = self._stages[name] = StageCounters(self._meters, name)
        stage.requests.value += 1
        stage.bytes_out.value += bytes_out(row.body_bytes, row.headers, row.header_characters)
        if row.error and row.status == 429:
            stage.throttled.value += 1
        elif row.error in _REFUSED:
            stage.unauthorized.value += 1
        elif row.status >= 500:
            stage.server_errors.value += 1
        elif row.status >= 400:
            stage.client_errors.value += 1

    def _delivery(self, row: DeliveryRow) -> None:
        protocol = "http" if row.protocol.startswith("http") else row.protocol
        self._meters.counter("sns", row.topic, f"{protocol}_attempts").value += 1
        self._meters.counter("sns", row.topic, f"{protocol}_bytes_out").value += row.body_bytes

    def _filter(self, row: FilterRow) -> None:
        topic = self._topic(row.topic)
        topic.filtered_out.value += row.kept_from
        topic.body_bytes_filtered.value += row.body_bytes

    def _api_gateway(self, row: CallRow) -> None:
        if row.detail.get("id"):
            self._apis[row.detail["id"].lower()] = row.detail["name"]
        if not row.principal:
            self._other(row)

    def _unmetered(self, row: CallRow) -> None:
        self._meters.counter(row.service, row.resource, "unmetered_requests").value += 1

    def _other(self, row: CallRow) -> None:
        billed.count_control(self._meters, row.service)

    def _stream(self, name: str) -> StreamMeters:
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = StreamMeters(self._meters, name)
        return found

    def _topic(self, name: str) -> TopicMeters:
        found = self._topics.get(name)
        if found is None:
            found = self._topics[name] = TopicMeters(self._meters, name)
        return found


def _named(row: CallRow) -> str:
    """The operation, as the latencies of calls are named: a caller who waits for a function calls otherwise
    than one who does not."""
    waits = row.operation == "Invoke" and row.detail.get("type") == "RequestResponse"
    return "Invoke:RequestResponse" if waits else row.operation
