"""The REST entrance `ingest`: straight from API Gateway to the stream, by mapping templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.standup.rest_api import ApiDescription, Authorizer
from deploy.standup.rest_methods import Method

TEMPLATES = Path(__file__).parent.parent / "services" / "ingest" / "templates"

DEVICES = "/v1/devices"
LOCATIONS = "/v1/locations"
LOCATIONS_BATCH = "/v1/locations/batch"
BATCH_EVENTS = 500  # PutRecords' own limit

RETRY_AFTER_S = "1"
_RETRY_AFTER = "method.response.header.Retry-After"


def describe(*, region: str, stream_name: str, role_arn: str, authorizer_arn: str) -> ApiDescription:
    """The API, over a stream that it may write to as `role_arn`."""

    def put(action: str, kind: str, template: str, accepted: str) -> dict[str, Method]:
        return {"POST": _method(region, role_arn, action, kind, template, accepted)}

    return ApiDescription(
        authorizer=Authorizer(
            "publishable_key", authorizer_arn, 300, pattern="^Bearer [A-Za-z0-9_-]{16,128}$"
        ),
        methods={
            DEVICES: put("PutRecord", "registration", "put_record.vtl", "accepted.vtl"),
            LOCATIONS: put("PutRecord", "location", "put_record.vtl", "accepted.vtl"),
            LOCATIONS_BATCH: put("PutRecords", "location", "put_records.vtl", "accepted_each.vtl"),
        },
        gateway_responses={"THROTTLED": {"Retry-After": RETRY_AFTER_S}},
        stage_variables={"events_stream": stream_name},
    )


def _method(region: str, role_arn: str, action: str, kind: str, template: str, accepted: str) -> Method:
    set_kind = f'#set($kind = "{kind}")\n'
    partition = role_arn.split(":")[1]
    return {
        "responses": {"202": {}, "400": {}, "429": {_RETRY_AFTER: False}, "503": {_RETRY_AFTER: False}},
        "integration": {
            "type": "AWS",
            "httpMethod": "POST",
            "uri": f"arn:{partition}:apigateway:{region}:kinesis:action/{action}",
            "credentials": role_arn,
            "requestParameters": {"integration.request.header.Content-Type": "'application/x-amz-json-1.1'"},
            "requestTemplates": {"application/json": set_kind + _template(template)},
            "passthroughBehavior": "NEVER",
            "responses": {
                # Without a pattern: all that the others do not match.
                "202": {"responseTemplates": _json(accepted)},
                "400": {"selectionPattern": r"4\d{2}", "responseTemplates": _json("refused.vtl")},
                "503": {
                    "selectionPattern": r"5\d{2}",
                    "responseParameters": {_RETRY_AFTER: f"'{RETRY_AFTER_S}'"},
                    "responseTemplates": _json("unavailable.vtl"),
                },
            },
        },
    }


def _json(template: str) -> dict[str, Any]:
    return {"application/json": _template(template)}


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text().rstrip()
