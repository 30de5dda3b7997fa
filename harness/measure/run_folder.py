"""The run folder: everything a run measured, stored raw and as it happens.

    runs/<UTC time>-<scenario>/
      run.json            what this folder is, and how the run stands
      plan.json           what was asked for                     (harness.measure.plan)
      environment.json    versions, machine, limits, prices
      load/               the generator's: summary.json, timeline.ndjson, acceptance.npy
      timeline.ndjson     the target second by second            (harness.measure.timeline)
      usage.json          the meters at marked moments
      invocations.ndjson  every Lambda invocation
      calls.ndjson        the AWS calls that each of them made
      watch/              the watchers': summary.json, timeline.ndjson, receipts.bin
      ledger/             outcomes.npz, ledger.json, deliveries.json (harness.measure.ledger, .deliveries)
      result.json         what came of it                        (reports.result)
      logs/

This module is the only reader and writer of all but load/ and watch/, which the generator and the watchers
write. Every append is in its
file before the call returns and every whole file is replaced at once, so a crash loses nothing measured.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from harness.errors import EXIT_INTERRUPTED, EXIT_TARGET, LaunchdayError, MeasurementInvalid, UsageError
from harness.measure.acceptance import AcceptanceArray
from harness.measure.deliveries import Deliveries
from harness.measure.files import (
    FULL,
    RowLog,
    read_json,
    read_rows,
    read_shaped,
    replace_file,
    replace_json,
    seal,
    writing,
)
from harness.measure.histogram import LatencyHistogram
from harness.measure.ledger import Ledger
from harness.measure.ledger_result import LedgerResult
from harness.measure.meters import CallTally, Usage
from harness.measure.observation import Invocation, Observation
from harness.measure.plan import Plan
from harness.measure.receipts import Receipts, read_receipts
from harness.measure.redaction import redact
from harness.measure.run_state import Drain, Marked, RunState
from harness.measure.shape import Misshapen, Rows, check
from harness.measure.stored import (
    LATEST_S,
    Environment,
    Histograms,
    LoadRow,
    LoadSummary,
    Status,
    StoredMarks,
    StoredState,
    WatchRow,
)
from harness.measure.timeline import Rates, Row, Timeline, TimelineRow
from harness.measure.unseen import Unseen

FORMAT: Final = "launchday.run"
VERSION: Final = 1

Mark = Literal["load_start", "load_end", "end", "latest"]
"""Moments at which the meters were read; `latest` is the last observation of a run that has no `end` yet."""

PARTS: Final = (
    *("plan.json", "environment.json", "usage.json"),
    *("timeline.ndjson", "invocations.ndjson", "calls.ndjson"),
    *("load/summary.json", "load/timeline.ndjson", "load/acceptance.npy"),
    *("ledger/ledger.json", "ledger/outcomes.npz"),
)
"""The files that a complete run has, and that reports are derived from."""

WATCHED: Final = ("watch/summary.json", "watch/receipts.bin", "ledger/deliveries.json")
"""Those that it has beside them when somebody watched."""

# What numpy and its archives raise for a file that is not what it was.
_UNREADABLE = (
    *(OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class RunFolder:
    """One run's folder. Use `create`, `create_at` or `open`."""

    def __init__(self, path: Path, state: dict[str, Any]) -> None:
        self.path = path
        self._state = state
        self._rates = Rates()
        self._logs: dict[str, RowLog] = {}
        self._marks: dict[str, Any] | None = {}  # None: not read yet
        self._lost_before: int | None = None
        # The sampler's thread appends while the conductor's marks.
        self._lock = threading.RLock()

    # -- making and opening

    @classmethod
    def create(cls, root: Path, scenario: str, now_s: float) -> RunFolder:
        """A new folder `<UTC time>-<scenario>` in `root`, which is made when it is not there. Two runs of one
        second get two folders. Raises UsageError when it cannot be made."""
        stamp = dt.datetime.fromtimestamp(now_s, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{stamp}-{_UNSAFE.sub('-', scenario).strip('-.') or 'run'}"
        path = root / name
        taken = 1
        with _making(path):
            root.mkdir(parents=True, exist_ok=True)
            while not _made(path):
                taken += 1
                path = root / f"{name}-{taken}"
        return cls.create_at(path, scenario, now_s)

    @classmethod
    def create_at(cls, path: Path, scenario: str, now_s: float) -> RunFolder:
        """A new folder at `path`. Raises UsageError when something is there already or it cannot be made, and
        MeasurementInvalid when the disk is full."""
        with _making(path):
            taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
        if taken:
            raise UsageError(f"'{path}' is there already.", "Give --out a folder that does not exist yet.")
        state: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "scenario": scenario,
            "started_at_s": now_s,
            "status": "running",
        }
        folder = cls(path, state)
        with _making(path):
            for part in ("load", "ledger", "logs"):
                (path / part).mkdir(parents=True, exist_ok=True)
        folder._store_state()
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The run folder at `path`, of a run that ended or not. Raises UsageError when there is none, or when
        a newer Launchday wrote it."""
        if not path.is_dir():
            raise UsageError(f"There is no run folder '{path}'.", "`launchday run` makes one under runs/.")
        try:
            state = read_json(path / "run.json")
        except MeasurementInvalid as error:
            raise UsageError(error.message) from None
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise UsageError(f"'{path}' is not a run folder.", "A run folder has a run.json of Launchday's.")
        version = state.get("version")
        if type(version) is not int or version != VERSION:
            raise UsageError(
                f"'{path}' was written by another Launchday "
                f"(version {version} in its run.json, not {VERSION}).",
                "Read it with that version.",
            )
        try:
            check(state, StoredState)
            for name in ("started_at_s", "ended_at_s"):
                if not 0 <= (state.get(name) or 0.0) <= LATEST_S:
                    raise Misshapen(f"{name} must be a time in seconds since 1970, not {state[name]}")
        except Misshapen as error:
            raise UsageError(f"'{path / 'run.json'}' is damaged: {error}.") from None
        folder = cls(path, state)
        folder._marks = None
        return folder

    # -- how the run stands

    @property
    def state(self) -> RunState:
        """How the run stands."""
        state = self._state
        drain = state.get("drain")
        return RunState(
            scenario=state["scenario"],
            started_at_s=state["started_at_s"],
            ended_at_s=state.get("ended_at_s"),
            status=state["status"],
            error=state.get("error"),
            exit_code=state.get("exit_code"),
            drain=Drain(drain["duration_s"], drain["emptied"], drain.get("waiting")) if drain else None,
            incidents=tuple(state.get("incidents", ())),
            lost=state.get("lost", 0),
            observer=state.get("observer"),
            unseen=state.get("unseen"),
        )

    @property
    def seals(self) -> Mapping[str, str]:
        """The `seal` of each of PARTS when the run ended; empty before."""
        found: Mapping[str, str] = self._state.get("seals", {})
        return found

    def set_drain(self, drain: Drain) -> None:
        """Keep how the backlog emptied."""
        self._store_state(drain={name: value for name, value in asdict(drain).items() if value is not None})

    def set_observer(self, completeness: str, unseen: Unseen) -> None:
        """Keep what the observer cannot see, in words and by name (`Observer`)."""
        self._store_state(observer=completeness, unseen=dict(unseen))

    def finish(self, status: Status, now_s: float, error: BaseException | str | None = None) -> None:
        """Keep how the run ended; for a failed one, with what went wrong and its exit code."""
        changes: dict[str, Any] = {"status": status, "ended_at_s": now_s}
        if error is not None:
            changes["error"] = str(error) or type(error).__name__
        if status == "interrupted":
            changes["exit_code"] = EXIT_INTERRUPTED
        elif status == "failed":
            changes["exit_code"] = error.exit_code if isinstance(error, LaunchdayError) else EXIT_TARGET
        self.close()
        there = (name for name in (*PARTS, *WATCHED) if (self.path / name).is_file())
        changes["seals"] = {name: seal(self.path / name) for name in there}
        self._store_state(**changes)

    def close(self) -> None:
        """Close the files that are being appended to. What is appended later opens them again."""
        with self._lock:
            logs, self._logs = self._logs, {}
        for log in logs.values():
            log.close()

    def _store_state(self, **changes: Any) -> None:
        with self._lock:
            self._state.update(changes)
            replace_json(self.path / "run.json", redact(self._state))

    # -- plan and environment

    def write_plan(self, plan: Plan | Mapping[str, Any]) -> None:
        """Store what was asked for, secrets left out."""
        replace_json(self.path / "plan.json", redact(plan))

    def plan(self) -> Plan:
        """What was asked for; empty when the run died before that. Raises MeasurementInvalid when it is
        damaged."""
        return cast(Plan, read_shaped(self.path / "plan.json", Plan) or {})

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        """Store versions, machine, limits, prices, seed and pipeline hash, secrets left out."""
        replace_json(self.path / "environment.json", redact(environment))

    def environment(self) -> dict[str, Any]:
        """What the run ran on; empty when the run died before that."""
        return cast(dict[str, Any], read_shaped(self.path / "environment.json", Environment) or {})

    # -- what the observer saw

    def append_observation(self, observation: Observation) -> None:
        """Keep one observation: timeline rows, invocations, calls, the meters, new incidents, and losses
        since the first one."""
        self._append("timeline.ndjson", (row.to_json() for row in self._rates.rows(observation)))
        self._append("invocations.ndjson", observation.invocations)
        self._append("calls.ndjson", map(list, observation.calls))
        self._mark("latest", observation.usage, observation.at_s, durable=False)
        known_unseen = self.state.unseen or {}
        if observation.unseen.keys() - known_unseen.keys():  # an observer may come to see less
            self._store_state(unseen={**observation.unseen, **known_unseen})
        if self._lost_before is None:  # a target that stood for hours may have lost what nobody looked at
            self._lost_before = observation.lost
        state, lost = self.state, observation.lost - self._lost_before
        if tuple(observation.incidents) != state.incidents or lost > state.lost:
            known = state.incidents
            fresh = [incident for incident in observation.incidents if incident not in known]
            self._store_state(incidents=[*known, *fresh], lost=max(lost, state.lost))

    def mark_usage(self, mark: Mark, usage: Iterable[Usage], at_s: float) -> None:
        """Keep the meters of the moment `at_s` under a name; the bill is what grew from `load_start` to
        `end`."""
        self._mark(mark, usage, at_s, durable=True)

    def _mark(self, mark: Mark, usage: Iterable[Usage], at_s: float, *, durable: bool) -> None:
        with self._lock:
            marks = self._read_marks()
            marks[mark] = {"at_s": at_s, "usage": [list(item) for item in usage]}
            replace_json(self.path / "usage.json", marks, durable=durable)

    def _read_marks(self) -> dict[str, Any]:
        if self._marks is None:
            self._marks = read_shaped(self.path / "usage.json", StoredMarks) or {}
        return self._marks

    def marked_usage(self, mark: Mark) -> Marked | None:
        """The meters at a mark, or None when the run did not get that far. Raises MeasurementInvalid when
        they are damaged."""
        found = self._read_marks().get(mark)
        if found is None:
            return None
        return Marked(found["at_s"], tuple(Usage(*item) for item in found["usage"]))

    def timeline(self) -> Timeline:
        """The target second by second."""
        return Timeline.of(Row(**row) for row in self.timeline_rows() if row["value"] is not None)

    def timeline_rows(self) -> Iterator[dict[str, Any]]:
        """The rows of the timeline as they are stored; a value that was not a number is None."""
        return read_rows(self.path / "timeline.ndjson", Rows(TimelineRow).check_object)

    def invocations(self) -> Iterator[Invocation]:
        """Every Lambda invocation that was seen, as it happened."""
        return (
            Invocation(**row)
            for row in read_rows(self.path / "invocations.ndjson", Rows(Invocation).check_object)
        )

    def calls(self) -> Iterator[CallTally]:
        """The AWS calls that invocations made."""
        return (CallTally(*row) for row in read_rows(self.path / "calls.ndjson", Rows(CallTally).check_list))

    def _append(self, name: str, rows: Iterable[Any]) -> None:
        with self._lock:
            log = self._logs.get(name)
            if log is None:
                log = self._logs[name] = RowLog(self.path / name)
            log.append(rows)

    # -- what the generator wrote

    @property
    def load_path(self) -> Path:
        """The folder that the generator writes to."""
        return self.path / "load"

    def load_summary(self) -> dict[str, Any] | None:
        """The generator's totals, or None when it did not come to write them. Raises MeasurementInvalid when
        they are damaged."""
        path = self.load_path / "summary.json"
        found: dict[str, Any] | None = read_shaped(path, LoadSummary)
        for name in Histograms.__annotations__ if found else ():
            for route, text in (found or {})["histograms"].get(name, {}).items():
                try:
                    LatencyHistogram.decode(text)
                except ValueError as error:
                    raise MeasurementInvalid(
                        f"'{path}' is damaged: histograms.{name}.{route} is {error}."
                    ) from None
        return found

    def load_timeline(self) -> Iterator[dict[str, Any]]:
        """The generator's rows, one a second."""
        return read_rows(self.load_path / "timeline.ndjson", Rows(LoadRow).check_object)

    def acceptance(self) -> AcceptanceArray | None:
        """The code of each event by ordinal (harness.measure.acceptance), or None when the generator did not
        come to write them. Raises MeasurementInvalid when the file is damaged."""
        path = self.load_path / "acceptance.npy"
        try:
            found: AcceptanceArray = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            raise MeasurementInvalid(f"'{path}' is damaged: {error}.") from None
        if not isinstance(found, np.ndarray):  # an archive of arrays
            raise MeasurementInvalid(f"'{path}' is damaged: it must hold one array.")
        if found.dtype != np.uint8 or found.ndim != 1:
            raise MeasurementInvalid(
                f"'{path}' must hold one uint8 an event, not {found.dtype}{found.shape}."
            )
        return found

    # -- what the watchers wrote

    @property
    def watch_path(self) -> Path:
        """The folder that the watchers write to."""
        return self.path / "watch"

    def receipts(self) -> Receipts | None:
        """What the watchers were told; None when nobody watched. Raises MeasurementInvalid when the file
        cannot be read."""
        return read_receipts(self.watch_path)

    def watch_timeline(self) -> Iterator[dict[str, Any]]:
        """The watchers' rows, one a second; none when nobody watched."""
        return read_rows(self.watch_path / "timeline.ndjson", Rows(WatchRow).check_object)

    # -- the ledger

    def write_ledger(self, ledger: Ledger) -> LedgerResult:
        """Reconcile `ledger`, and store the outcome of each event and what came of it."""
        result = ledger.reconcile()
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **ledger.arrays())
        replace_file(self.path / "ledger" / "outcomes.npz", buffer.getvalue())
        replace_json(self.path / "ledger" / "ledger.json", result.to_json())
        return result

    def ledger(self) -> LedgerResult | None:
        """What reconciling gave, or None when the run did not get that far. Raises MeasurementInvalid when
        the file is damaged."""
        path = self.path / "ledger" / "ledger.json"
        found = read_shaped(path, LedgerResult)
        return None if found is None else LedgerResult.from_json(found)

    def write_deliveries(self, deliveries: Deliveries) -> None:
        """Store who was told of what."""
        replace_json(self.path / "ledger" / "deliveries.json", deliveries.to_json())

    def deliveries(self) -> Deliveries | None:
        """Who was told of what; None when nobody watched, or when the run did not get that far. Raises
        MeasurementInvalid when the file is damaged."""
        path = self.path / "ledger" / "deliveries.json"
        found = read_shaped(path, Deliveries)
        return None if found is None else Deliveries.from_json(found)

    def outcomes(self) -> dict[str, NDArray[np.generic]] | None:
        """The arrays of `Ledger.arrays`, or None when the run did not get that far. Raises
        MeasurementInvalid when the file is damaged."""
        path = self.path / "ledger" / "outcomes.npz"
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except _UNREADABLE as error:
            raise MeasurementInvalid(f"'{path}' is damaged: {error}.") from None

    # -- result and logs

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Store what came of the run."""
        replace_json(self.path / "result.json", result)

    def result(self) -> dict[str, Any] | None:
        """What came of the run, or None when nobody has worked it out."""
        return cast("dict[str, Any] | None", read_json(self.path / "result.json"))

    def write_report(self, name: str, text: str) -> Path:
        """Store a rendered report beside the result, and return where."""
        path = self.path / name
        replace_file(path, text.encode())
        return path

    @property
    def logs_path(self) -> Path:
        """The folder for logs."""
        return self.path / "logs"


@contextmanager
def _making(path: Path) -> Iterator[None]:
    """Turn the errors of making the folder `path` into UsageError; a full disk is MeasurementInvalid."""
    try:
        with writing(path):
            yield
    except MeasurementInvalid as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno in FULL:
            raise
        why = error.__cause__.strerror or error.__cause__
        raise UsageError(
            f"The run folder '{path}' cannot be made: {why}.", "Choose another with --out."
        ) from None


def _made(path: Path) -> bool:
    """Whether this call made the folder `path`; False when somebody has it already."""
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True
