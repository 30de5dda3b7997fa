"""Fixtures of the cases of SNS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.behaviours.sns.endpoints import Endpoint, listening
from tests.conformance.behaviours.sns.topics import Topic
from tests.conformance.kit import Cleanup
from tests.conformance.targets import Aws


@pytest.fixture
def topic(aws: Aws, cleanup: Cleanup) -> Topic:
    sns = aws.client("sns")
    arn = sns.create_topic(Name=aws.name("topic"))["TopicArn"]
    cleanup.add(sns.delete_topic, TopicArn=arn)
    return Topic(aws, cleanup, sns, arn)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as made:
        yield made
