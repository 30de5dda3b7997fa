"""What is done to moto's own code for speed leaves its answers as they are."""

from __future__ import annotations

from typing import Any

import pytest
from moto.sqs.models import Queue, SQSBackend

from harness.emulator.moto.speed import ask_only_for_the_retention_of_a_queue


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Any:
    """SQS with a queue that keeps messages for a minute."""
    kept = "is_message_valid_based_on_retention_period"
    monkeypatch.setattr(SQSBackend, kept, getattr(SQSBackend, kept))  # so that it is put back at the end
    ask_only_for_the_retention_of_a_queue()
    made = SQSBackend("us-east-1", "000000000000")
    made.create_queue("dlq", MessageRetentionPeriod=60)
    return made


def receive(backend: Any) -> list[str]:
    return [message.body for message in backend.receive_message("dlq", 10, 0, 30)]


def test_receiving_does_not_work_out_all_of_a_queue(backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        backend.send_message("dlq", str(number))

    def attributes(_queue: Queue) -> dict[str, Any]:
        raise AssertionError("every message of the queue is counted for this")

    monkeypatch.setattr(Queue, "attributes", property(attributes))
    assert receive(backend) == ["0", "1", "2"]


def test_a_message_older_than_the_retention_is_not_received(backend: Any) -> None:
    backend.send_message("dlq", "old").sent_timestamp -= 61_000
    assert receive(backend) == []
