"""The load generator against a bare server, beside Locust's FastHttpUser flat out.

    python benchmarks/generator.py [--seconds 30]

One generator process on one core holds 5,000 planned arrivals a second; the server, a bare protocol on
uvloop that answers every request alike, has the other core. Then FastHttpUser does on the same core what it
can, in a closed loop. Then the generator's rate goes up for a few seconds at a time, until starts are late or
fewer than 99 % are sent: its ceiling. Needs nothing beside Launchday itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import psutil
import uvloop
from side_by_side import CannotMeasure, Server, free_port, keep, run

from harness.load.launch import Generator, Second
from harness.load.plan import LoadPlan
from harness.scenario import Overrides

RATE = 5_000.0
USERS = 50
STEP_S = 5.0
BARE = Path(__file__).parent / "bare"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class BareServer(asyncio.Protocol):
    """Reads requests by their Content-Length and answers each with `{}`."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            head = buffer[:end].lower()
            at = head.find(b"content-length:") + 15
            length = int(head[at:].split(b"\r\n", 1)[0])
            if len(buffer) < end + 4 + length:
                break
            buffer = buffer[end + 4 + length :]
            self._transport.write(ANSWER)
        self._buffer = buffer


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(BareServer, "127.0.0.1", port)
    await server.serve_forever()


@dataclass(frozen=True)
class Held:
    """What the generator did. `cpu` is in cores, of the seconds with load."""

    planned: int
    sent: int
    accepted: int
    late_share: float
    lateness_p99_ms: float
    worst_second_share: float
    cpu: float
    valid: bool

    @property
    def held(self) -> bool:
        return self.valid and self.sent >= 0.99 * self.planned and self.accepted == self.sent


def plan_load(url: str, rate: float, seconds: float) -> Held:
    plan = LoadPlan(
        scenario=BARE / "steady.py",
        run_id="benchmark",
        pipeline_dir=BARE,
        outputs={"url": url},
        overrides=Overrides(rate=rate, duration_s=seconds),
    )
    with tempfile.TemporaryDirectory(prefix="launchday-benchmark-") as folder:
        out = Path(folder)
        log = out / "log"
        rows: list[Second] = []
        used: list[float] = []
        with Generator(plan, out, log) as generator:
            assert generator.pid is not None
            process = psutil.Process(generator.pid)
            if hasattr(process, "cpu_affinity"):
                process.cpu_affinity([(os.cpu_count() or 1) - 1])
            for event in generator.events():
                if isinstance(event, Second):
                    rows.append(event)
                    times = process.cpu_times()
                    used.append(times.user + times.system)
        summary = json.loads((out / "summary.json").read_text())
    requests, full = summary["requests"], rows[: int(seconds)]
    return Held(
        planned=requests["planned"],
        sent=requests["sent"],
        accepted=requests["accepted"],
        late_share=summary["late_share"],
        lateness_p99_ms=requests["start_lateness_ms"]["p99"],
        worst_second_share=min(row.sent for row in full) / rate,
        cpu=(used[len(full) - 1] - used[0]) / (len(full) - 1),
        valid=summary["valid"],
    )


def flat_out(origin: str, seconds: float) -> dict[str, Any]:
    """Locust's own run: requests a second and the median and p99 that it tells of."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(BARE / "fast_http.py"), "--headless", "--json"),
        *("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds:.0f}s"),
        *("--host", origin, "--skip-log-setup"),
    ]
    pin = partial(os.sched_setaffinity, 0, {(os.cpu_count() or 1) - 1}) if _can_pin() else None
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=pin)
    try:
        (stats,) = json.loads(done.stdout)
    except ValueError:
        raise CannotMeasure(f"Locust failed: {done.stderr.strip()[-500:]}") from None
    if stats["num_failures"]:
        raise CannotMeasure(f"Locust had {stats['num_failures']} failures.")
    lasted_s = stats["last_request_timestamp"] - stats["start_time"]
    return {"users": USERS, "requests": stats["num_requests"], "per_s": stats["num_requests"] / lasted_s}


def _can_pin() -> bool:
    return hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) >= 2


def ceiling(url: str) -> dict[str, Any]:
    """From RATE, which is held, the rate doubles, then grows by an eighth, until it is not held."""
    held, steps, factor = RATE, [], 2.0
    while True:
        rate = held * factor
        result = plan_load(url, rate, STEP_S)
        steps.append({"rate": rate, **result.__dict__, "held": result.held})
        print(
            f"  {rate:>8,.0f}/s planned   {'held' if result.held else 'not held'}   "
            f"late {result.late_share:.2%}   p99 {result.lateness_p99_ms:.1f} ms   CPU {result.cpu:.2f}",
            flush=True,
        )
        if result.held:
            held = rate
        elif factor == 2.0:
            factor = 1.125
        else:
            return {"per_s": held, "steps": steps}


def benchmark(seconds: float) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with Server([sys.executable, __file__, "--serve", str(port)], port):
        held = plan_load(f"{origin}/events", RATE, seconds)
        print(
            f"launchday        {RATE:>8,.0f}/s planned for {seconds:.0f} s: "
            f"sent {held.sent / held.planned:.2%}, {held.worst_second_share:.2%} in the worst second, "
            f"{held.late_share:.2%} late, "
            f"lateness p99 {held.lateness_p99_ms:.2f} ms, CPU {held.cpu:.2f} of a core"
        )
        peer = flat_out(origin, seconds)
        print(f"FastHttpUser     {peer['per_s']:>8,.0f}/s flat out, closed loop of {USERS} users")
        figures = {"held": {"rate": RATE, **held.__dict__}, "fast_http_user": peer}
        if not held.held:
            keep("generator", figures)
            raise CannotMeasure(f"{RATE:,.0f} arrivals/s were not held here: is the machine busy?")
        highest = ceiling(f"{origin}/events")
        ratio = highest["per_s"] / peer["per_s"]
        print(f"launchday holds  {highest['per_s']:>8,.0f}/s: {ratio:.2f} x FastHttpUser")
        keep("generator", {**figures, "ceiling": highest, "ratio": ratio})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each is measured (default: 30)")
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve))
    sys.exit(run(partial(benchmark, options.seconds)))
