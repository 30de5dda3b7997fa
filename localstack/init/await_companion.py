"""Waits until the companion that LAUNCHDAY_COMPANION_URL names answers; without one there is nothing to do.

Run by boot.d/10-await-companion.sh. Exit code 1 when it did not answer in time.
"""

from __future__ import annotations

import os
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

WITHIN_S = 60.0
_LOOK_S = 0.2


def main() -> int:
    """The exit code."""
    url = os.environ.get("LAUNCHDAY_COMPANION_URL", "").rstrip("/")
    if not url:
        return 0
    deadline_s = time.monotonic() + float(os.environ.get("LAUNCHDAY_COMPANION_WITHIN_S", WITHIN_S))
    while True:
        try:
            with urlopen(f"{url}/_launchday/health", timeout=5):
                return 0
        except (URLError, OSError) as error:
            if time.monotonic() >= deadline_s:
                print(f"Launchday's companion at {url} does not answer: {error}.", file=sys.stderr)
                return 1
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    sys.exit(main())
