"""The GraphQL API `live`: schema, data sources and resolvers over the devices' table, in VTL."""

from __future__ import annotations

from pathlib import Path

from deploy.standup.graphql_description import DataSource, GraphqlDescription, PipelineFunction, Resolver

SERVICE = Path(__file__).parent.parent / "services" / "live"
LIST_PARTITIONS = 8
"""Those of the index `by_account`; a pipeline resolver has at most ten functions."""

MAX_RESOLVERS = 100
"""Of one request: a field can be asked for under many aliases, and each costs a read."""

_DEVICES = "devices"
_NOTHING = "nothing"


def describe(*, region: str, devices_table: str, role_arn: str, pool_id: str) -> GraphqlDescription:
    """The API over the table, which it may read as `role_arn`, for the users of the pool."""
    listing = [_devices_of(partition) for partition in range(LIST_PARTITIONS)]
    read = PipelineFunction(
        "devicesRead",
        _DEVICES,
        _template("devices_read_request", table=devices_table),
        _template("failed", "devices_read_response", table=devices_table),
    )
    listens = (_template("account", "subscribe_request"), _template("subscribe_response"))
    return GraphqlDescription(
        schema=(SERVICE / "schema.graphql").read_text(),
        settings={
            "authenticationType": "AMAZON_COGNITO_USER_POOLS",
            "userPoolConfig": {"userPoolId": pool_id, "awsRegion": region, "defaultAction": "ALLOW"},
            "additionalAuthenticationProviders": [{"authenticationType": "AWS_IAM"}],
            "resolverCountLimit": MAX_RESOLVERS,
        },
        sources=(
            DataSource(
                _DEVICES,
                "AMAZON_DYNAMODB",
                role_arn,
                {"tableName": devices_table, "awsRegion": region},
            ),
            DataSource(_NOTHING, "NONE"),
        ),
        functions=(*listing, read),
        resolvers=(
            Resolver(
                "Query",
                "device",
                _template("account", "device_request"),
                _template("failed", "account", "device_response", "device_form", "device"),
                source=_DEVICES,
            ),
            Resolver(
                "Query",
                "devices",
                _template("account", "devices_before"),
                _template("devices_after", partitions=LIST_PARTITIONS),
                functions=tuple(function.name for function in (*listing, read)),
            ),
            Resolver(
                "Mutation",
                "publishLocation",
                _template("publish_request"),
                _template("publish_response"),
                source=_NOTHING,
            ),
            Resolver("Subscription", "onLocation", *listens, source=_NOTHING),
            Resolver("Subscription", "onAccountActivity", *listens, source=_NOTHING),
        ),
    )


def _devices_of(partition: int) -> PipelineFunction:
    return PipelineFunction(
        f"devicesOf{partition}",
        _DEVICES,
        _template("devices_of_request", partition=partition),
        _template("failed", "devices_of_response", following=partition + 1),
    )


def _template(*names: str, **values: object) -> str:
    """The templates in `names`, one after the other, with `{{name}}` of each value in its place."""
    text = "\n".join(_read(name) for name in names).replace("{{device_form}}", _read("device_form"))
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", str(value))
    return text


def _read(name: str) -> str:
    return (SERVICE / "templates" / f"{name}.vtl").read_text().rstrip()
