"""Bare HTTP servers in one process each: what the embedded AWS's edge could stand on.

    python benchmarks/http_servers.py

The same answer to the same POST, under the same wrk script: aiohttp's low-level server (the edge's choice),
uvicorn with httptools, and granian embedded in an asyncio loop. Those that are not installed are left out and
named (`pip install uvicorn httptools granian`). aiohttp was chosen because it is level with the others and is
server, client and WebSocket in one library; see the ratios. Needs wrk.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import uvloop
from side_by_side import (
    CannotMeasure,
    Request,
    Server,
    compare,
    free_port,
    report,
    run,
    wrk,
    wrk_script,
)

BODY = b'{"ShardId":"shardId-000000000000","SequenceNumber":"' + b"4" * 56 + b'"}'
CONTENT_TYPE = "application/x-amz-json-1.1"
NEEDS = {
    "uvicorn + httptools": ("uvicorn", "httptools"),
    "granian": ("granian",),
    "aiohttp": ("aiohttp",),
}


async def serve_aiohttp(port: int) -> None:
    from aiohttp import web

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(body=BODY, content_type=CONTENT_TYPE)

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def asgi(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def serve_uvicorn(port: int) -> None:
    import uvicorn

    config = uvicorn.Config(
        asgi, host="127.0.0.1", port=port, http="httptools", lifespan="off", log_config=None, access_log=False
    )
    await uvicorn.Server(config).serve()


async def serve_granian(port: int) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server as Granian

    server = Granian(
        asgi, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False, websockets=False
    )
    await server.serve()


SERVE = {
    "aiohttp": serve_aiohttp,
    "uvicorn + httptools": serve_uvicorn,
    "granian": serve_granian,
}


def installed(contender: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in NEEDS[contender])


def measure(contender: str, port: int, script: Any) -> Any:
    """One run against a server that lives only for it: an idle one would still take its share."""
    command = [sys.executable, __file__, "--serve", contender, "--port", str(port)]
    with Server(command, port):
        return wrk(f"http://127.0.0.1:{port}/", script)


def benchmark() -> None:
    contenders = [contender for contender in NEEDS if installed(contender)]
    for missing in NEEDS.keys() - set(contenders):
        print(f"{missing} is left out: it is not installed.")
    if contenders == ["aiohttp"]:
        raise CannotMeasure("There is nothing to compare with: pip install uvicorn httptools granian.")
    with wrk_script([Request("/", {"Content-Type": CONTENT_TYPE}, "x" * 400)]) as script:
        comparison = compare(
            "http_servers", {each: partial(measure, each, free_port(), script) for each in contenders}
        )
    report(comparison)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--serve", choices=SERVE, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        uvloop.run(SERVE[arguments.serve](arguments.port))
    sys.exit(run(benchmark))
