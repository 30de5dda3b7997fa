"""AppSync's control plane in memory, as far as the stand-up calls it: moto has no resolvers."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

Json = dict[str, Any]


class FakeAppSync:
    """One account's APIs. `call` answers what a boto3 client of AppSync is asked."""

    def __init__(self) -> None:
        self.apis: dict[str, Json] = {}
        self.schemas: dict[str, str] = {}
        self.parts: dict[str, dict[str, dict[str, Json]]] = {}
        self._made = 0

    def call(self, operation: str, given: Json) -> Json:
        """Answer one call. Raises ClientError."""
        plain = {name: value for name, value in given.items() if name != "apiId"}
        own: Callable[[Json], Json] | None = getattr(self, f"_{operation}", None)
        if own is not None:
            return own(given)
        for verb in ("Create", "Update", "Delete", "List"):
            kind = operation.removeprefix(verb).removesuffix("s")
            if operation.startswith(verb) and kind in ("DataSource", "Function", "Resolver"):
                return self._part(verb, kind, self.parts[given["apiId"]][kind], plain)
        raise AssertionError(operation)

    def _part(self, verb: str, kind: str, there: dict[str, Json], given: Json) -> Json:
        if verb == "List":
            member = {"DataSource": "dataSources", "Function": "functions", "Resolver": "resolvers"}[kind]
            of = given.get("typeName")
            return {member: [each for each in there.values() if of in (None, each.get("typeName"))]}
        if kind == "Function":
            key = given.get("functionId") or self._id("f")
            given = {**given, "functionId": key}
        else:
            key = given["name"] if kind == "DataSource" else f"{given['typeName']}.{given['fieldName']}"
        if verb == "Create" and key in there:
            raise refusal("BadRequestException", f"{key} exists")
        if verb != "Create" and key not in there:
            raise refusal("NotFoundException", key)
        if verb == "Delete":
            del there[key]
            return {}
        there[key] = given
        return {"functionConfiguration": given} if kind == "Function" else {}

    def _id(self, letter: str) -> str:
        self._made += 1
        return f"{letter}{self._made}"

    def _CreateGraphqlApi(self, given: Json) -> Json:  # noqa: N802
        api_id = self._id("api")
        base = f"http://127.0.0.1:4566/graphql/{api_id}"
        self.apis[api_id] = {
            **given,
            "apiId": api_id,
            "arn": f"arn:aws:appsync:us-east-1:123456789012:apis/{api_id}",
            "uris": {"GRAPHQL": base, "REALTIME": base.replace("http", "ws") + "/realtime"},
            "tags": {},
        }
        self.parts[api_id] = {"DataSource": {}, "Function": {}, "Resolver": {}}
        return {"graphqlApi": self.apis[api_id]}

    def _ListGraphqlApis(self, _given: Json) -> Json:  # noqa: N802
        return {"graphqlApis": list(self.apis.values())}

    def _UpdateGraphqlApi(self, given: Json) -> Json:  # noqa: N802
        self.apis[given["apiId"]] |= given
        return {"graphqlApi": self.apis[given["apiId"]]}

    def _DeleteGraphqlApi(self, given: Json) -> Json:  # noqa: N802
        if given["apiId"] not in self.apis:
            raise refusal("NotFoundException", given["apiId"])
        del self.apis[given["apiId"]]
        return {}

    def _StartSchemaCreation(self, given: Json) -> Json:  # noqa: N802
        self.schemas[given["apiId"]] = given["definition"].decode()
        return {"status": "PROCESSING"}

    def _GetSchemaCreationStatus(self, given: Json) -> Json:  # noqa: N802
        return {"status": "SUCCESS" if given["apiId"] in self.schemas else "NOT_APPLICABLE"}

    def _GetIntrospectionSchema(self, given: Json) -> Json:  # noqa: N802
        return {"schema": io.BytesIO(self.schemas[given["apiId"]].encode())}

    def _TagResource(self, given: Json) -> Json:  # noqa: N802
        self.apis[given["resourceArn"].rpartition("/")[2]]["tags"] |= given["tags"]
        return {}


def refusal(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "AppSync")


def installed(monkeypatch: pytest.MonkeyPatch) -> FakeAppSync:
    """Have every boto3 client of AppSync ask this one."""
    fake, ask = FakeAppSync(), BaseClient._make_api_call  # type: ignore[attr-defined]

    def make_api_call(client: Any, operation: str, given: Json) -> Any:
        if client.meta.service_model.service_name == "appsync":
            return fake.call(operation, given)
        return ask(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_api_call)
    return fake
