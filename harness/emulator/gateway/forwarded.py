"""Whose call a request is that somebody else received: LocalStack decides the account and the Region of a
request by rules of its own, and its extension says them in headers when it hands the request on."""

from __future__ import annotations

import re

from harness.emulator.gateway.server import Handler
from harness.emulator.services.base import AwsRequest, AwsResponse

ACCOUNT_HEADER = "x-launchday-account"
REGION_HEADER = "x-launchday-region"
_ACCOUNT = re.compile(r"[0-9]{12}")


def forwarded(handle: Handler) -> Handler:
    """`handle`, with the context that the headers name, where they do."""

    async def handle_forwarded(request: AwsRequest) -> AwsResponse:
        account = request.headers.get(ACCOUNT_HEADER, "")
        if _ACCOUNT.fullmatch(account):
            request.context.account_id = account
        request.context.region = request.headers.get(REGION_HEADER) or request.context.region
        return await handle(request)

    return handle_forwarded
