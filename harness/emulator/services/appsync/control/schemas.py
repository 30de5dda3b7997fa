"""Schemas, whole and type by type.

docs: AppSync API Reference, StartSchemaCreation, GetIntrospectionSchema, Type (read 2026-11)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import orjson
from graphql import (
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    TypeDefinitionNode,
    introspection_from_schema,
    print_ast,
)
from graphql.language import REMOVE, Visitor, visit

from harness.emulator.services.appsync.control.members import Members
from harness.emulator.services.appsync.control.operations import Body, Operation, paged, without_none
from harness.emulator.services.appsync.errors import bad_request, not_found, not_offered, schema_error
from harness.emulator.services.appsync.schema.compile import (
    CompiledSchema,
    SchemaRefused,
    compile_schema,
    parse_sdl,
)
from harness.emulator.services.appsync.state import AllApis, Api, SchemaStatus
from harness.emulator.services.base import CallContext

RAW = "\0raw"
"""The member of an output that is the answer's whole body."""


class SchemaOperations:
    """Holds no state of its own."""

    def __init__(self, apis: AllApis) -> None:
        self._apis = apis

    def operations(self) -> Mapping[str, Operation]:
        """By the API's names."""
        return {
            "StartSchemaCreation": self.start,
            "GetSchemaCreationStatus": self.status,
            "GetIntrospectionSchema": self.introspect,
            "CreateType": self.create_type,
            "GetType": self.get_type,
            "ListTypes": self.list_types,
            "UpdateType": self.update_type,
            "DeleteType": self.delete_type,
        }

    def start(self, members: Members, context: CallContext) -> Body:
        """StartSchemaCreation. It is done before anyone can ask; a schema that is refused leaves the one
        before in place."""
        api = self._find(members, context)
        try:
            sdl = base64.b64decode(members.required_text("definition"), validate=True).decode()
        except (binascii.Error, ValueError):
            raise bad_request("The definition must be base64 of UTF-8 text.") from None
        try:
            document = parse_sdl(sdl)
            compiled = compile_schema(document)
        except SchemaRefused as refused:
            api.schema_status = SchemaStatus("FAILED", str(refused))
        else:
            _use(api, document, compiled)
            count = sum(isinstance(node, TypeDefinitionNode) for node in document.definitions)
            api.schema_status = SchemaStatus("SUCCESS", f"Successfully created schema with {count} types.")
        return {"status": "PROCESSING"}

    def status(self, members: Members, context: CallContext) -> Body:
        """GetSchemaCreationStatus."""
        status = self._find(members, context).schema_status
        return {"status": status.status, "details": status.details}

    def introspect(self, members: Members, context: CallContext) -> Body:
        """GetIntrospectionSchema, as SDL or JSON."""
        api = self._find(members, context)
        kind = members.required_one_of("format", ("SDL", "JSON"))
        if api.document is None or api.schema is None:
            raise schema_error("No schema definition exists for this API.")
        if kind == "JSON":
            if not api.schema.executable:
                raise schema_error("The schema has no Query type.")
            return {RAW: orjson.dumps({"data": introspection_from_schema(api.schema.graphql)})}
        with_directives = members.flag("includeDirectives") is not False
        document = api.document if with_directives else visit(api.document, _WithoutAwsDirectives())
        return {RAW: print_ast(document).encode()}

    # -- types

    def create_type(self, members: Members, context: CallContext) -> Body:
        """CreateType."""
        api = self._find(members, context)
        node = _definition(members)
        name = _name(node)
        if any(_name(other) == name for other in _definitions(api)):
            raise bad_request(f"Type {name} already exists.")
        self._replace(api, [*_definitions(api), node])
        return {"type": _described(api, node, "SDL")}

    def get_type(self, members: Members, context: CallContext) -> Body:
        """GetType."""
        api = self._find(members, context)
        kind = members.required_one_of("format", ("SDL", "JSON"))
        return {"type": _described(api, _type(api, members), kind)}

    def list_types(self, members: Members, context: CallContext) -> Body:
        """ListTypes."""
        api = self._find(members, context)
        kind = members.required_one_of("format", ("SDL", "JSON"))
        found = [node for node in _definitions(api) if isinstance(node, TypeDefinitionNode)]
        return paged("types", [_described(api, node, kind) for node in found], members)

    def update_type(self, members: Members, context: CallContext) -> Body:
        """UpdateType."""
        api = self._find(members, context)
        old = _type(api, members)
        kind = members.required_one_of("format", ("SDL", "JSON"))
        if "definition" not in members:
            return {"type": _described(api, old, kind)}
        node = _definition(members)
        if _name(node) != _name(old):
            raise bad_request(f"The definition is of type {_name(node)}, not of {_name(old)}.")
        self._replace(api, [node if other is old else other for other in _definitions(api)])
        return {"type": _described(api, node, kind)}

    def delete_type(self, members: Members, context: CallContext) -> Body:
        """DeleteType."""
        api = self._find(members, context)
        gone = _type(api, members)
        self._replace(api, [node for node in _definitions(api) if node is not gone])
        return {}

    def _find(self, members: Members, context: CallContext) -> Api:
        return self._apis.get(members.required_text("apiId"), context)

    def _replace(self, api: Api, definitions: list[DefinitionNode]) -> None:
        document = DocumentNode(definitions=tuple(definitions))
        if not definitions:
            api.document, api.schema = None, None
            api.generation += 1
            return
        try:
            compiled = compile_schema(document, complete=False)
        except SchemaRefused as refused:
            raise bad_request(str(refused)) from None
        _use(api, document, compiled)


