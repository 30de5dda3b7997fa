"""What a resource type is, and what its functions are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from launchday_localstack.cloudformation.parameters import PropertyError, parameters

Model = dict[str, Any]
"""The properties of a resource that is there, with what Fn::GetAtt answers of it."""
MISSING = ("NotFoundException", "ResourceNotFoundException", "UserNotFoundException")


@dataclass
class Request:
    """One change of one resource. `properties` are the template's, or on deletion the model; `previous` is
    the model before the change; `client` gives boto3's client of a service; `default_name` is one for a
    resource that was not given any."""

    properties: Mapping[str, Any]
    previous: Mapping[str, Any]
    client: Callable[[str], Any]
    region: str
    account_id: str
    default_name: str

    def changed(self, name: str) -> bool:
        """Whether an update has another value of a property than before."""
        return bool(self.properties.get(name) != self.previous.get(name))


@dataclass(frozen=True)
class ResourceType:
    """A type by its name in templates. `reference` is the property that Ref answers; a change of one of
    `create_only` replaces the resource. `create` and `update` return the model; all three raise
    PropertyError and botocore's ClientError; `delete` of what is not there is no error."""

    name: str
    part: str
    reference: str
    create: Callable[[Request], Model]
    update: Callable[[Request], Model]
    delete: Callable[[Request], None]
    create_only: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """As much of the type's schema as LocalStack looks at."""
        return {
            "typeName": self.name,
            "primaryIdentifier": [f"/properties/{self.reference}"],
            "createOnlyProperties": [f"/properties/{name}" for name in self.create_only],
        }


def call(client: Any, method: str, properties: Mapping[str, Any]) -> Any:
    """The answer of boto3's `method` to `properties`. Raises PropertyError for one that it does not take, and
    ClientError."""
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    return getattr(client, method)(**parameters(properties, operation.input_shape))


def deletion(service: str, method: str, *names: str, **renamed: str) -> Callable[[Request], None]:
    """The deletion of what boto3's `method` deletes, told by the properties `names` of the model, and by
    those of `renamed`, whose keys are the API's names. What is not there needs none."""

    def delete(request: Request) -> None:
        model = request.properties
        told = {name: model.get(name) for name in names}
        told.update((name, model.get(of)) for name, of in renamed.items())
        try:
            call(request.client(service), method, told)
        except ClientError as error:
            if error.response["Error"]["Code"] not in MISSING:
                raise

    return delete


def required(properties: Mapping[str, Any], name: str) -> Any:
    """The value of a property. Raises PropertyError when it was not given."""
    value = properties.get(name)
    if value is None:
        raise PropertyError(f"The property {name} is required.")
    return value


def without(properties: Mapping[str, Any], *names: str) -> Model:
    """All properties but those."""
    return {name: value for name, value in properties.items() if name not in names}


@contextmanager
def undone(undo: Callable[[], object]) -> Iterator[None]:
    """Take back what was made before the block, when something in the block fails."""
    try:
        yield
    except Exception:
        undo()
        raise
