"""A pipeline that knows nothing of the reference one, and keeps the protocol all the same."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from harness.pipeline import Cloud, DeployParameters, Event, Pipeline
from harness.pipeline_loader import load_pipeline

CLOUD = Cloud("us-east-1", access_key_id="test", secret_access_key="test")
EVENT = Event(3, "run-3", "registration", 0, "d1", 0.0, {})


@pytest.fixture
def pipeline() -> Pipeline:
    return load_pipeline(Path(__file__).parent / "tiny")


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_it_carries_an_event_in(pipeline: Pipeline) -> None:
    [entrance] = pipeline.entrances({"url": "http://127.0.0.1:1"})
    record = json.loads(entrance.request([EVENT]).body)
    assert json.loads(b64decode(record["Data"])) == {"event_id": "run-3"}
    assert list(entrance.acceptance(200, b"{}", 1)) == ["accepted"]
    throttle = b'{"__type":"ProvisionedThroughputExceededException"}'
    assert list(entrance.acceptance(400, throttle, 1)) == ["throttled"]
    assert list(pipeline.predict([EVENT])) == [(3, "registered")]


@pytest.mark.slow
@pytest.mark.usefixtures("aws")
def test_it_stands_up_twice_shows_its_evidence_and_goes(pipeline: Pipeline) -> None:
    CLOUD.client("iam").create_role(RoleName="tiny", AssumeRolePolicyDocument="{}")
    pipeline.deploy(CLOUD, DeployParameters())
    pipeline.deploy(CLOUD, DeployParameters())
    assert len(CLOUD.client("lambda").list_event_source_mappings()["EventSourceMappings"]) == 1
    CLOUD.client("s3").put_object(Bucket="tiny", Key="1", Body=b'["run-1", "run-2"]')
    outcomes = [(each.event_id, each.outcome) for each in pipeline.evidence(CLOUD, {}, "run")]
    assert outcomes == [("run-1", "registered"), ("run-2", "registered")]
    pipeline.destroy(CLOUD)
    pipeline.destroy(CLOUD)
    assert CLOUD.client("kinesis").list_streams()["StreamNames"] == []
    assert CLOUD.client("s3").list_buckets()["Buckets"] == []
