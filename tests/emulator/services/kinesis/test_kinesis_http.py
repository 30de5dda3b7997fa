"""The service behind a real HTTP server, used by boto3."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import AwsRequest, CallContext
from harness.emulator.services.kinesis import KinesisService
from harness.emulator.services.kinesis.cbor import refuse_cbor
from harness.measure.meters import Meters


class Clock:
    """Moves on by itself, so that no test waits for a transition."""

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        self.now_s += 0.01
        return self.now_s


async def serve(service: KinesisService, started: Any) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        asked = AwsRequest("POST", request.path, "", headers, body, CallContext())
        response = await service.handle(asked)
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stop = asyncio.Event()
    started(runner.addresses[0][1], asyncio.get_running_loop(), stop)
    await stop.wait()
    await runner.cleanup()
    await service.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    service = KinesisService(
        meters=Meters(), limits=NONE, data_dir=tmp_path_factory.mktemp("kinesis"), clock=Clock()
    )
    ready = threading.Event()
    running: list[Any] = []

    def started(*what: Any) -> None:
        running.extend(what)
        ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve(service, started)))
    thread.start()
    assert ready.wait(10)
    port, loop, stop = running
    yield boto3.client(
        "kinesis",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}),
    )
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


def test_an_everyday_session(client: Any) -> None:
    client.create_stream(StreamName="events", ShardCount=2, Tags={"stage": "test"})
    client.get_waiter("stream_exists").wait(StreamName="events")
    put = client.put_record(StreamName="events", PartitionKey="k", Data=b"\x00one")
    records = [{"PartitionKey": f"k{i}", "Data": b"%d" % i} for i in range(20)]
    assert client.put_records(StreamName="events", Records=records)["FailedRecordCount"] == 0
    read = []
    for page in client.get_paginator("list_shards").paginate(StreamName="events"):
        for shard in page["Shards"]:
            iterator = client.get_shard_iterator(
                StreamName="events", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            read += client.get_records(ShardIterator=iterator)["Records"]
    assert sorted(record["Data"] for record in read) == sorted([b"\x00one", *(b"%d" % i for i in range(20))])
    assert put["SequenceNumber"] in {record["SequenceNumber"] for record in read}
    assert {record["ApproximateArrivalTimestamp"].year for record in read} == {2023}
    names = [name for page in client.get_paginator("list_streams").paginate() for name in page["StreamNames"]]
    assert names == ["events"]
    client.delete_stream(StreamName="events")
    client.get_waiter("stream_not_exists").wait(StreamName="events")


def test_errors_arrive_as_their_own_exceptions(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.put_record(StreamName="nowhere", PartitionKey="k", Data=b"")
    assert caught.value.response["Error"]["Message"] == "Stream nowhere under account 000000000000 not found."
    with pytest.raises(client.exceptions.InvalidArgumentException):
        client.get_records(ShardIterator="x")
    with pytest.raises(ClientError, match="does not offer RegisterStreamConsumer"):
        client.register_stream_consumer(
            StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/events", ConsumerName="c"
        )


def handled(service: KinesisService, headers: dict[str, str], body: bytes = b"{}") -> Any:
    return asyncio.run(service.handle(AwsRequest("POST", "/", "", headers, body, CallContext())))


@pytest.fixture
def service(tmp_path: Path) -> KinesisService:
    return KinesisService(meters=Meters(), limits=NONE, data_dir=tmp_path)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-amz-cbor-1.1", "x-amz-target": "Kinesis_20131202.PutRecord"},
        {"smithy-protocol": "rpc-v2-cbor"},
    ],
)
def test_a_cbor_client_is_told_in_cbor_to_switch_it_off(
    service: KinesisService, headers: dict[str, str]
) -> None:
    response = handled(service, headers)
    assert response.status == 400
    assert response.headers["content-type"] == "application/x-amz-cbor-1.1"
    # map(2), text "__type", text, text "message", text of more than 23 bytes
    assert response.body.startswith(b"\xa2\x66__type\x76SerializationException\x67message\x79")
    assert b"AWS_CBOR_DISABLE=true" in response.body
    message = refuse_cbor().body.split(b"\x67message\x79", 1)[1]
    assert int.from_bytes(message[:2], "big") == len(message) - 2


@pytest.mark.parametrize(
    "headers", [{}, {"x-amz-target": "DynamoDB_20120810.PutItem"}, {"x-amz-target": "Kinesis_20131202."}]
)
def test_a_foreign_target_is_an_unknown_operation(service: KinesisService, headers: dict[str, str]) -> None:
    response = handled(service, headers)
    assert response.status == 400
    assert b"UnknownOperationException" in response.body


def test_a_fault_of_ours_is_an_internal_failure(
    service: KinesisService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "_clock", lambda: 1 / 0)
    response = handled(service, {"x-amz-target": "Kinesis_20131202.ListStreams"})
    assert response.status == 500
    assert b'"InternalFailure"' in response.body
    assert "ZeroDivisionError" in caplog.text


def test_the_housekeeping_runs_until_the_service_closes(tmp_path: Path) -> None:
    async def session() -> list[asyncio.Task[Any]]:
        service = KinesisService(meters=Meters(), limits=NONE, data_dir=tmp_path)
        await service.start()
        await service.close()
        return [task for task in asyncio.all_tasks() if task.get_name() == "kinesis-housekeeping"]

    assert asyncio.run(session()) == []
