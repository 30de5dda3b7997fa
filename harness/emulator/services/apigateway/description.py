"""An API as its control plane describes it: the answers of GetRestApi, GetResources and the others.

Nothing is known of who answers but that he speaks API Gateway's REST-JSON.
docs: API Gateway API Reference, version 2015-07-09 (read 2026-11)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse

Forward = Callable[[AwsRequest], Awaitable[AwsResponse]]
Json = dict[str, Any]
_PAGE = "limit=500"


@dataclass(frozen=True, slots=True)
class Description:
    """An API at one moment. Resources have their methods and integrations embedded."""

    api: Mapping[str, Any]
    resources: tuple[Mapping[str, Any], ...]
    authorizers: Mapping[str, Mapping[str, Any]]
    validators: Mapping[str, Mapping[str, Any]]
    gateway_responses: tuple[Mapping[str, Any], ...]


class ControlClient:
    """Asks the control plane on behalf of a caller: his Region and credentials."""

    def __init__(self, forward: Forward, caller: AwsRequest) -> None:
        self._forward = forward
        self._context = caller.context
        self._headers = _headers(caller)

    async def send(self, method: str, path: str, body: Json | None = None, query: str = "") -> AwsResponse:
        """The control plane's answer, whatever it is."""
        content = b"" if body is None else orjson.dumps(body)
        request = AwsRequest(method, path, query, self._headers, content, self._context)
        return await self._forward(request)

    async def get(self, path: str, query: str = "") -> Json:
        """The object at `path`. Raises AwsError with what the control plane said instead."""
        response = await self.send("GET", path, query=query)
        answer = parse_answer(response.body)
        if response.status >= 300:
            code = response.headers.get("x-amzn-errortype", "NotFoundException").partition(":")[0]
            raise AwsError(code, str(answer.get("message", "")), response.status)
        return answer

    async def items(self, path: str, query: str = _PAGE) -> list[Json]:
        """All items of a collection, page by page."""
        items: list[Json] = []
        position = ""
        while True:
            page = await self.get(path, query + (f"&position={quote(position)}" if position else ""))
            items += page.get("item") or page.get("items") or []
            position = page.get("position") or ""
            if not position:
                return items

    async def describe(self, api_id: str) -> Description:
        """The API as it is now. Raises AwsError, NotFoundException when there is none."""
        base = f"/restapis/{quote(api_id, safe='')}"
        api = await self.get(base)
        resources, authorizers, validators, responses = await asyncio.gather(
            self.items(base + "/resources", f"embed=methods&{_PAGE}"),
            self.items(base + "/authorizers"),
            self.items(base + "/requestvalidators"),
            self.items(base + "/gatewayresponses"),
        )
        return Description(
            api=api,
            resources=tuple(resources),
            authorizers={item["id"]: item for item in authorizers},
            validators={item["id"]: item for item in validators},
            gateway_responses=tuple(responses),
        )

    async def stage(self, api_id: str, stage: str) -> Json:
        """A stage. Raises AwsError NotFoundException when there is none."""
        return await self.get(f"/restapis/{quote(api_id, safe='')}/stages/{quote(stage, safe='')}")


def _headers(caller: AwsRequest) -> dict[str, str]:
    """The caller's own host and signature; for a client of a deployed API, made up ones in his Region."""
    region = caller.context.region
    authorization = caller.headers.get("authorization", "")
    if "/apigateway/" not in authorization:
        return {
            "host": f"apigateway.{region}.amazonaws.com",
            "authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/apigateway/aws4_request, "
            "SignedHeaders=host, Signature=0",
            "content-type": "application/json",
        }
    kept = {name: caller.headers[name] for name in ("host", "authorization") if name in caller.headers}
    return {**kept, "content-type": "application/json"}


def parse_answer(body: bytes) -> Json:
    """A JSON object, or an empty one when the body is none."""
    try:
        answer = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
