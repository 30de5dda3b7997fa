"""An embedded AWS of a test's own, and requests to what stands on it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.pipeline import Cloud, HttpRequest

WITHIN_S = 60.0


@contextmanager
def embedded(data_dir: Path, **limits: float) -> Iterator[Cloud]:
    """An embedded AWS of its own."""
    command = [sys.executable, "-m", "harness.emulator", "--port", "0", "--lifeline"]
    command += ["--limits-json", json.dumps(limits), "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert said["event"] == "ready", said
        yield Cloud("us-east-1", said["endpoints"], "test", "test")
        assert process.stdin
        process.stdin.close()
        process.wait(20)


def sent(request: HttpRequest) -> tuple[int, bytes]:
    raw = urllib.request.Request(request.url, request.body, dict(request.headers), method=request.method)
    try:
        with urllib.request.urlopen(raw, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()
