"""The ingest path over HTTP beside a bare handler on the same HTTP server, under the same wrk script.

    python benchmarks/ingest.py

One POST is: API Gateway, a Lambda authorizer whose result is cached, a request mapping template that reads
the body and adds what the gateway knows, Kinesis PutRecord, a response mapping template. The bare handler is
aiohttp's low-level server answering a constant. Needs wrk.
"""

from __future__ import annotations

import io
import json
import random
import sys
import time
import urllib.request
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

from side_by_side import (
    CannotMeasure,
    Measurement,
    Request,
    Server,
    compare,
    free_port,
    pin_server,
    report,
    run,
    wrk,
    wrk_script,
)

from harness.aws.limits.profiles import NONE
from harness.emulator.launch import EmbeddedAws
from harness.pipeline import Cloud

GOAL_PER_S = 10_000
GOAL_RATIO = 0.25
STREAM = "ingest"
SHARDS = 4
PATH = "/v1/devices"
AUTHORIZER = """
def handler(event, context):
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "account-1", "policyDocument": policy, "context": {"account_id": "account-1"}}
"""
TEMPLATE = """
#set($q = '"')
#set($device = $input.json('$.device_id'))
#set($record = "{${q}account_id${q}:${q}$context.authorizer.account_id${q},${q}request_id${q}:${q}${context.requestId}${q},${q}received_at${q}:${context.requestTimeEpoch},${q}event${q}:$input.json('$')}")
{"StreamName":"$stageVariables.stream","PartitionKey":$device,"Data":"$util.base64Encode($record)"}
"""  # noqa: E501  # a string of VTL cannot be broken
ACCEPTED = '{"request_id":"$context.requestId"}'


def events() -> list[dict[str, Any]]:
    """64 locations of as many devices, about 400 bytes each."""
    draw = random.Random(1)
    return [
        {
            "event_id": f"benchmark-{n:06d}",
            "device_id": f"device-{draw.randrange(10**9):09d}",
            "kind": "location",
            "recorded_at": "2026-11-23T15:35:01.123Z",
            "lat": round(draw.uniform(40.5, 40.9), 6),
            "lon": round(draw.uniform(-74.2, -73.7), 6),
            "accuracy": round(draw.uniform(3, 30), 1),
            "speed": round(draw.uniform(0, 30), 2),
            "bearing": round(draw.uniform(0, 360), 1),
            "altitude": 12.5,
            "activity": "drive",
            "battery": {"level": 0.81, "charging": False},
            "permissions": {"location": "always", "activity": "granted"},
            "sdk_version": "3.9.2",
        }
        for n in range(64)
    ]


def headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": "Bearer benchmark"}


