"""Metering, turned on in a LocalStack that has a companion."""

from __future__ import annotations

import os

from localstack.aws import handlers
from localstack.http import Request, Response
from localstack.services.edge import ROUTER
from werkzeug.routing import Rule

from launchday_localstack.companion import Companion
from launchday_localstack.metering.gauges import gauges
from launchday_localstack.metering.handler import RequestNotes
from launchday_localstack.metering.recorder import Recorder
from launchday_localstack.metering.where import process_space

REQUESTS_PATH = "/_launchday/requests"
"""At the companion: where batches go."""
METERING_PATH = "/_launchday/metering"
"""Here: where the companion asks for what was not posted yet, and for what waits in LocalStack."""
_POST_TIMEOUT_S = 10.0
_JSON = {"content-type": "application/json"}


class Metering:
    """Notes every request from `start` to `stop`."""

    def __init__(self, companion: Companion) -> None:
        self._companion = companion
        self.recorder = Recorder(self._post)
        self._notes = RequestNotes(self.recorder)
        self._rules: list[Rule] = []

    def start(self) -> None:
        """Begin."""
        handlers.run_custom_response_handlers.append(self._notes)
        self._rules.append(ROUTER.add(METERING_PATH, self._look, methods=["POST"]))
        self.recorder.start()

    def stop(self) -> None:
        """Note nothing more, and post what is left."""
        ROUTER.remove(self._rules)
        self._rules.clear()
        handlers.run_custom_response_handlers.handlers.remove(self._notes)
        self.recorder.stop()

    def _post(self, batch: bytes) -> None:
        answer = self._companion.send("POST", REQUESTS_PATH, _JSON, batch, timeout_s=_POST_TIMEOUT_S)
        if answer.status != 200:
            raise ConnectionError(f"it answered {answer.status} {answer.body[:200]!r}")

    def _look(self, _request: Request) -> Response:
        """What was posted so far, with all that came before this request, and what waits. The gauges are read
        first: what they show to be over has been noted by then."""
        waiting = gauges()
        flushed = self.recorder.flush()
        response = Response()
        response.set_json(
            {
                "source": self.recorder.source,
                "number": self.recorder.number,
                "lost": self.recorder.lost,
                "flushed": flushed,
                "gauges": waiting,
                "pid": os.getpid(),
                "process_space": process_space(),
            }
        )
        return response
