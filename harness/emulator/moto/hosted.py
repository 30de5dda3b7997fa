"""moto in this process: loaded in the background, run in threads of its own, metered and bounded.

moto computes under the interpreter's lock and is not made for many threads at once, so it gets one for the
services that a pipeline uses while it runs, one for all others, and some for calls that wait (long polling).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson

from harness.emulator.billed import Prefixes
from harness.emulator.gateway.routing import route
from harness.emulator.moto import bounds, faults, metering, ownership, parameters, routes, speed
from harness.emulator.moto.blobs import BlobStore
from harness.emulator.moto.operations import Operation, operation_of
from harness.emulator.moto.waiting import Waits
from harness.emulator.moto.wsgi import WsgiApplication, run_wsgi
from harness.emulator.services.base import AwsError, AwsRequest, AwsResponse
from harness.measure.meters import Gauge, Meters

log = logging.getLogger(__name__)

ACCOUNT_ID = "000000000000"
_PRELOADED = ("s3", "sqs", "logs", "ssm", "iam", "sts", "apigateway")
_BUSY = frozenset({"s3", "sqs", "logs", "ssm"})
_MAX_WAITING_CALLS = 256
QUEUE_DEPTH = "LaunchdayQueueDepth"


class HostedMoto:
    """moto's services, as a handler of requests."""

    def __init__(self, *, meters: Meters, data_dir: Path) -> None:
        self._meters = meters
        self._prefixes = Prefixes()
        self._blobs = BlobStore(data_dir)
        self._loaded = threading.Event()
        self._application: WsgiApplication | None = None
        self._failure: BaseException | None = None
        self._busy = ThreadPoolExecutor(1, thread_name_prefix="moto-busy")
        self._other = ThreadPoolExecutor(1, thread_name_prefix="moto-other")
        self._waits = Waits()
        self._waiting = ThreadPoolExecutor(_MAX_WAITING_CALLS, thread_name_prefix="moto-waiting")
        meters.watch(self._gauges)

    def start_loading(self) -> None:
        """Load moto in the background; requests wait for it."""
        threading.Thread(target=self._load, daemon=True, name="moto-loader").start()

    async def handle(self, request: AwsRequest) -> AwsResponse:
        """moto's answer. Raises AwsError for what moto does not have, fails at, or may not reach."""
        scope = route(request.path, request.query, request.headers).service
        operation = operation_of(scope, request)
        if scope in ownership.OWNED_SCOPES:
            raise AwsError(
                "UnknownOperationException", f"{operation.name} ({scope}) is not answered on this port."
            )
        loop = asyncio.get_running_loop()
        if operation.name == QUEUE_DEPTH:
            return await loop.run_in_executor(self._busy, self._queue_depth, operation, request)
        response = await loop.run_in_executor(self._lane(operation), self._run, operation, request)
        metering.count(self._meters, metering.bounded(self._prefixes, operation), request, response)
        return response

    async def take_logs(self, request: AwsRequest) -> object:
        """Put a batch of Lambda's log lines: [[group, stream, [[ms, message], ...]], ...]."""
        batch = orjson.loads(request.body)
        await asyncio.get_running_loop().run_in_executor(self._busy, self._put_logs, batch)
        for group, _stream, events in batch:
            metering.count_log_events(self._meters, group, (message for _, message in events))
        return {"events": sum(len(events) for _, _, events in batch)}

    async def reset(self) -> None:
        """Forget everything."""
        self._prefixes.clear()
        await asyncio.get_running_loop().run_in_executor(self._busy, self._reset)

    def close(self) -> None:
        """Let the threads and files go."""
        self._waits.end()
        for lane in (self._busy, self._other, self._waiting):
            lane.shutdown(wait=False, cancel_futures=True)
        self._blobs.close()

    def _lane(self, operation: Operation) -> ThreadPoolExecutor:
        if operation.name == "ReceiveMessage":
            return self._waiting
        return self._busy if operation.service in _BUSY else self._other

    def _run(self, operation: Operation, request: AwsRequest) -> AwsResponse:
        application = self._when_loaded()
        request.body = faults.without_nulls(request)
        if operation.name == "PutBucketNotificationConfiguration" and b"CloudFunction" in request.body:
            raise ownership.reach_error(operation.name, "lambda")
        parameters.check(operation, request)
        ownership.begin_request()
        try:
            response = run_wsgi(application, request)
        except NotImplementedError as error:
            raise _not_implemented(operation) from error
        except ownership.OwnedElsewhere:
            ownership.refuse_reach(operation.name)
            raise
        except OSError as error:
            raise AwsError("InternalError", f"{operation.name}: {error.strerror or error}.", 500) from error
        except Exception as error:
            refused = faults.refusal(operation, request, error)
            if refused is not None:
                raise refused from error
            log.exception("moto failed at %s of %s", operation.name, operation.service)
            message = f"moto failed at {operation.name} of {operation.service}: {error!r}"
            raise AwsError("InternalFailure", message, 500) from error
        ownership.refuse_reach(operation.name)
        # A page is what moto answers where it has no such operation; without a body (HEAD) there is no page.
        page = bool(response.body) and response.headers.get("content-type", "").startswith("text/html")
        if page and response.status in (404, 405):
            raise _not_implemented(operation)
        return response

    def _when_loaded(self) -> WsgiApplication:
        self._loaded.wait()
        if self._application is None:
            raise AwsError("ServiceUnavailable", f"moto could not be loaded: {self._failure!r}", 503)
        return self._application

    def _load(self) -> None:
        try:
            self._application = load_moto(self._blobs)
            self._watch_over_queues()
        except BaseException as error:
            log.exception("moto could not be loaded")
            self._failure = error
        self._loaded.set()
        if self._application is not None:
            _preload()
            gc.collect()
            gc.freeze()  # moto's modules are large: a full collection took 70 ms of a request

    def _put_logs(self, batch: list[Any]) -> None:
        self._when_loaded()
        from moto.logs.models import logs_backends

        backend = logs_backends[ACCOUNT_ID]["us-east-1"]
        for group, stream, events in batch:
            backend.ensure_log_group(group)
            backend.ensure_log_stream(group, stream)
            rows = [{"timestamp": at_ms, "message": message} for at_ms, message in events]
            backend.groups[group].put_log_events(stream, rows)

    def _reset(self) -> None:
        self._when_loaded()
        from moto.core.base_backend import BackendDict

        BackendDict.reset()

    def _watch_over_queues(self) -> None:
        from moto.sqs.models import Queue

        self._waits.watch_over(Queue)

    def _queue_depth(self, operation: Operation, request: AwsRequest) -> AwsResponse:
        """`{"QueueUrl"}` to `{"Messages": n}`: all that the queue holds, visible or not. Asked by Lambda's
        mappings to know their backlog; AWS's GetQueueAttributes would be a request on the queue's bill."""
        self._when_loaded()
        from moto.sqs.models import sqs_backends

        queue = sqs_backends[ACCOUNT_ID][request.context.region].queues.get(operation.resource)
        if queue is None:
            raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")
        return AwsResponse(200, orjson.dumps({"Messages": len(queue._messages)}))

    def _gauges(self) -> Iterable[Gauge]:
        """The messages in each queue, visible or in flight."""
        if not self._loaded.is_set() or self._application is None:
            return
        from moto.sqs.models import sqs_backends

        for region in list(sqs_backends[ACCOUNT_ID].values()):
            for name, queue in list(region.queues.items()):
                yield Gauge("sqs", name, "messages", len(queue._messages))


def load_moto(blobs: BlobStore) -> WsgiApplication:
    """Import moto, keep it to its bounds and its own services, and give its WSGI application."""
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # who may read from a browser is the guard's decision
    speed.read_models_with_orjson()
    import moto.core
    import moto.core.models

    moto.core.DEFAULT_ACCOUNT_ID = moto.core.models.DEFAULT_ACCOUNT_ID = ACCOUNT_ID
    bounds.stop_remembering_instances()
    ownership.refuse_owned_backends()
    bounds.keep_bodies_on_disk(blobs)
    bounds.bound_logs()
    bounds.bound_metrics()
    bounds.bound_queues()
    speed.load_ssm_without_ec2()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    application: WsgiApplication = DomainDispatcherApplication(create_backend_app)
    speed.remember_backends(application)
    routes.build_one_at_a_time(application)
    speed.ask_only_for_the_retention_of_a_queue()
    return application


def _preload() -> None:
    """Load what a deployment uses first, so that its first calls do not wait for it."""
    import moto.backends

    for service in _PRELOADED:
        moto.backends.get_backend(service)


def _not_implemented(operation: Operation) -> AwsError:
    return AwsError(
        "NotImplemented", f"The embedded AWS does not implement {operation.name} of {operation.service}.", 501
    )