def stand_up(cloud: Cloud) -> str:
    """A stream, an authorizer and an API in front of them; the URL of its stage. The function is of this
    interpreter's version."""
    cloud.client("kinesis").create_stream(StreamName=STREAM, ShardCount=SHARDS)
    cloud.client("kinesis").get_waiter("stream_exists").wait(
        StreamName=STREAM, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("authorizer.py", AUTHORIZER)
    account = cloud.client("sts").get_caller_identity()["Account"]
    function = cloud.client("lambda").create_function(
        FunctionName="authorizer",
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=f"arn:aws:iam::{account}:role/benchmark",
        Handler="authorizer.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    cloud.client("lambda").get_waiter("function_active_v2").wait(FunctionName="authorizer")
    api_id = stand_up_api(cloud, function["FunctionArn"], account)
    return f"{(cloud.endpoint('') or '').rstrip('/')}/restapis/{api_id}/prod/_user_request_{PATH}"


def stand_up_api(cloud: Cloud, function_arn: str, account: str) -> str:
    api = cloud.client("apigateway")
    api_id: str = api.create_rest_api(name="ingest")["id"]
    parent = api.get_resources(restApiId=api_id)["items"][0]["id"]
    for part in PATH.strip("/").split("/"):
        parent = api.create_resource(restApiId=api_id, parentId=parent, pathPart=part)["id"]
    authorizer = api.create_authorizer(
        restApiId=api_id,
        name="key",
        type="TOKEN",
        identitySource="method.request.header.Authorization",
        authorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function_arn}/invocations",
        authorizerResultTtlInSeconds=3600,
    )["id"]
    method = {"restApiId": api_id, "resourceId": parent, "httpMethod": "POST"}
    api.put_method(**method, authorizationType="CUSTOM", authorizerId=authorizer)
    api.put_integration(
        **method,
        type="AWS",
        integrationHttpMethod="POST",
        uri="arn:aws:apigateway:us-east-1:kinesis:action/PutRecord",
        credentials=f"arn:aws:iam::{account}:role/benchmark",
        requestTemplates={"application/json": TEMPLATE},
    )
    for status, pattern in (("200", None), ("400", "4\\d{2}"), ("500", "5\\d{2}")):
        api.put_method_response(**method, statusCode=status)
        selection = {"selectionPattern": pattern} if pattern else {}
        templates = {"application/json": ACCEPTED} if status == "200" else {}
        api.put_integration_response(**method, statusCode=status, responseTemplates=templates, **selection)
    api.create_deployment(restApiId=api_id, stageName="prod", variables={"stream": STREAM})
    return api_id


def check(url: str) -> None:
    """One request has to come out in the stream as the template says. Raises CannotMeasure."""
    event = events()[0]
    request = urllib.request.Request(url, json.dumps(event).encode(), headers())
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    if answer != {"request_id": response.headers["x-amzn-RequestId"]}:
        raise CannotMeasure(f"The API answered {answer}.")


def check_stream(cloud: Cloud) -> None:
    """The first record is the first event, and what the gateway knew of it. Raises CannotMeasure."""
    kinesis = cloud.client("kinesis")
    for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for record in kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]:
            data = json.loads(record["Data"])
            if data["event"] == events()[0] and data["account_id"] == "account-1":
                return
    raise CannotMeasure("The record that was accepted is not in the stream as the template says.")


def measure_bare(port: int, script: Path) -> Measurement:
    """One run against a server that lives only for it: an idle one would still take its share."""
    command = [sys.executable, str(Path(__file__).with_name("http_servers.py")), "--serve", "aiohttp"]
    with Server([*command, "--port", str(port)], port):
        return wrk(f"http://127.0.0.1:{port}{PATH}", script)


def benchmark() -> None:
    with EmbeddedAws(port=0, limits=NONE) as aws:
        cloud = Cloud("us-east-1", aws.endpoints, "test", "test")
        url = stand_up(cloud)
        check(url)
        check_stream(cloud)
        pin_server(aws.pid)
        path = "/" + url.split("/", 3)[3]
        bodies = [json.dumps(event, separators=(",", ":")) for event in events()]
        ours = [Request(path, headers(), body) for body in bodies]
        bare = [Request(PATH, headers(), body) for body in bodies]
        with wrk_script(ours) as our_script, wrk_script(bare) as bare_script:
            time.sleep(1.0)  # what standing up began has settled
            comparison = compare(
                "ingest",
                {
                    "launchday": lambda: wrk(url, our_script),
                    "bare": partial(measure_bare, free_port(), bare_script),
                },
                details={"shards": SHARDS, "body_bytes": len(bodies[0])},
            )
    report(comparison)
    rate, ratio = comparison.median("launchday").per_s, comparison.ratio("launchday", "bare")
    print(f"  goals: {GOAL_PER_S:,}/s ({'met' if rate >= GOAL_PER_S else 'missed'}), ", end="")
    print(f"{GOAL_RATIO} of bare ({'met' if ratio >= GOAL_RATIO else 'missed'})")


if __name__ == "__main__":
    sys.exit(run(benchmark))