def _use(api: Api, document: DocumentNode, compiled: CompiledSchema) -> None:
    api.document, api.schema = document, compiled
    api.generation += 1


def _definitions(api: Api) -> list[DefinitionNode]:
    return list(api.document.definitions) if api.document else []


def _name(node: DefinitionNode) -> str:
    name = getattr(node, "name", None)
    return name.value if name is not None else ""


def _definition(members: Members) -> DefinitionNode:
    if members.required_one_of("format", ("SDL", "JSON")) == "JSON":
        raise not_offered("type definitions in JSON: give them in SDL")
    try:
        document = parse_sdl(members.required_text("definition"))
    except SchemaRefused as refused:
        raise bad_request(str(refused)) from None
    found = [node for node in document.definitions if isinstance(node, TypeDefinitionNode)]
    if len(document.definitions) != 1 or not found:
        raise bad_request("The definition must be of one type.")
    return found[0]


def _type(api: Api, members: Members) -> DefinitionNode:
    name = members.required_text("typeName")
    for node in _definitions(api):
        if isinstance(node, TypeDefinitionNode) and _name(node) == name:
            return node
    raise not_found(f"Type {name} not found.")


def _described(api: Api, node: DefinitionNode, kind: str) -> Body:
    description = getattr(node, "description", None)
    name = _name(node)
    as_json = kind == "JSON"
    definition = orjson.dumps(_introspected(api, name)).decode() if as_json else print_ast(node)
    return without_none(
        {
            "name": name,
            "description": description.value if description else None,
            "arn": f"{api.arn}/types/{name}",
            "definition": definition,
            "format": kind,
        }
    )


def _introspected(api: Api, name: str) -> object:
    if api.schema is None or not api.schema.executable:
        raise bad_request("The schema has no Query type: its types have no form in JSON yet.")
    whole = introspection_from_schema(api.schema.graphql)
    return next(kind for kind in whole["__schema"]["types"] if kind["name"] == name)


class _WithoutAwsDirectives(Visitor):
    """Leaves out the directives that AppSync adds."""

    def enter_directive(self, node: DirectiveNode, *_: object) -> object:
        """Remove AppSync's own."""
        return REMOVE if node.name.value.startswith("aws_") else None
