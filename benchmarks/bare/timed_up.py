"""`launchday up` with a note of when each stage began and ended; started by benchmarks/stand_up.py.

    python timed_up.py NOTES.json up --port 0

Times are seconds since the epoch. Nothing is changed but that the calls are timed.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGAN_S = time.time()
stages: list[tuple[str, float, float]] = []


def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, noted under `name`; `{}` in it is the name of the resource that is stood up."""

    @functools.wraps(call)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        began_s = time.time()
        try:
            return call(*arguments, **keywords)
        finally:
            stages.append(
                (name.format(getattr(arguments[0], "name", "") if arguments else ""), began_s, time.time())
            )

    return wrapped


def main() -> None:
    notes, *arguments = sys.argv[1:]
    sys.argv = ["launchday", *arguments]
    from harness import cli
    from harness.emulator import standing

    stages.append(("import the command", BEGAN_S, time.time()))
    standing.start = timed("start the embedded AWS", standing.start)
    _time_deployment(sys.modules["harness.cli.up"])
    try:
        cli.main()
    finally:
        Path(notes).write_text(json.dumps({"stages": stages, "cpu_s": time.process_time()}))


def _time_deployment(up: Any) -> None:
    from deploy.standup import blueprint

    load = up.load_pipeline

    def loaded(directory: Path) -> Any:
        pipeline = load(directory)
        pipeline.deploy = timed("deploy the pipeline", pipeline.deploy)
        return pipeline

    up.load_pipeline = timed("import the pipeline", loaded)
    for value in list(vars(blueprint).values()):
        if isinstance(value, type) and "stand_up" in vars(value):
            value.stand_up = timed("  {}", value.stand_up)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
