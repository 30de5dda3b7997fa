"""The least that a pipeline takes: a stream, a function behind it, a bucket that says what it saw."""

import base64
import hashlib
import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path

from harness.objectives import Objectives
from harness.pipeline import HttpRequest, Outcome

SOURCE = Path(__file__).with_name("function.py").read_text()
HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Kinesis_20131202.PutRecord"}


class PutRecord:
    route, kinds, max_events = "PutRecord tiny", frozenset({"registration", "location"}), 1
    hops = ("kinesis:PutRecord",)

    def __init__(self, url):
        self.url = url

    def request(self, events):
        data = base64.b64encode(json.dumps({"event_id": events[0].event_id}).encode()).decode()
        record = {"StreamName": "tiny", "PartitionKey": events[0].device_id, "Data": data}
        return HttpRequest("POST", self.url, HEADERS, json.dumps(record).encode())

    def acceptance(self, status, body, events):
        return ["accepted" if status == 200 else "throttled" if b"Exceeded" in body else "failed"]


class Tiny:
    name, objectives = "tiny", Objectives.of("ledger.missing==0")

    def fingerprint(self):
        return hashlib.sha256(SOURCE.encode()).hexdigest()

    def deploy(self, cloud, parameters):
        self.destroy(cloud)
        client, package = cloud.clients(), io.BytesIO()
        with zipfile.ZipFile(package, "w") as files:
            files.writestr("function.py", SOURCE)
        client("s3").create_bucket(Bucket="tiny")
        client("kinesis").create_stream(StreamName="tiny", ShardCount=2)
        client("kinesis").get_waiter("stream_exists").wait(StreamName="tiny", WaiterConfig={"Delay": 1})
        account = client("sts").get_caller_identity()["Account"]
        function = {"Runtime": "python3.12", "Handler": "function.handler", "Timeout": 30}
        function["Role"] = f"arn:aws:iam::{account}:role/tiny"  # the embedded AWS asks for its form only
        client("lambda").create_function(
            FunctionName="tiny", Code={"ZipFile": package.getvalue()}, **function
        )
        client("lambda").get_waiter("function_active_v2").wait(FunctionName="tiny")
        stream = client("kinesis").describe_stream_summary(StreamName="tiny")["StreamDescriptionSummary"]
        mapping = {"EventSourceArn": stream["StreamARN"], "StartingPosition": "TRIM_HORIZON"}
        client("lambda").create_event_source_mapping(FunctionName="tiny", **mapping)
        return {"url": cloud.endpoint("kinesis")}

    def destroy(self, cloud):
        s3, kinesis, lambda_ = map(cloud.clients(), ("s3", "kinesis", "lambda"))
        for mapping in lambda_.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["FunctionArn"].endswith(":tiny"):
                lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
        with suppress(lambda_.exceptions.ResourceNotFoundException):
            lambda_.delete_function(FunctionName="tiny")
        with suppress(kinesis.exceptions.ResourceNotFoundException):
            kinesis.delete_stream(StreamName="tiny")
            kinesis.get_waiter("stream_not_exists").wait(StreamName="tiny", WaiterConfig={"Delay": 1})
        with suppress(s3.exceptions.NoSuchBucket):
            for each in s3.list_objects_v2(Bucket="tiny").get("Contents", ()):
                s3.delete_object(Bucket="tiny", Key=each["Key"])
            s3.delete_bucket(Bucket="tiny")

    def entrances(self, outputs):
        return [PutRecord(outputs["url"])]

    def evidence(self, cloud, outputs, run_id):
        s3 = cloud.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="tiny"):
            for each in page.get("Contents", ()):
                for event_id in json.load(s3.get_object(Bucket="tiny", Key=each["Key"])["Body"]):
                    yield Outcome(event_id, "registered")

    def predict(self, events):
        return ((event.ordinal, "registered") for event in events)

    def unbilled(self, outputs):
        return []


pipeline = Tiny()
