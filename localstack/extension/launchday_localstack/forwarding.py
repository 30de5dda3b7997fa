"""LocalStack's requests to the companion, and its answers to LocalStack's clients."""

from __future__ import annotations

import json
import os
from functools import cache

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.http import Request, Response
from localstack.http.request import get_full_raw_path

from launchday_localstack.companion import (
    Answer,
    Companion,
    CompanionUnreachable,
    as_localstack_has_it,
    call_headers,
    request_headers,
)
from launchday_localstack.settings import SettingsError, read_settings


@cache
def companion() -> Companion:
    """The one that the environment names. Raises SettingsError."""
    settings = read_settings(os.environ)
    if settings is None:
        raise SettingsError("There is no companion: LAUNCHDAY_COMPANION_URL is not set.")
    return Companion(settings.companion_url)


def forward_call(context: RequestContext) -> Response:
    """The companion's answer to an AWS request, as it is. Raises CommonServiceException (503)."""
    request = context.request
    headers = call_headers(
        request.headers.items(),
        service=context.service.service_name,
        account_id=context.account_id,
        region=context.region,
    )
    try:
        answer = companion().send(request.method, get_full_raw_path(request), headers, request.get_data())
    except CompanionUnreachable as error:
        raise CommonServiceException("ServiceUnavailable", str(error), status_code=503) from error
    if answer.status == 400 and context.is_internal_call:
        answer = as_localstack_has_it(context.operation.name, answer)
    if answer.status < 300:
        # Else LocalStack parses the answer again, for nobody. An error it may parse: it logs its code.
        context.service_response = {"ResponseMetadata": {"HTTPStatusCode": answer.status}}
    return as_response(answer)


def forward_request(request: Request, target: str) -> Response:
    """The companion's answer to a request that is no AWS API call, asked at the path and query `target`."""
    headers = request_headers(request.headers.items(), request.host)
    try:
        answer = companion().send(request.method, target, headers, request.get_data())
    except CompanionUnreachable as error:
        return Response(json.dumps({"message": str(error)}), 503, mimetype="application/json")
    return as_response(answer)


def reset_part(part: str) -> None:
    """Have the companion forget all of a part. Raises CompanionUnreachable."""
    answer = companion().send("POST", f"/_launchday/reset?part={part}", {})
    if answer.status != 200:
        raise CompanionUnreachable(f"Launchday's companion did not reset {part}: {answer.status}.")


def as_response(answer: Answer) -> Response:
    """The companion's answer as LocalStack's server sends it."""
    return Response(answer.body, answer.status, answer.headers)
