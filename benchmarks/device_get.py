"""`GET /v1/devices/{id}` of the REST entrance, its function warm, beside an Invoke of the same function.

    python benchmarks/device_get.py

Both run the same code on the same event. The difference is what API Gateway's side takes: route, cached
authorizer, proxy event, answer. Under the function lie a DynamoDB GetItem by boto3 and the runtime's own
loop, which bound both. Needs wrk.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from typing import Any

from side_by_side import CannotMeasure, Request, compare, pin_server, report, run, wrk, wrk_script

from deploy.access_entrances import basic
from deploy.accounts import account_id
from harness.aws.limits.profiles import NONE
from harness.emulator.launch import EmbeddedAws
from harness.pipeline import Cloud, DeployParameters, Event
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline

DEVICE = "benchmark-device"
CONNECTIONS = 4
_APPEARS_WITHIN_S = 30.0


def register(outputs: Any) -> None:
    """Have the device in the live table, through the entrance for devices."""
    pipeline = load_pipeline(REFERENCE_PIPELINE)
    fields = {
        "platform": "ios",
        "os_version": "18.5",
        "app_version": "4.12.1",
        "sdk_version": "3.9.0",
        "push_token": "0" * 64,
        "reason": "app_launch",
        "registered_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    event = Event(0, "benchmark-0", "registration", 0, DEVICE, time.time(), fields)
    entrance = next(e for e in pipeline.entrances(outputs) if "registration" in e.kinds)
    asked = entrance.request([event])
    request = urllib.request.Request(asked.url, asked.body, dict(asked.headers), method=asked.method)
    with urllib.request.urlopen(request, timeout=30):
        pass


def wait_for(url: str, headers: dict[str, str]) -> None:
    """Until the device can be asked for. Raises CannotMeasure."""
    deadline_s = time.monotonic() + _APPEARS_WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
                if json.load(answer).get("device_id") == DEVICE:
                    return
        except OSError:
            time.sleep(0.2)
    raise CannotMeasure("The device that was registered cannot be asked for.")


def proxy_event(account: str) -> str:
    """What API Gateway gives the function, as far as the function reads it."""
    return json.dumps(
        {
            "resource": "/v1/devices/{device_id}",
            "path": f"/v1/devices/{DEVICE}",
            "httpMethod": "GET",
            "headers": {"Accept": "*/*"},
            "multiValueHeaders": {"Accept": ["*/*"]},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": {"device_id": DEVICE},
            "requestContext": {
                "resourcePath": "/v1/devices/{device_id}",
                "httpMethod": "GET",
                "authorizer": {"principalId": account, "account_id": account},
                "requestId": "00000000-0000-4000-a000-000000000000",
            },
            "body": None,
            "isBase64Encoded": False,
        }
    )


def check_invoke(cloud: Cloud, function: str, event: str) -> None:
    """The function answers the event as the API does. Raises CannotMeasure."""
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=event.encode())
    said = json.load(answer["Payload"])
    if said.get("statusCode") != 200:
        raise CannotMeasure(f"The function answered {said}.")


def benchmark() -> None:
    with EmbeddedAws(port=0, limits=NONE) as aws:
        cloud = Cloud("us-east-1", aws.endpoints, "test", "test")
        outputs = load_pipeline(REFERENCE_PIPELINE).deploy(cloud, DeployParameters())
        account = account_id(0)
        headers = {"Authorization": basic(outputs["accounts"]["seed"], account)}
        url = f"{outputs['access']['url']}/v1/devices/{DEVICE}"
        register(outputs)
        wait_for(url, headers)
        function, event = outputs["functions"]["access_api"], proxy_event(account)
        check_invoke(cloud, function, event)
        pin_server(aws.pid)
        invoke = f"{aws.endpoints['lambda'].rstrip('/')}/2015-03-31/functions/{function}/invocations"
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request"}
        path = "/" + url.split("/", 3)[3]
        get = [Request(path, headers, "", "GET")]
        post = [Request("/" + invoke.split("/", 3)[3], signed, event)]
        with wrk_script(get) as get_script, wrk_script(post) as post_script:
            comparison = compare(
                "device_get",
                {
                    "GET /v1/devices/{id}": lambda: wrk(url, get_script, connections=CONNECTIONS),
                    "Invoke": lambda: wrk(invoke, post_script, connections=CONNECTIONS),
                },
            )
    report(comparison)


if __name__ == "__main__":
    sys.exit(run(benchmark))
