"""An AwsRequest as a WSGI application sees it, and its answer back."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from harness.emulator.services.base import AwsRequest, AwsResponse

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]

_PRESERVED_NAMES = "moto.preserved_header_names"
"""Where moto looks for S3 metadata headers whose names have underscores, which WSGI folds into dashes."""


def environ_of(request: AwsRequest) -> Environ:
    """The WSGI environment of `request`. RAW_URI keeps the path as it was sent: S3 keys need it."""
    host, _, port = request.headers.get("host", "localhost").partition(":")
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": f"{request.path}?{request.query}" if request.query else request.path,
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.source_ip,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    preserved: dict[str, str] = {}
    for name, value in request.headers.items():
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in ("content-length", "transfer-encoding"):
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = value
            if "_" in name and name.startswith("x-amz-meta-"):
                preserved[key] = name
    if preserved:
        environ[_PRESERVED_NAMES] = preserved
    return environ


def run_wsgi(application: WsgiApplication, request: AwsRequest) -> AwsResponse:
    """The application's whole answer to `request`. What the application raises goes through."""
    status = 500
    headers: dict[str, str] = {}

    def start_response(line: str, fields: list[tuple[str, str]], _exc_info: object = None) -> Any:
        nonlocal status
        status = int(line[:3])
        headers.clear()
        headers.update((name.lower(), value) for name, value in fields)
        return _no_write

    chunks = application(environ_of(request), start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    if request.method != "HEAD":
        headers.pop("content-length", None)
    return AwsResponse(status, body, headers)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("WSGI's write callable is not offered")
