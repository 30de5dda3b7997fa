"""A run that ends before its load: what was found out is kept, and what stands is taken down where asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.conductor import _telling_a_lost_target, rehearse
from harness.errors import MeasurementInvalid, TargetError, TargetLost
from harness.measure.observation import Observation
from harness.measure.run_folder import RunFolder
from harness.objectives import Objectives
from harness.pipeline import Cloud
from harness.rehearsal import Rehearsal
from harness.scenario import Overrides, load_scenario
from harness.targets.findings import Finding, Findings

T0 = 1_800_000_000.0


class Observer:
    completeness = "a client's view"
    unseen: Mapping[str, str] = {"usage.kinesis": "nobody meters it"}

    def observe(self) -> Observation:
        return Observation(T0, [], [])


class Foreign:
    """A target that was found to be able to do this and not that."""

    name = "endpoint"

    def __init__(self, *findings: Finding) -> None:
        self._findings = Findings(findings)

    @contextmanager
    def _used(self) -> Iterator[Any]:
        yield self

    def start(self, logs_dir: Path) -> Any:
        return self._used()

    def cloud(self) -> Cloud:
        return Cloud("us-east-1", {"": "http://127.0.0.1:9"}, "test", "test")

    def probe(self) -> Findings:
        return self._findings

    def observer(self) -> Observer:
        return Observer()


class Standing(Foreign):
    where, keeps_pipeline = "the AWS next door", False


class Product:
    """A pipeline that needs Kinesis, and cannot be deployed."""

    name, objectives = "product", Objectives()

    def __init__(self) -> None:
        self.done: list[str] = []

    def needs(self, *_: Any) -> dict[str, str]:
        return {"kinesis": "the stream"}

    def parts(self, _: Any) -> dict[str, Sequence[str]]:
        return {}

    def deploy(self, *_: Any) -> Any:
        self.done.append("deploy")
        raise TargetError("The stream cannot be made.")

    def destroy(self, _: Cloud) -> None:
        self.done.append("destroy")


class Listener:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.details: dict[str, str] = {}

    def stage(self, name: str, detail: str = "") -> None:
        self.said.append(name)
        self.details[name] = detail

    def notice(self, lines: Sequence[str]) -> None:
        self.said += lines

    def __getattr__(self, _: str) -> Any:
        return lambda _: None


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "every_outcome", T0)


def rehearsed(
    folder: RunFolder, target: Foreign, product: Product, **more: Any
) -> tuple[int, Listener, dict[str, Any]]:
    listener: Any = Listener()
    pipeline: Any = product
    rehearsal = Rehearsal(
        scenario=load_scenario("every_outcome"),
        overrides=Overrides(),
        pipeline=pipeline,
        pipeline_dir=Path(),
        target=target,
        limits="its own",
        **{"objectives": Objectives(), **more},
    )
    finished = rehearse(rehearsal, folder, listener)
    return finished.exit_code, listener, dict(finished.result)


def test_what_the_target_lacks_ends_the_run_before_anything_is_deployed(folder: RunFolder) -> None:
    target = Foreign(Finding("s3", True, "there"), Finding("kinesis", False, "it answers 501"))
    product = Product()
    code, listener, result = rehearsed(folder, target, product, take_down=True)
    assert (code, product.done) == (3, [])
    assert "kinesis for the stream (it answers 501)" in result["error"]
    assert "deploy" not in listener.said
    assert [each["can"] for each in folder.environment()["probes"]["found"]] == [True, False]


def test_a_target_that_stands_is_used_and_another_is_started(folder: RunFolder) -> None:
    def said(target: Foreign) -> str:
        return rehearsed(folder, target, Product())[1].details["target"]

    assert said(Foreign()) == "starting endpoint"
    assert said(Standing()) == "using the AWS next door"


def test_what_cannot_be_judged_is_said_before_anything_is_deployed(folder: RunFolder) -> None:
    target = Foreign(Finding("kinesis", True, "there"))
    _, listener, _ = rehearsed(folder, target, Product(), objectives=Objectives.of("cost.total<$5"))
    judged = next(n for n, said in enumerate(listener.said) if said.startswith("  cost.total<5"))
    assert judged < listener.said.index("deploy")


def test_a_pipeline_stays_unless_it_is_to_be_taken_down(folder: RunFolder, tmp_path: Path) -> None:
    target, product = Foreign(Finding("kinesis", None, "late")), Product()
    assert rehearsed(folder, target, product)[0] == 3
    assert product.done == ["deploy"]
    again = RunFolder.create(tmp_path / "again", "every_outcome", T0)
    code, listener, result = rehearsed(again, target, product, take_down=True)
    assert (code, result["error"]) == (3, "The stream cannot be made.")
    assert product.done == ["deploy", "deploy", "destroy"]
    assert "take down" in listener.said


class Gone(Observer):
    """An observer whose target does not answer any more."""

    def still_there(self) -> None:
        raise TargetLost("The target does not answer.")


def test_evidence_that_cannot_be_read_from_a_target_that_is_gone_tells_that() -> None:
    with pytest.raises(TargetLost), _telling_a_lost_target(Gone()):
        raise MeasurementInvalid("The pipeline could not show its evidence.")


def test_evidence_that_cannot_be_read_from_one_that_is_there_tells_why() -> None:
    with pytest.raises(MeasurementInvalid, match="its evidence"), _telling_a_lost_target(Observer()):
        raise MeasurementInvalid("The pipeline could not show its evidence.")
