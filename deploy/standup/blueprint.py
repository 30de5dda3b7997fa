"""What the pipeline consists of: every resource, its name, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.standup import ingest_api
from deploy.standup.buckets import Bucket
from deploy.standup.engine import Clients, Known, Resource
from deploy.standup.functions import EventSourceMapping, Function, Permission, Resolver
from deploy.standup.iam import Role, allow
from deploy.standup.names import Names
from deploy.standup.packaging import PackageCache
from deploy.standup.parameters import Parameters
from deploy.standup.queues import Queue
from deploy.standup.rest_api import ApiDescription, RestApi
from deploy.standup.seeding import Accounts
from deploy.standup.serverless import FunctionDescription, read_service, resolved
from deploy.standup.streams import NEW_ON_DEMAND_SHARDS, Stream
from deploy.standup.tables import Table

SERVICES = Path(__file__).parent.parent / "services"

_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_READ_STREAM = (
    *("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
    *("kinesis:DescribeStreamSummary", "kinesis:ListShards"),
)

# SSM parameter under /launchday/<stage>/ -> the resource whose fact it is, and which one.
_SHARED: Mapping[str, tuple[str, str]] = {
    "accounts/table": ("table accounts", "name"),
    "devices/table": ("table devices", "name"),
    "devices/stream_arn": ("table devices", "stream_arn"),
    "events/stream_arn": ("stream events", "arn"),
    "events/dead_letters_url": ("queue events", "url"),
    "events/dead_letters_arn": ("queue events", "arn"),
    "archive/bucket": ("bucket archive", "name"),
    "archive/dead_letters_arn": ("queue archive", "arn"),
    "roles/authorizer": ("role authorizer", "arn"),
    "roles/processor": ("role processor", "arn"),
    "roles/archiver": ("role archiver", "arn"),
}
_STALE_AFTER_S = "rules/stale_after_s"


@dataclass(frozen=True)
class Sizing:
    """What a deployment asks of the pipeline. `shards` is None for a stream on demand,
    which begins with `warm_shards`."""

    accounts: int = 1
    stale_after_s: int = 24 * 3600
    shards: int | None = None
    warm_shards: int = NEW_ON_DEMAND_SHARDS


class Blueprint:
    """The resources of one deployment."""

    def __init__(self, clients: Clients, names: Names, sizing: Sizing, packages: PackageCache) -> None:
        self._clients = clients
        self._names = names
        self._sizing = sizing
        self._packages = packages

    def resources(self) -> list[Resource]:
        """Everything, in no particular order: the needs give that."""
        return [*self._shared(), self._parameters(), *self._services(), *self._entrance()]

    def _shared(self) -> list[Resource]:
        clients, names = self._clients, self._names
        accounts, archive = names.own("accounts"), names.archive_bucket
        return [
            Table(clients, "table accounts", accounts, "credential"),
            Table(clients, "table devices", names.own("devices"), "device_key", stream=True),
            Stream(
                clients,
                "stream events",
                names.own("events"),
                self._sizing.shards,
                self._sizing.warm_shards,
            ),
            Bucket(clients, "bucket archive", archive, names.region),
            Queue(clients, "queue events", names.own("events-dead-letters")),
            Queue(clients, "queue archive", names.own("archive-dead-letters")),
            Accounts(
                clients,
                "accounts",
                accounts,
                self._sizing.accounts,
                names.parameter("accounts/seed"),
                names.parameter("accounts/count"),
                needs=("table accounts",),
            ),
            *self._roles(),
        ]

    def _roles(self) -> list[Resource]:
        names = self._names
        logs = allow(_LOGS, names.arn("logs", f"log-group:/aws/lambda/launchday-*-{names.stage}-*"))
        archive = f"arn:{names.partition}:s3:::{names.archive_bucket}"
        devices = names.arn("dynamodb", f"table/{names.own('devices')}")
        events = names.arn("kinesis", f"stream/{names.own('events')}")
        return [
            self._role(
                "authorizer",
                "lambda",
                logs,
                allow(["dynamodb:GetItem"], names.arn("dynamodb", f"table/{names.own('accounts')}")),
            ),
            self._role(
                "processor",
                "lambda",
                logs,
                allow(_READ_STREAM, events),
                allow(["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"], devices),
                allow(["s3:PutObject"], f"{archive}/audit/processor/*"),
                allow(["sqs:SendMessage"], names.arn("sqs", names.own("events-dead-letters"))),
                allow(
                    ["lambda:InvokeFunction"],
                    names.arn("lambda", f"function:launchday-processing-{names.stage}-archiver"),
                ),
            ),
            self._role(
                "archiver",
                "lambda",
                logs,
                allow(["s3:PutObject"], f"{archive}/archive/*", f"{archive}/audit/archiver/*"),
                allow(["sqs:SendMessage"], names.arn("sqs", names.own("archive-dead-letters"))),
            ),
            self._role("ingest", "apigateway", allow(["kinesis:PutRecord", "kinesis:PutRecords"], events)),
        ]

    def _role(self, thing: str, service: str, *statements: dict[str, object]) -> Role:
        role_name = self._names.role(thing)
        return Role(self._clients, f"role {thing}", role_name, f"{service}.amazonaws.com", statements)

    def _parameters(self) -> Parameters:
        names = self._names

        def values(known: Known) -> Mapping[str, str]:
            shared = {
                names.parameter(path): known[resource][fact] for path, (resource, fact) in _SHARED.items()
            }
            return {**shared, names.parameter(_STALE_AFTER_S): str(self._sizing.stale_after_s)}

        return Parameters(
            self._clients,
            "parameters",
            [names.parameter(path) for path in (*_SHARED, _STALE_AFTER_S)],
            values,
            needs=sorted({resource for resource, _ in _SHARED.values()}),
        )

    def _services(self) -> list[Resource]:
        resources: list[Resource] = []
        for directory in sorted(SERVICES.iterdir()):
            if not (directory / "serverless.yml").exists():
                continue
            service = read_service(directory)
            package = self._packages.package(directory, service.patterns)
            for described in service.functions:
                name = f"function {described.key}"
                function_name = self._function_name(described)
                resources.append(
                    Function(
                        self._clients, name, function_name, described, package, self._packages,
                        self._resolver, ("parameters",),
                    )
                )  # fmt: skip
                resources += [
                    EventSourceMapping(
                        self._clients,
                        f"mapping {described.key}",
                        function_name,
                        stream,
                        self._resolver,
                        (name,),
                    )
                    for stream in described.streams
                ]
        return resources

    def _function_name(self, described: FunctionDescription) -> str:
        return resolved(described.name, {"sls:stage": self._names.stage}.get)

    def _resolver(self, known: Known) -> Resolver:
        """Variables as the Serverless Framework knows them, once the parameters stand."""
        names, parameters = self._names, known["parameters"]
        own = {
            "sls:stage": names.stage,
            "opt:stage": names.stage,
            "aws:region": names.region,
            "aws:accountId": names.account_id,
        }

        def value(variable: str) -> str | None:
            source, _, path = variable.partition(":")
            return parameters.get(path) if source == "ssm" else own.get(variable)

        return lambda text: resolved(text, value)

    def _entrance(self) -> Sequence[Resource]:
        names = self._names
        authorizer = f"launchday-ingest-{names.stage}-authorizer"
        return [
            RestApi(
                self._clients,
                "api ingest",
                names.own("ingest"),
                names.stage,
                names.region,
                self._describe_ingest,
                needs=("function authorizer", "stream events", "role ingest"),
            ),
            Permission(
                self._clients,
                "ingest-authorizer",
                "function authorizer",
                authorizer,
                "apigateway.amazonaws.com",
                lambda known: names.arn(
                    "execute-api",
                    f"{known['api ingest']['id']}/authorizers/{known['api ingest']['authorizer_id']}",
                ),
                needs=("api ingest",),
            ),
        ]

    def _describe_ingest(self, known: Known) -> ApiDescription:
        return ingest_api.describe(
            region=self._names.region,
            stream_name=known["stream events"]["name"],
            role_arn=known["role ingest"]["arn"],
            authorizer_arn=known["function authorizer"]["arn"],
        )
