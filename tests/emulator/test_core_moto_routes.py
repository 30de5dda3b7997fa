"""Routes of moto's services are built by one thread at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from harness.emulator.moto.routes import build_one_at_a_time


def test_two_threads_never_build_routes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.core.routing import ServiceOperationRouter

    at_work = threading.Lock()
    together = threading.Barrier(4)

    def build(router: Any, protocol: str) -> str:
        assert at_work.acquire(blocking=False), "two threads build at once"
        router._routers[protocol] = f"router of {protocol}"
        at_work.release()
        return router._routers[protocol]

    monkeypatch.setattr(ServiceOperationRouter, "_get_router", build)
    application = SimpleNamespace(lock=None)
    build_one_at_a_time(application)
    monkeypatch.setattr(ServiceOperationRouter, "_get_router", ServiceOperationRouter._get_router)
    routers = [SimpleNamespace(_routers={}) for _ in range(200)]

    def ask(part: int) -> list[Any]:
        together.wait(timeout=30)
        return [ServiceOperationRouter._get_router(router, "json") for router in routers[part::4]]

    with ThreadPoolExecutor(4) as threads:
        found = [router for part in threads.map(ask, range(4)) for router in part]
    assert found == ["router of json"] * 200
    assert application.lock is not None
