"""What waits inside LocalStack, as [service, resource, gauge, value]: no request tells of it.

Read from LocalStack's own state, as its own APIs read it, and never changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from launchday_localstack.metering.deliveries import pending_deliveries

Gauge = list[Any]
_SHORT_NAME = 47
"""LocalStack names the queue of a function's events `<first 47 characters of its name>-<hash>`."""


def gauges() -> list[Gauge]:
    """All of them, now. A service that was not used yet is not loaded for being asked."""
    return [*_queues(), *_events(), *_deliveries()]


def _queues() -> Iterator[Gauge]:
    """The messages in each queue, visible, in flight or delayed."""
    if models := sys.modules.get("localstack.services.sqs.models"):
        for _account, _region, store in models.sqs_stores.iter_stores():
            for queue in list(store.queues.values()):
                yield ["sqs", queue.name, "messages", held(queue)]


def _events() -> Iterator[Gauge]:
    """The asynchronous invocations of each function that wait, run or will be tried again."""
    queues = sys.modules.get("localstack.services.lambda_.invocation.internal_sqs_queue")
    models = sys.modules.get("localstack.services.lambda_.invocation.models")
    if queues is None or models is None:
        return
    waiting: dict[str, int] = {}
    for name, queue in list(queues.get_fake_sqs_client().queue_manager.queues.items()):
        short = name.rpartition("-")[0]
        waiting[short] = waiting.get(short, 0) + held(queue)
    for _account, _region, store in models.lambda_stores.iter_stores():
        for name in list(store.functions):
            if name[:_SHORT_NAME] in waiting:
                yield ["lambda", name, "async_backlog", waiting.pop(name[:_SHORT_NAME])]


def _deliveries() -> Iterator[Gauge]:
    """The deliveries of each topic that are not over."""
    for topic, count in pending_deliveries().items():
        yield ["sns", topic, "pending_deliveries", count]


def held(queue: Any) -> int:
    """All that a queue of LocalStack's holds."""
    return int(
        queue.approximate_number_of_messages
        + queue.approximate_number_of_messages_not_visible
        + queue.approximate_number_of_messages_delayed
    )
