"""The REST entrance `access`: every route to one function, behind Basic access authentication."""

from __future__ import annotations

from deploy.standup.rest_api import ApiDescription, Authorizer
from deploy.standup.rest_methods import Method

DEVICES = "/v1/devices"
DEVICE = "/v1/devices/{device_id}"
HISTORY = "/v1/devices/{device_id}/history"
WEBHOOKS = "/v1/webhooks"
WEBHOOK = "/v1/webhooks/{webhook_id}"

_ROUTES = {
    DEVICES: ("GET",),
    DEVICE: ("GET",),
    HISTORY: ("GET",),
    WEBHOOKS: ("GET", "POST"),
    WEBHOOK: ("DELETE",),
}


def describe(*, region: str, function_arn: str, authorizer_arn: str) -> ApiDescription:
    """The API over the function."""
    method = _method(region, function_arn)
    return ApiDescription(
        authorizer=Authorizer("secret_key", authorizer_arn, 300, kind="REQUEST"),
        methods={path: dict.fromkeys(verbs, method) for path, verbs in _ROUTES.items()},
        gateway_responses={
            "THROTTLED": {"Retry-After": "1"},
            "UNAUTHORIZED": {"WWW-Authenticate": 'Basic realm="launchday", charset="UTF-8"'},
        },
    )


def _method(region: str, function_arn: str) -> Method:
    partition = function_arn.split(":")[1]
    return {
        "responses": {},
        "integration": {
            "type": "AWS_PROXY",
            "httpMethod": "POST",
            "uri": (
                f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/"
                f"{function_arn}/invocations"
            ),
            "passthroughBehavior": "WHEN_NO_MATCH",
            "responses": {},
        },
    }
