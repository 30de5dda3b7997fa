"""The suite's plugin: the target as a fixture, and a file of what became of each behaviour."""

from __future__ import annotations

import datetime
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conformance import results
from tests.conformance.catalogue import catalogue
from tests.conformance.targets import Aws, place, started
from tests.conformance.verdicts import Lost, Verdict, excused, judge

_PROPERTY = "conformance"
_LOST = "lost"


class Recorder:
    """Gathers the verdicts in the reports of every process of a run, and writes them into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._verdicts: dict[str, Verdict] = {}
        self._version = ""
        self._lost = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name != _PROPERTY:
                continue
            id_, outcome, error, version = cast("tuple[str, Any, str, str]", value)
            self._version = version or self._version
            if outcome == _LOST:
                self._lost = error
            elif self._verdicts.get(id_, Verdict("passes")).outcome == "passes":
                # of a case with parameters, one that does not pass counts
                self._verdicts[id_] = Verdict(outcome, error)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput") or not self._version:
            return
        name = place().name
        if self._lost:
            raise pytest.UsageError(f"{name} was lost, so no results are written: {self._lost}")
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        run = results.Run(name, self._version, today)
        results.write(self._folder / f"{name}.json", run, self._verdicts, known=catalogue())


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance-results",
        metavar="FOLDER",
        type=Path,
        help="write what became of each behaviour into this folder (tests/conformance/results)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "behaviour(id): the case of a behaviour; set by @behaviour")
    folder = config.getoption("conformance_results", None)
    if folder is not None:
        config.pluginmanager.register(Recorder(folder), "conformance-recorder")


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The target, for all cases of this process. One that was asked for and cannot be started fails them."""
    with started(place(), tmp_path_factory.mktemp("conformance")) as target:
        yield target


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a case where its error is at hand."""
    report = yield
    marker = item.get_closest_marker("behaviour")
    error = call.excinfo.value if call.excinfo else None
    decides = call.when == "call" or (call.when == "setup" and error is not None)
    if marker is None or not decides or isinstance(error, pytest.skip.Exception):
        return report
    (id_,) = marker.args
    target = getattr(item, "funcargs", {}).get("aws")
    version = target.version if target else ""
    try:
        verdict = judge(error)
    except Lost as lost:
        report.user_properties.append((_PROPERTY, [id_, _LOST, str(lost), version]))
        return report
    report.user_properties.append((_PROPERTY, [id_, verdict.outcome, verdict.error, version]))
    if not place().embedded and excused(verdict, results.stored_outcome(place().name, version, id_)):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"{verdict.outcome}: {verdict.error}")
    return report
