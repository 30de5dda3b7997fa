"""A resource type as LocalStack's CloudFormation runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.services.cloudformation.provider_utils import generate_default_name
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

from launchday_localstack.cloudformation.parameters import PropertyError
from launchday_localstack.cloudformation.resources import Model, Request, ResourceType

_Change = Callable[[Request], Model | None]


def provider_of(kind: ResourceType) -> type[ResourceProvider]:
    """The class that LocalStack makes an instance of for each change of such a resource."""

    class Provider(ResourceProvider):
        TYPE = kind.name
        SCHEMA: Mapping[str, Any] = kind.schema()

        def create(self, request: ResourceRequest) -> ProgressEvent:
            """Make it."""
            return _changed(request, kind.create)

        def update(self, request: ResourceRequest) -> ProgressEvent:
            """Change it in place."""
            return _changed(request, kind.update)

        def delete(self, request: ResourceRequest) -> ProgressEvent:
            """Take it away."""
            return _changed(request, kind.delete)

    return Provider


def _changed(request: ResourceRequest, change: _Change) -> ProgressEvent:
    """A failure is told with its reason: of an exception in an update LocalStack would tell another one."""
    try:
        model = change(_request(request))
    except (PropertyError, ClientError, BotoCoreError) as error:
        return ProgressEvent(OperationStatus.FAILED, resource_model={}, message=str(error))
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=model or {})


def _request(request: ResourceRequest) -> Request:
    factory = request.aws_client_factory

    def client(service: str) -> Any:
        return factory.get_client(service)

    return Request(
        properties=request.desired_state or {},
        previous=request.previous_state or {},
        client=client,
        region=request.region_name,
        account_id=request.account_id,
        default_name=generate_default_name(request.stack_name, request.logical_resource_id),
    )
