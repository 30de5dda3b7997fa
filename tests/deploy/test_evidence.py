"""The evidence against moto's S3, SQS and Kinesis, written by the handlers themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from deploy.evidence import Ordinals, Partitions, outcomes
from deploy.services.processing.handlers.archiver import Archiver
from deploy.services.processing.handlers.processor import Processor
from deploy.services.processing.handlers.rules import Thresholds
from harness.pipeline import Cloud, Outcome
from tests.deploy.fake_aws import FakeAws
from tests.deploy.stream import NOW_MS, batch, envelope, location, record, registration

HOUR_MS = 3_600_000


class World:
    """The handlers, with S3, SQS and Kinesis of moto, and table and invocations in memory."""

    def __init__(self) -> None:
        self.clients = Cloud("us-east-1", access_key_id="test", secret_access_key="test").clients()
        self.memory = FakeAws()
        self.clients("s3").create_bucket(Bucket="archive")
        sqs, kinesis = self.clients("sqs"), self.clients("kinesis")
        self.stream_queue = sqs.create_queue(QueueName="stream")["QueueUrl"]
        self.archive_queue = sqs.create_queue(QueueName="archive")["QueueUrl"]
        kinesis.create_stream(StreamName="events", ShardCount=1)
        self.processor = Processor(
            client=lambda service: self.clients(service) if service in ("s3", "sqs") else self.memory,
            devices_table="devices",
            archive_bucket="archive",
            archiver="archiver",
            dead_letter_queue_url=self.stream_queue,
            thresholds=Thresholds(),
            clock=lambda: NOW_MS / 1000 + 0.25,
        )
        self.archiver = Archiver(s3=self.clients("s3"), bucket="archive", clock=lambda: NOW_MS / 1000 + 0.5)

    def archive(self) -> None:
        for handover in self.memory.handovers:
            self.archiver.archive(handover)

    def dead_letter(self, queue_url: str, message: dict[str, Any]) -> None:
        self.clients("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(message))

    def read(self) -> dict[str | None, list[Outcome]]:
        outputs = {
            "archive": {"bucket": "archive", "dead_letters_url": self.archive_queue},
            "events": {"dead_letters_url": self.stream_queue},
        }
        found: dict[str | None, list[Outcome]] = {}
        for outcome in outcomes(self.clients, outputs, "run"):
            found.setdefault(outcome.event_id, []).append(outcome)
        return found


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def test_every_end_is_found(world: World) -> None:
    events = [
        envelope(registration("run-0")),
        envelope(location("run-1")),
        envelope(location("run-2", NOW_MS - 1000, lat=53.4001)),
        envelope(location("run-3", accuracy=500.0)),
        envelope(location("other-4", lat=53.9), device="d9"),
    ]
    poison = record(9, b'{"event_id":"run-5"')
    world.processor.process([*batch(*events), poison])
    world.archive()
    found = world.read()
    assert {key: [each.outcome for each in each_] for key, each_ in found.items()} == {
        "run-0": ["registered"],
        "run-1": ["archived"],
        "run-2": ["archived"],
        "run-3": ["discarded:accuracy"],
        "run-5": ["dead_lettered"],
    }
    assert found["run-1"][0] == Outcome("run-1", "archived", NOW_MS / 1000 + 0.5, 250, live=True)
    assert found["run-2"][0].superseded
    assert [key for key, [each] in found.items() if each.live] == ["run-1"]


def test_the_evidence_can_be_read_again(world: World) -> None:
    world.processor.process([record(9, b'{"event_id":"run-5"')])
    assert world.read() == world.read()


def test_what_was_handed_over_and_not_archived_has_no_end(world: World) -> None:
    world.processor.process(batch(envelope(location("run-1"))))
    assert world.read() == {}


def test_an_object_that_is_no_longer_in_the_archive_is_no_end(world: World) -> None:
    world.processor.process(batch(envelope(location("run-1"))))
    world.processor.process(batch(envelope(location("run-2", NOW_MS - 1000, lat=53.4001)), first=7))
    world.archive()
    s3 = world.clients("s3")
    first, _ = (each["Key"] for each in s3.list_objects_v2(Bucket="archive", Prefix="archive/")["Contents"])
    s3.delete_object(Bucket="archive", Key=first)
    assert list(world.read()) == ["run-2"]


def test_a_redelivery_is_told_from_a_duplicate(world: World) -> None:
    world.processor.process(batch(envelope(location("run-1")), envelope(registration("run-2"))))
    world.processor.process(batch(envelope(location("run-1")), envelope(registration("run-2")), first=7))
    world.archive()
    world.memory.items.clear()  # as if the table had lost its memory: archived twice, an hour apart
    world.memory.handovers.clear()
    later = NOW_MS + HOUR_MS
    world.processor.process(batch(envelope(location("run-3"))))
    world.memory.items.clear()
    world.processor.process(batch(envelope(location("run-3", later), received_ms=later), first=30))
    world.archive()
    found = world.read()
    assert [(each.redelivered, each.duplicated) for each in found["run-1"]] == [(True, False)]
    assert [each.redelivered for each in found["run-2"]] == [False, True]
    assert [each.duplicated for each in found["run-3"]] == [False, True]


def test_a_batch_that_lambda_gave_up_is_read_from_the_stream_again(world: World) -> None:
    kinesis = world.clients("kinesis")
    put = [
        kinesis.put_record(StreamName="events", PartitionKey="d", Data=data)
        for data in (
            json.dumps(envelope(location("run-1"))).encode(),
            b'poison {"event_id":"run-2"}',
            json.dumps(envelope(location("run-3"))).encode(),
        )
    ]
    arn = kinesis.describe_stream_summary(StreamName="events")["StreamDescriptionSummary"]["StreamARN"]
    world.dead_letter(
        world.stream_queue,
        {
            "requestContext": {"condition": "RetryAttemptsExhausted"},
            "KinesisBatchInfo": {
                "shardId": put[0]["ShardId"],
                "startSequenceNumber": put[0]["SequenceNumber"],
                "endSequenceNumber": put[1]["SequenceNumber"],
                "batchSize": 3,
                "streamArn": arn,
            },
        },
    )
    found = world.read()
    assert sorted(map(str, found)) == ["None", "run-1", "run-2"]
    assert {each.outcome for each_ in found.values() for each in each_} == {"dead_lettered"}


def test_a_handover_that_could_not_be_stored_is_dead_lettered(world: World) -> None:
    world.processor.process(batch(envelope(location("run-1"))))
    [handover] = world.memory.handovers
    world.dead_letter(world.archive_queue, {"version": "1.0", "requestPayload": handover})
    world.dead_letter(world.archive_queue, {"strange": True})
    assert {key: each[0].outcome for key, each in world.read().items()} == {"run-1": "dead_lettered"}


def test_partitions_take_ids_as_they_come() -> None:
    partitions = Partitions("run-")
    assert not partitions.is_second("run-5000", "a")
    assert not partitions.is_second("run-5000", "a")
    assert partitions.is_second("run-5000", "b")
    assert not partitions.is_second("run-x", "a")


def test_ordinals_hold_what_a_run_gave_and_nothing_else() -> None:
    ordinals = Ordinals("run-")
    for event_id in ("run-7", "run-5000", "run-x", "run-"):
        ordinals.add(event_id)
    assert [each for each in ("run-7", "run-5000") if each in ordinals] == ["run-7", "run-5000"]
    assert not [each for each in ("run-8", "run-99999", "run-x", "run-", "run-²") if each in ordinals]
