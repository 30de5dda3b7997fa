"""What the pipeline consists of: every resource, its name, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from deploy.standup import access_api, ingest_api, live_api, watch
from deploy.standup.alarms import Alarm, Alarms
from deploy.standup.buckets import Bucket
from deploy.standup.engine import Clients, Known, Resource
from deploy.standup.functions import EventSourceMapping, Function, Permission, Resolver
from deploy.standup.graphql_api import GraphqlApi
from deploy.standup.iam import Role
from deploy.standup.names import Names
from deploy.standup.packaging import PackageCache
from deploy.standup.parameters import Parameters
from deploy.standup.queues import Queue
from deploy.standup.rest_api import ApiDescription, RestApi
from deploy.standup.roles import roles
from deploy.standup.seeding import Accounts
from deploy.standup.serverless import FunctionDescription, read_service, resolved
from deploy.standup.shared_names import LIVE, NEED_LIVE, SHARED, STALE_AFTER_S, WEBHOOK_HOSTS
from deploy.standup.sizing import Sizing
from deploy.standup.streams import Stream
from deploy.standup.tables import Index, Table
from deploy.standup.topics import Topic
from deploy.standup.user_pool import UserPool, Users

SERVICES = Path(__file__).parent.parent / "services"


class Blueprint:
    """The resources of one deployment."""

    def __init__(self, clients: Clients, names: Names, sizing: Sizing, packages: PackageCache) -> None:
        self._clients = clients
        self._names = names
        self._sizing = sizing
        self._packages = packages

    def resources(self) -> list[Resource]:
        """Everything, in no particular order: the needs give that."""
        return [
            *self._shared(),
            *self._live(),
            self._parameters("parameters", SHARED, self._settings()),
            self._parameters("parameters live", LIVE, {}),
            *self._services(),
            *self._entrances(),
            self._alarms(),
        ]

    def _shared(self) -> list[Resource]:
        clients, names = self._clients, self._names
        accounts, archive = names.own("accounts"), names.archive_bucket
        topic_arn = names.arn("sns", names.own("device_events"))
        return [
            Table(clients, "table accounts", accounts, "credential"),
            Table(
                clients,
                "table devices",
                names.own("devices"),
                "device_key",
                stream=True,
                index=Index("by_account", "list_key", "device_id"),
            ),
            Table(clients, "table webhooks", names.own("webhooks"), "account_id", "webhook_id"),
            Stream(
                clients,
                "stream events",
                names.own("events"),
                self._sizing.shards,
                self._sizing.warm_shards,
            ),
            Bucket(clients, "bucket archive", archive, names.region),
            self._queue("events"),
            self._queue("archive"),
            self._queue("webhooks", topic_arn),
            self._queue("fanout"),
            Topic(
                clients,
                "topic device_events",
                names.own("device_events"),
                topic_arn,
                self._sizing.webhook_retry_delay_s,
            ),
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

    def _queue(self, thing: str, writer: str | None = None) -> Queue:
        queue_name = self._names.own(f"{thing}-dead-letters")
        arn = self._names.arn("sqs", queue_name)
        return Queue(self._clients, f"queue {thing}", queue_name, arn, writer)

    def _roles(self) -> list[Resource]:
        return [
            Role(
                self._clients,
                f"role {thing}",
                self._names.role(thing),
                f"{described.service}.amazonaws.com",
                described.statements,
            )
            for thing, described in roles(self._names).items()
        ]

    def _live(self) -> list[Resource]:
        clients, names = self._clients, self._names
        return [
            UserPool(clients, "users pool", names.own("users")),
            Users(
                clients,
                "users",
                min(self._sizing.users, self._sizing.accounts),
                names.parameter("users/count"),
                pool="users pool",
                accounts="accounts",
                needs=("users pool", "accounts"),
            ),
            GraphqlApi(
                clients,
                "graphql live",
                names.own("live"),
                lambda known: live_api.describe(
                    region=names.region,
                    devices_table=names.own("devices"),
                    role_arn=known["role live"]["arn"],
                    pool_id=known["users pool"]["id"],
                ),
                needs=("users pool", "role live"),
            ),
        ]

    def _settings(self) -> Mapping[str, str]:
        return {STALE_AFTER_S: str(self._sizing.stale_after_s), WEBHOOK_HOSTS: self._sizing.webhook_hosts}

    def _parameters(
        self, name: str, shared: Mapping[str, tuple[str, str]], settings: Mapping[str, str]
    ) -> Parameters:
        parameter = self._names.parameter

        def values(known: Known) -> Mapping[str, str]:
            facts = {parameter(path): known[resource][fact] for path, (resource, fact) in shared.items()}
            return {**facts, **{parameter(path): value for path, value in settings.items()}}

        return Parameters(
            self._clients,
            name,
            [parameter(path) for path in (*shared, *settings)],
            values,
            needs=sorted({resource for resource, _ in shared.values()}),
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
                sources = ("parameters", *(["parameters live"] if described.key in NEED_LIVE else ()))
                resolver = partial(self._resolver, sources)
                function_name = self._function_name(described)
                resources.append(
                    Function(
                        self._clients, name, function_name, described, package, self._packages,
                        resolver, sources,
                    )
                )  # fmt: skip
                resources += [
                    EventSourceMapping(
                        self._clients,
                        f"mapping {described.key}",
                        function_name,
                        stream,
                        resolver,
                        (name,),
                    )
                    for stream in described.streams
                ]
        return resources

    def _function_name(self, described: FunctionDescription) -> str:
        return resolved(described.name, {"sls:stage": self._names.stage}.get)

    def _resolver(self, sources: Sequence[str], known: Known) -> Resolver:
        """Variables as the Serverless Framework knows them, once the parameters stand."""
        names = self._names
        parameters = {name: value for source in sources for name, value in known[source].items()}
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

    def _entrances(self) -> list[Resource]:
        names = self._names
        return [
            self._api("ingest", self._describe_ingest, ("role ingest",)),
            self._api("access", self._describe_access, ()),
            self._may_authorize("ingest", "authorizer"),
            self._may_authorize("access", "access_authorizer"),
            Permission(
                self._clients,
                "access-api",
                "function access_api",
                self._function_named("access", "access_api"),
                "apigateway.amazonaws.com",
                lambda known: names.arn(
                    "execute-api", f"{known['api access']['id']}/{known['api access']['stage']}/*/v1/*"
                ),
                needs=("api access", "function access_api"),
            ),
        ]

    def _api(self, thing: str, describe: Callable[[Known], ApiDescription], needs: Sequence[str]) -> Resource:
        names = self._names
        return RestApi(
            self._clients, f"api {thing}", names.own(thing), names.stage, names.region, describe, needs
        )

    def _may_authorize(self, thing: str, function: str) -> Resource:
        def source(known: Known) -> str:
            api = known[f"api {thing}"]
            return self._names.arn("execute-api", f"{api['id']}/authorizers/{api['authorizer_id']}")

        return Permission(
            self._clients,
            f"{thing}-authorizer",
            f"function {function}",
            self._function_named(thing, function),
            "apigateway.amazonaws.com",
            source,
            needs=(f"api {thing}", f"function {function}"),
        )

    def _function_arn(self, service: str, function: str) -> str:
        """An API takes a function by name, before there is one: the two need not wait for each other."""
        return self._names.arn("lambda", f"function:{self._function_named(service, function)}")

    def _function_named(self, service: str, function: str) -> str:
        return f"launchday-{service}-{self._names.stage}-{function}"

    def _describe_ingest(self, known: Known) -> ApiDescription:
        return ingest_api.describe(
            region=self._names.region,
            stream_name=self._names.own("events"),
            role_arn=known["role ingest"]["arn"],
            authorizer_arn=self._function_arn("ingest", "authorizer"),
        )

    def _describe_access(self, known: Known) -> ApiDescription:  # noqa: ARG002
        return access_api.describe(
            region=self._names.region,
            function_arn=self._function_arn("access", "access_api"),
            authorizer_arn=self._function_arn("access", "access_authorizer"),
        )

    def _alarms(self) -> Alarms:
        names = self._names
        services = {
            "authorizer": "ingest", "processor": "processing", "archiver": "processing",
            "access_authorizer": "access", "access_api": "access", "fanout": "fanout",
        }  # fmt: skip

        def describe(known: Known) -> list[Alarm]:
            return list(
                watch.alarms(
                    region=names.region,
                    functions={key: self._function_named(of, key) for key, of in services.items()},
                    stream_consumers=("processor", "fanout"),
                    apis={key: names.own(key) for key in ("ingest", "access")},
                    queues={
                        key: names.own(f"{key}-dead-letters")
                        for key in ("events", "archive", "fanout", "webhooks")
                    },
                    stream=names.own("events"),
                    topic=names.own("device_events"),
                    graphql_api_id=known["graphql live"]["id"],
                )
            )

        return Alarms(self._clients, "alarms", f"{names.own('alarm')}-", describe, needs=("graphql live",))
