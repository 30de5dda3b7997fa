"""Documents, parsed and validated once for each schema and text, and kept while they are used.

docs: AppSync endpoints and quotas, request: 15,000 tokens in a query (read 2026-11)
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    parse,
)

from harness.emulator.services.appsync.contract import OperationRefused, RequestRefused
from harness.emulator.services.appsync.execution.errors import request_error
from harness.emulator.services.appsync.execution.validation import findings
from harness.emulator.services.appsync.schema.compile import CompiledSchema

MAX_TOKENS = 15_000
MAX_CHARACTERS = 1024 * 1024
_MAX_KEPT = 500
_MAX_KEPT_CHARACTERS = 8 * 1024 * 1024
_UNPARSED = "Unable to parse GraphQL query."


class Document(NamedTuple):
    """A valid document. `plans` is for whoever executes it to keep what it made of it."""

    node: DocumentNode
    fragments: dict[str, FragmentDefinitionNode]
    operations: dict[str | None, OperationDefinitionNode]
    plans: dict[Any, Any]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation of that name, or the only one. Raises OperationRefused."""
        if name:
            found = self.operations.get(name)
            if found is None:
                raise OperationRefused([request_error(f"Unknown operation named '{name[:100]}'.")])
            return found
        if len(self.operations) != 1:
            message = "Must provide operation name if query contains multiple operations."
            raise OperationRefused([request_error(message)])
        return next(iter(self.operations.values()))


class Documents:
    """The documents of one API. `forget` when its schema or settings change."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Document | OperationRefused] = OrderedDict()
        self._characters = 0

    def forget(self) -> None:
        """Drop all of them."""
        self._kept.clear()
        self._characters = 0

    def get(self, schema: CompiledSchema, text: str, *, introspection: bool) -> Document:
        """The document of a query's text.

        Raises RequestRefused when it does not parse, OperationRefused when it is not valid."""
        found = self._kept.get(text)
        if found is None:
            found = self._read(schema, text, introspection)
            self._keep(text, found)
        else:
            self._kept.move_to_end(text)
        if isinstance(found, OperationRefused):
            raise OperationRefused(found.errors)
        return found

    def _keep(self, text: str, document: Document | OperationRefused) -> None:
        self._kept[text] = document
        self._characters += len(text)
        while len(self._kept) > _MAX_KEPT or self._characters > _MAX_KEPT_CHARACTERS:
            gone, _ = self._kept.popitem(last=False)
            self._characters -= len(gone)

    def _read(self, schema: CompiledSchema, text: str, introspection: bool) -> Document | OperationRefused:
        try:
            node = parse(
                text,
                max_lexical_tokens=MAX_TOKENS,
                max_comments=MAX_TOKENS,
                max_source_length=MAX_CHARACTERS,
            )
        except (GraphQLError, RecursionError):
            raise RequestRefused("MalformedHttpRequestException", _UNPARSED, 400) from None
        try:
            errors = findings(schema.graphql, node, introspection=introspection)
        except RecursionError:
            errors = [request_error("The query is nested too deeply.")]
        if errors:
            return OperationRefused(errors)
        fragments = {
            one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)
        }
        operations = {
            one.name.value if one.name else None: one
            for one in node.definitions
            if isinstance(one, OperationDefinitionNode)
        }
        return Document(node, fragments, operations, {})
