"""Twenty webhook endpoints on one bare socket protocol: confirm, count, time, and answer 200.

    python webhook_sink.py <port>

`POST /hook/<n>` is an endpoint, `POST /hang/<n>` one that never answers; both confirm their subscription.
`GET /figures` tells how many notifications came since it was last asked, and their latencies.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.request

_SENT = re.compile(rb'sent\\*": ?([0-9.]+)')
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
latencies_ms: list[float] = []


class Endpoint(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /figures"):
            self._transport.write(figures())
        elif b"SubscriptionConfirmation" in head:
            confirm = json.loads(body)["SubscribeURL"]
            asyncio.get_running_loop().run_in_executor(None, urllib.request.urlopen, confirm)
            self._transport.write(_OK)
        elif not head.startswith(b"POST /hang"):
            sent = _SENT.search(body)
            latencies_ms.append((time.monotonic() - float(sent[1])) * 1000 if sent else 0.0)
            self._transport.write(_OK)


def figures() -> bytes:
    ordered = sorted(latencies_ms)
    latencies_ms.clear()
    count = len(ordered)
    body = json.dumps(
        {
            "count": count,
            "p50_ms": ordered[count // 2] if count else 0.0,
            "p99_ms": ordered[count * 99 // 100] if count else 0.0,
        }
    ).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
