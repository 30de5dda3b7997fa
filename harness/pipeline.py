"""A pipeline is a value: how a product is deployed, entered, and asked what became of each event.

`deploy/` holds one instance; a user's own product is another. A pipeline lives in a folder with a
`pipeline.py` that binds the name `pipeline` to an object of the `Pipeline` protocol. Nothing here knows
the name of any of its routes, functions or tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, Protocol, runtime_checkable

from harness.objectives import Objectives

Acceptance = Literal["accepted", "throttled", "failed"]

OUTCOMES_TERMINAL = ("registered", "archived", "dead_lettered")  # and "discarded:<reason>"


@dataclass(slots=True)
class Event:
    """One thing that a device says, or a *call*: a request of a customer's that carries no event.

    `event_id` is `<run>-<ordinal>` and stays the same over retries. `at_s` is when the device says it (the
    planned start of its request), in seconds since the epoch. `fields` is the rest of it, in the words of the
    pipeline's contract with its devices (JSON-able); a time in it, of a fix that is late, stale or replayed,
    may differ from `at_s`.

    A call has a negative `ordinal`, an `event_id` that nobody keeps, and no fields: its `kind` says what is
    asked, and `account` and `device_id` of whom. The ledger knows nothing of it; its latency is measured.
    """

    ordinal: int
    event_id: str
    kind: str
    account: int
    device_id: str
    at_s: float
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes over the wire, headers complete but for Host, Content-Length and Connection."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Entrance(Protocol):
    """One way in: turns events into a request, and an answer into an acceptance per event."""

    route: str
    """How reports name it: `POST /v1/devices`."""
    kinds: frozenset[str]
    """The kinds of event it takes."""
    max_events: int
    """How many events of one device and account a request may carry."""
    hops: Sequence[str]
    """The AWS steps that its answer waits for, in the names of `harness.aws.latencies`, for the modelled
    latency: `("apigateway:rest", "kinesis:PutRecord")`. Empty when they are not known."""

    def request(self, events: Sequence[Event]) -> HttpRequest:
        """The request that carries `events` (1 to `max_events`, all of one account)."""

    def acceptance(self, status: int, body: bytes, events: int) -> Sequence[Acceptance]:
        """What the answer says of each event, in the order of the request."""


@dataclass(frozen=True)
class Cloud:
    """How the AWS API of a target is reached. `endpoints` maps a service's boto3 name to its URL, and `""`
    to the URL of all others; an empty map is AWS itself."""

    region: str
    endpoints: Mapping[str, str] = field(default_factory=dict)
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None

    def endpoint(self, service: str) -> str | None:
        """The URL that serves `service`, or None for AWS's own."""
        return self.endpoints.get(service) or self.endpoints.get("")

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of `service`; `config` goes to `botocore.config.Config`."""
        return self.clients(**config)(service)

    def clients(self, **config: Any) -> Callable[[str], Any]:
        """What gives the boto3 client of a service, each made once; `config` goes to botocore's `Config`.

        They share one session: ten of them are made in a third of the time of ten sessions. May be called by
        several threads."""
        import boto3
        from botocore.config import Config

        session: Any = boto3.session.Session(
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            aws_session_token=self.session_token,
            region_name=self.region,
        )
        settings = Config(
            **{
                "retries": {"mode": "standard", "max_attempts": 5},
                # `<bucket>.localhost` is a name that many machines do not know
                **({"s3": {"addressing_style": "path"}} if self.endpoint("s3") else {}),
                **config,
            }
        )
        made: dict[str, Any] = {}
        making = Lock()

        def client(service: str) -> Any:
            with making:
                if service not in made:
                    made[service] = session.client(
                        service, endpoint_url=self.endpoint(service), config=settings
                    )
                return made[service]

        return client


@dataclass(frozen=True)
class DeployParameters:
    """What a rehearsal asks of a deployment: the number of accounts that must be known to it, and the peak
    rate that it is to be sized for."""

    accounts: int = 1
    peak_events_per_s: float = 100.0
    settings: Mapping[str, str] = field(default_factory=dict)
    """The pipeline's own parameters, as `--set name=value` gave them."""


@dataclass(slots=True)
class Outcome:
    """What the evidence says became of one event, read back through the AWS API.

    `event_id` is None when the evidence shows that something ended but cannot say which event it was.
    `outcome` is `registered`, `archived`, `discarded:<reason>` or `dead_lettered`.
    """

    event_id: str | None
    outcome: str
    at_s: float | None = None
    """When it ended, in seconds since the epoch."""
    accepted_to_processed_ms: float | None = None
    superseded: bool = False
    redelivered: bool = False
    """Seen more than once and absorbed: no reader can see it twice."""
    duplicated: bool = False
    """Seen more than once, and a reader can see it twice."""
    live: bool = False
    """It became what the product tells of its device: whoever watches the device is owed it."""


