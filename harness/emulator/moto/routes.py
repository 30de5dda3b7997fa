"""moto's routes are built one service at a time.

werkzeug writes each route's code as a syntax tree, and CPython 3.11 counts the depth of such trees in one
place for all threads: two threads that build routes at once can fail with
`SystemError: AST constructor recursion depth mismatch`.
"""

from __future__ import annotations

import threading
from typing import Any


def build_one_at_a_time(application: Any) -> None:
    """Have one lock for all that builds routes: routers of operations, and applications of services."""
    from moto.core.routing import ServiceOperationRouter

    router_class: Any = ServiceOperationRouter
    build = router_class._get_router
    building = application.lock = threading.RLock()

    def get_router(router: Any, protocol: str) -> Any:
        found = router._routers.get(protocol)
        if found is None:
            with building:
                found = build(router, protocol)
        return found

    router_class._get_router = get_router
