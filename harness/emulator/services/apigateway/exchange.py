"""One request on its way through the gateway; what is costly to know of it is made when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from harness.emulator.services.apigateway.ids import RequestIds
from harness.emulator.services.base import AwsRequest
from harness.emulator.vtl import ReadOnlyMap


@dataclass(frozen=True, slots=True)
class StageIdentity:
    """What names a deployed stage."""

    api_id: str
    api_name: str
    stage: str
    deployment_id: str
    variables: ReadOnlyMap


@dataclass(slots=True)
class IntegrationResult:
    """What the integration answered. `error` is a Lambda function's error message, None without an error."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(slots=True)
class Authorization:
    """What an authorizer said of the caller. `context` holds strings, `principalId` among them."""

    principal_id: str
    context: ReadOnlyMap


class Exchange:
    """A request and its route. `path` is raw and below the stage; `now_s` is when it arrived."""

    resource_id = ""
    resource_path = ""
    path_parameters: Mapping[str, str] = {}
    routed_path = ""
    """The path in the one spelling that policies name."""

    def __init__(
        self, stage: StageIdentity, path: str, request: AwsRequest, ids: RequestIds, now_s: float
    ) -> None:
        self.stage = stage
        self.path = path
        self.request = request
        self.ids = ids
        self.now_s = now_s
        self.authorization: Authorization | None = None
        self.error: Mapping[str, str | None] = {}
        self.response_override: dict[str, Any] = {"header": {}}
        self.request_override: dict[str, Any] = {"header": {}, "path": {}, "querystring": {}}

    def routed(self, resource: tuple[str, str], parameters: Mapping[str, str], path: str) -> None:
        """The request's resource (id and path) is known."""
        self.resource_id, self.resource_path = resource
        self.path_parameters = parameters
        self.routed_path = path

    @cached_property
    def headers(self) -> dict[str, str]:
        """The last value of each header, by its name as in `multi_headers`."""
        return {name: values[-1] for name, values in self.multi_headers.items()}

    @cached_property
    def multi_headers(self) -> dict[str, list[str]]:
        """All values of each header, by its name as the client spelt it first; where that is not known, in
        Title-Case, as most clients of HTTP/1.1 do."""
        lines = self.request.lines or [(title_case(k), v) for k, v in self.request.headers.items()]
        spelt: dict[str, str] = {}
        found: dict[str, list[str]] = {}
        for name, value in lines:
            found.setdefault(spelt.setdefault(name.lower(), str(name)), []).append(value)
        return found

    @cached_property
    def multi_query(self) -> dict[str, list[str]]:
        """All values of each query parameter, decoded."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.request.query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    @cached_property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter, decoded."""
        return {name: values[-1] for name, values in self.multi_query.items()}

    @property
    def decoded_path(self) -> str:
        """The path without percent-encoding."""
        return unquote(self.path)

    def header(self, name: str) -> str | None:
        """A request header, whatever the case of its name."""
        return self.request.headers.get(name.lower())

    @property
    def method_arn(self) -> str:
        """The ARN that authorizers and their policies name this request by."""
        context = self.request.context
        return (
            f"arn:aws:execute-api:{context.region}:{context.account_id}:{self.stage.api_id}"
            f"/{self.stage.stage}/{self.request.method}{self.routed_path}"
        )


_TITLES: dict[str, str] = {}


def title_case(name: str) -> str:
    """`content-type` to `Content-Type`."""
    title = _TITLES.get(name)
    if title is None:
        title = "-".join(part.capitalize() for part in name.split("-"))
        if len(_TITLES) < 1_000:
            _TITLES[name] = title
    return title