@dataclass(frozen=True)
class Unbilled:
    """Usage that exists only because the run is watched: left out of the bill, and said so.

    `resource` is as the meters name it: for S3 `<bucket>/<first segment of the key>`."""

    service: str
    resource: str
    why: str


Outputs = Mapping[str, Any]
"""What a deployment yields (JSON-able): names, addresses, keys. Stored in the run folder, secrets apart."""


class Pipeline(Protocol):
    """A product that can be rehearsed."""

    name: str
    objectives: Objectives

    def fingerprint(self) -> str:
        """A hash of all that is deployed: the same for the same product."""

    def deploy(self, cloud: Cloud, parameters: DeployParameters) -> Outputs:
        """Stand the product up, or bring what stands to what is described. Idempotent; undoes itself when it
        fails half way. Raises TargetError."""

    def destroy(self, cloud: Cloud) -> None:
        """Take down all that `deploy` stood up. Nothing there is no error."""

    def entrances(self, outputs: Outputs) -> Sequence[Entrance]:
        """The ways in, from the outputs alone: it is called in the generator's process too."""

    def evidence(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[Outcome]:
        """What became of each event of run `run_id`, in any order, an event possibly more than once."""

    def predict(self, events: Iterable[Event]) -> Iterator[tuple[int, str]]:
        """(ordinal, outcome) that the product's own rules give for `events`, which come in the order of
        `at_s`. Yields nothing for an event that cannot be predicted."""

    def unbilled(self, outputs: Outputs) -> Sequence[Unbilled]:
        """The usage of watching itself."""


Channel = Literal["webhook", "subscription"]
"""How a watcher is told: by a POST to an endpoint of its own, or over a WebSocket that it opened."""


@runtime_checkable
class Described(Protocol):
    """A pipeline that says what it is made of, for a target of which it is not known what it can do, and that
    nobody meters (`--target endpoint`). Without it, nothing is asked of such a target beforehand."""

    def needs(self, kinds: Set[str], channels: Set[Channel]) -> Mapping[str, str]:
        """What it cannot be rehearsed without, with events and calls of `kinds` and watchers by `channels`:
        names out of `harness.targets.findings.CAPABILITIES`, each with what it is needed for."""

    def parts(self, outputs: Outputs) -> Mapping[str, Sequence[str]]:
        """Its functions' and streams' names and its queues' URLs, by boto3's names `lambda`, `kinesis` and
        `sqs`."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody who is to be told of an account's devices, or (`device_id`) of one of them."""

    channel: Channel
    account: int
    device_id: str | None = None


@dataclass(frozen=True)
class LiveSubscription:
    """A GraphQL subscription of an AppSync API, and with what it is opened.

    `authorization` is the header object that AppSync's real-time protocol asks for (`host` beside
    `Authorization` or `x-api-key`), for the connection and for the subscription alike."""

    realtime_url: str
    authorization: Mapping[str, str]
    query: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """One event in a delivery. `accepted_at_s` is when the product's entrance took it in (epoch)."""

    event_id: str
    accepted_at_s: float


@dataclass(frozen=True, slots=True)
class LostDelivery:
    """A delivery that ended in a dead-letter queue: of which event, and to which endpoint's URL."""

    event_id: str
    url: str


@runtime_checkable
class Watchable(Protocol):
    """A pipeline that tells others what happens: what a scenario with `watchers` asks for beside `Pipeline`.

    The methods are called in the process of the watchers, but for `lost_deliveries`; they may block."""

    def owed_kinds(self, channel: Channel) -> frozenset[str]:
        """The kinds of event that a live one of is delivered by `channel`."""

    def add_webhook(self, outputs: Outputs, account: int, url: str) -> None:
        """Have `account`'s events posted to `url` from now on, as its owner would ask for it. The endpoint is
        up, and confirms its subscription. Raises TargetError."""

    def remove_webhooks(self, outputs: Outputs, account: int) -> None:
        """Take away whatever `add_webhook` added for `account`. Nothing there is no error."""

    def subscription(self, outputs: Outputs, watcher: Watcher) -> LiveSubscription:
        """What opens the watcher's subscription, signed in as one of the account's users.
        Raises TargetError."""

    def told(self, channel: Channel, payload: Any) -> Sequence[Told]:
        """The events in one delivery: a webhook's message (the text inside SNS's envelope), or the `data` of
        a subscription's message. Raises ValueError when it is none of the product's."""

    def lost_deliveries(self, cloud: Cloud, outputs: Outputs, run_id: str) -> Iterator[LostDelivery]:
        """The deliveries of run `run_id` that were given up."""
