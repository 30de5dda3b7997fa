"""The data source NONE: what the request handler says is the result.

docs: AppSync Developer Guide, Resolver mapping template reference for None data source (read 2026-11)
"""

from __future__ import annotations

from typing import Any

from harness.emulator.services.appsync.resolvers.invocation import Invocation


class NoneSource:
    """Answers the payload."""

    kind = "NONE"

    async def run(self, request: Any, call: Invocation, max_batch_size: int) -> Any:  # noqa: ARG002
        """The request's payload; null when it has none."""
        return request.get("payload") if isinstance(request, dict) else None
