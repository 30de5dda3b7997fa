"""LocalStack's provider plugins, `<service>:launchday`: every operation goes to the companion.

LocalStack does what it does for any provider: it names the service and the operation, decides the account and
the Region, and refuses what is not enabled. hooks.py chooses these providers; `PROVIDER_OVERRIDE_…=launchday`
does, too.
"""

from __future__ import annotations

from typing import Any

from localstack.aws.api import RequestContext
from localstack.aws.spec import load_service
from localstack.http import Response
from localstack.services.plugins import Service, ServiceLifecycleHook, aws_provider
from localstack.state import StateVisitor

from launchday_localstack.forwarding import forward_call, reset_part
from launchday_localstack.settings import SERVICES


class ForwardedProvider(ServiceLifecycleHook):
    """A service whose state and behaviour are the companion's."""

    def __init__(self, service: str) -> None:
        self.service = service

    def accept_state_visitor(self, visitor: StateVisitor) -> None:
        """There is nothing in LocalStack to be seen or saved."""

    def on_before_state_reset(self) -> None:
        """Have the companion forget the service's part, when LocalStack is told to forget the service."""
        reset_part(next(part for part, services in SERVICES.items() if self.service in services))


def forwarded_service(name: str) -> Service:
    """The service, with every operation that LocalStack's model of it has."""

    def forward(context: RequestContext, _request: Any) -> Response:
        return forward_call(context)

    operations = load_service(name).operation_names
    return Service.for_provider(
        ForwardedProvider(name), dispatch_table_factory=lambda _provider: dict.fromkeys(operations, forward)
    )


@aws_provider(api="appsync", name="launchday")
def appsync() -> Service:
    """AppSync's control plane; its data plane is in routes.py."""
    return forwarded_service("appsync")


@aws_provider(api="cognito-idp", name="launchday")
def cognito_idp() -> Service:
    """Cognito user pools."""
    return forwarded_service("cognito-idp")


@aws_provider(api="dynamodb", name="launchday")
def dynamodb() -> Service:
    """DynamoDB."""
    return forwarded_service("dynamodb")


@aws_provider(api="dynamodbstreams", name="launchday")
def dynamodbstreams() -> Service:
    """DynamoDB Streams."""
    return forwarded_service("dynamodbstreams")
