"""Posts to an AppSync API, signed with Signature Version 4, over connections that are kept.

The trace of the invocation goes along, as the SDK's own clients have it do."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from .mutations import Post, Response

_AT_ONCE: Any = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""botocore's own clients set it; its bare session does not, and then a body waits for the acknowledgement of
the headers that were sent before it: 40 ms a request."""
_ATTEMPTS = 4
_FIRST_WAIT_S = 0.1


def poster(url: str, session: Any, region: str, sleep: Callable[[float], None] = time.sleep) -> Post:
    """What posts to `url` with the credentials of a botocore `session`. An answer of 429 or 5xx, and none at
    all, is tried again; the last error is raised."""
    http = URLLib3Session(timeout=10, max_pool_connections=2, socket_options=[_AT_ONCE])
    credentials = session.get_credentials()

    def post(body: bytes) -> Response:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = _once(body)
            except HTTPClientError:
                if attempt == _ATTEMPTS:
                    raise
            else:
                if attempt == _ATTEMPTS or not (response.status == 429 or response.status >= 500):
                    return response
            sleep(_FIRST_WAIT_S * 2**attempt)
        raise AssertionError("unreachable")

    def _once(body: bytes) -> Response:
        trace = os.environ.get("_X_AMZN_TRACE_ID")  # Lambda sets it for each invocation
        headers = {"Content-Type": "application/json", **({"X-Amzn-Trace-Id": trace} if trace else {})}
        request = AWSRequest("POST", url, headers=headers, data=body)
        SigV4Auth(credentials.get_frozen_credentials(), "appsync", region).add_auth(request)
        answer = http.send(request.prepare())
        return Response(answer.status_code, answer.content)

    return post
