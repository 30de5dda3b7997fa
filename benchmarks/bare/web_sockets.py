"""A bare aiohttp WebSocket server: each client has a handler that waits for messages, as the manual shows.

python web_sockets.py <port>
"""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web


async def hold(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(protocols=("graphql-ws",), compress=False)
    await ws.prepare(request)
    async for _ in ws:
        await ws.send_str('{"id":"1","type":"start_ack"}')
    return ws


def main() -> None:
    app = web.Application()
    app.router.add_get("/{path:.*}", hold)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda _: None, access_log=None)


if __name__ == "__main__":
    main()
