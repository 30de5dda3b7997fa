"""The product as a person meets it: the installed command, in a place of its own, and what it leaves."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import jsonschema
import psutil

from harness.measure.run_folder import RunFolder
from reports.result import schema
from reports.verdict import broken_identities

LAUNCHDAY = Path(sys.executable).with_name("launchday")
HERE = Path(__file__).parent
STEADY = HERE / "steady.py"
TINY = HERE.parent / "pipelines" / "tiny"
ENDS_WITHIN_S = 90.0
GOES_WITHIN_S = 15.0
LATE = "The generator could not keep up"
_LOOK_S = 0.05

Preparation = Callable[[], None]


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """All of it, in one line: sentences are wrapped to the terminal's width."""
        return " ".join(f"{self.stderr} {self.stdout}".split())

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.stdout)


class Running:
    """A command that runs; its output is read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._changed = threading.Condition()
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self._lines[name].append(line)
                    self._changed.notify_all()

    def wait_for(self, text: str, within_s: float = ENDS_WITHIN_S) -> None:
        """Return once a line of its output holds `text`."""

        def there() -> bool:
            return any(text in line for lines in self._lines.values() for line in lines)

        with self._changed:
            found = self._changed.wait_for(there, within_s)
        assert found, f"it never said '{text}': {self._lines}"

    def part(self, *words: str) -> psutil.Process:
        """The youngest process that it started, directly or not, with all of `words` in its command line."""
        found = [
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if set(words) <= set(_command_line(child))
        ]
        assert found, f"there is no process of {words}"
        return max(found, key=lambda child: child.create_time())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self, within_s: float = ENDS_WITHIN_S) -> Ended:
        """Wait until it ends by itself."""
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {within_s} s: {self._lines}") from None
        for reader in self._readers:
            reader.join(GOES_WITHIN_S)
        return Ended(code, "".join(self._lines["stdout"]), "".join(self._lines["stderr"]))


class Product:
    """Launchday in a place of its own: home, cache, state and temporary files are under `folder`.

    All that it starts has the folder's path in its environment or its command line, so that what it leaves
    behind can be found."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.temporary = folder / "tmp"
        for each in (self.work, self.temporary):
            each.mkdir(parents=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "LAUNCHDAY_", "GITHUB_"))
        }
        self.environment = {
            **kept,
            "HOME": str(folder),
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(cache),
            "LAUNCHDAY_STATE_DIR": str(folder / "state"),
            "PATH": f"{LAUNCHDAY.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def start(
        self,
        *arguments: str | Path,
        program: str | Path = LAUNCHDAY,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        prepare: Preparation | None = None,
    ) -> Running:
        """Start a command; `prepare` runs in its process before it does."""
        return Running(
            subprocess.Popen(
                [str(program), *map(str, arguments)],
                cwd=cwd or self.work,
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=prepare,
            )
        )

    def run(self, *arguments: str | Path, within_s: float = ENDS_WITHIN_S, **more: Any) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments, **more).end(within_s)

    def rehearse(self, *options: str | Path, scenario: str | Path = STEADY, **more: Any) -> Running:
        """Start `launchday run` of a small scenario, on a free port."""
        where: dict[str, str | Path] = {"--port": "0", "--out": self.out}
        left = [word for pair in where.items() if pair[0] not in options for word in pair]
        return self.start("run", scenario, *left, *options, **more)

    def measured(self, running: Running) -> dict[str, Any]:
        """The result of a rehearsal that was to go well, once it has ended and left nothing behind.

        A generator that could not keep up says something of the machine that tests, and not of the product:
        it may make the measurement invalid, and nothing else may be wrong then."""
        ended = running.end()
        result = self.result
        if (result["verdict_reason"] or "").startswith(LATE):
            assert (ended.code, result["status"]) == (4, "complete")
        else:
            assert (ended.code, result["verdict"]) == (0, "met"), ended.said
        self.assert_nothing_left()
        return result

    @property
    def out(self) -> Path:
        """The run folder that `rehearse` asks for."""
        return self.folder / "run"

    @property
    def result(self) -> dict[str, Any]:
        """The result of `rehearse`, checked: by its schema, and that its sums add up."""
        return checked(json.loads((self.out / "result.json").read_text()))

    def processes(self) -> list[psutil.Process]:
        """What runs of it, now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        if process.pid == os.getpid():
            return False
        mark = str(self.folder)
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            words = [*process.environ().values(), *process.cmdline()]
        except psutil.Error:
            return False
        return any(mark in word for word in words)

    def assert_no_process_left(self, within_s: float = GOES_WITHIN_S) -> None:
        """All that was started ends by itself."""
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not self.processes(), within_s)
        assert [" ".join(_command_line(each)) for each in self.processes()] == []

    def assert_nothing_left(self) -> None:
        """No process is left, and no temporary file."""
        self.assert_no_process_left()
        assert sorted(each.name for each in self.temporary.iterdir()) == []

    def clear(self) -> None:
        """End what a failed test left."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def wait_until(condition: Callable[[], object], within_s: float = ENDS_WITHIN_S) -> None:
    """Return once `condition` holds. Raises TimeoutError."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"it did not come about within {within_s} s")
        time.sleep(_LOOK_S)


def _command_line(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def checked(result: dict[str, Any]) -> dict[str, Any]:
    """`result`, of which the schema and the identities hold."""
    validator = jsonschema.Draft202012Validator(schema())
    errors = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(result)]
    assert errors == []
    assert broken_identities(result) == []
    return result


def one_sentence(ended: Ended) -> str:
    """The sentence that `launchday` ended with; there is no traceback."""
    assert "Traceback" not in ended.stderr, ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith(("launchday: ", "Error: "))]
    assert len(lines) == 1, ended.stderr
    return lines[0].partition(": ")[2]


@contextlib.contextmanager
def product_in(folder: Path, cache: Path) -> Iterator[Product]:
    """A place for the product; whatever a test leaves there is ended."""
    product = Product(folder, cache)
    try:
        yield product
    finally:
        product.clear()


_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of a folder without compiled files, which are as good as their sources to whoever loads them."""
    return Path(shutil.copytree(folder, to, ignore=shutil.ignore_patterns("__pycache__")))


def obey_permissions() -> None:
    """Give up root's right to pass over the permissions of files, from the next program on. Linux only."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            assert libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def opened(product: Product) -> RunFolder:
    """The run folder of `rehearse`."""
    return RunFolder.open(product.out)
