"""The suite's plugin: the target as a fixture, and a file of what became of each behaviour."""

from __future__ import annotations

import datetime
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.conformance import results
from tests.conformance.catalogue import catalogue
from tests.conformance.targets import Aws, place, started, version_of
from tests.conformance.verdicts import Lost, Verdict, judge

_PROPERTY = "conformance"
_LOST = "lost"


class Recorder:
    """Gathers the verdicts in the reports of every process of a run, and writes them into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._verdicts: dict[str, Verdict] = {}
        self._lost = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name != _PROPERTY:
                continue
            id_, outcome, error = value  # type: ignore[misc]
            if outcome == _LOST:
                self._lost = error
            else:
                self._verdicts[id_] = Verdict(outcome, error)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput") or not self._verdicts:
            return
        where = place()
        if self._lost:
            raise pytest.UsageError(f"{where.name} was lost, so no results are written: {self._lost}")
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        results.write(
            self._folder / f"{where.name}.json",
            results.Run(where.name, version_of(where), today),
            self._verdicts,
            known=catalogue(),
        )


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
    """The target, for all cases of this process."""
    with started(place(), tmp_path_factory.mktemp("conformance")) as target:
        yield target


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a case where its error is at hand. What a target of other people's does not offer is skipped;
    the embedded AWS has to offer everything, so there it stays a failure."""
    report = yield
    marker = item.get_closest_marker("behaviour")
    error = call.excinfo.value if call.excinfo else None
    if marker is None or call.when == "teardown" or (call.when == "setup" and error is None):
        return report
    try:
        verdict = judge(error)
    except Lost as lost:
        report.user_properties.append((_PROPERTY, [marker.args[0], _LOST, str(lost)]))
        return report
    report.user_properties.append((_PROPERTY, [marker.args[0], verdict.outcome, verdict.error]))
    if verdict.outcome == "not offered" and not place().embedded:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"not offered: {verdict.error}")
    return report
