"""What LocalStack's gateway calls with each request that it answered."""

from __future__ import annotations

import logging
import time
from typing import Any

from launchday_localstack.metering.recorder import Recorder
from launchday_localstack.metering.rows import row_of

LOG = logging.getLogger(__name__)


class RequestNotes:
    """A response handler of LocalStack's: notes the request and leaves the answer as it is."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._failed = False

    def __call__(self, _chain: Any, context: Any, response: Any) -> None:
        """Note a request. One that cannot be noted is counted as lost."""
        try:
            row = row_of(context, response, int(time.time() * 1000))
        except Exception:  # whatever it is, the client gets its answer
            self._recorder.lose()
            if not self._failed:
                LOG.exception("a request could not be metered: %s", context)
            self._failed = True
            return
        if row is not None:
            self._recorder.add(row)
