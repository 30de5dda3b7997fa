"""What is said before a run starts, and what keeps it from starting."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import pytest

from deploy.pipeline import pipeline as reference
from harness.errors import TargetError
from harness.objectives import Objectives
from harness.pipeline_loader import load_pipeline
from harness.prerequisites import needs_of, not_judged, require, rows, told
from harness.scenario import load_scenario
from harness.targets.findings import CAPABILITIES, Finding, Findings
from tests.end_to_end.product import TINY

FINDINGS = Findings(
    (
        Finding("s3", True, "an object is there"),
        Finding("sqs", False, "a message is received twice"),
        Finding("metrics", None, "too early"),
    ),
    left_behind=("the role r",),
)


def test_what_the_pipeline_cannot_do_without_stops_it_in_a_sentence() -> None:
    with pytest.raises(TargetError) as caught:
        require(FINDINGS, {"sqs": "dead letters", "s3": "the archive"}, "live-location")
    assert caught.value.exit_code == 3
    assert caught.value.message == (
        "live-location cannot be rehearsed on this target, which lacks "
        "sqs for dead letters (a message is received twice)."
    )


def test_what_lacks_for_one_reason_is_said_with_it_once() -> None:
    broken = "a function does not run"
    findings = Findings((Finding("lambda", False, broken), Finding("kinesis.mapping", False, broken)))
    with pytest.raises(TargetError) as caught:
        require(findings, {"lambda": "functions", "kinesis.mapping": "the processor"}, "p")
    assert caught.value.message.endswith(
        "lambda for functions, kinesis.mapping for the processor (a function does not run)."
    )


def test_what_is_not_needed_or_not_known_stops_nothing() -> None:
    require(FINDINGS, {"s3": "the archive", "metrics": "charts"}, "live-location")
    require(FINDINGS, {}, "live-location")


def test_everything_that_was_tried_is_told() -> None:
    assert [(row.mark, row.name, row.needed_for) for row in rows(FINDINGS, {"s3": "the archive"})] == [
        ("yes", "s3", "the archive"),
        ("no", "sqs", ""),
        ("?", "metrics", ""),
    ]
    text = "\n".join(told(FINDINGS, {"s3": "the archive"}))
    for said in ("an object is there [the archive]", "received twice", "left behind: the role r"):
        assert said in text


def test_needs_follow_the_scenario() -> None:
    plain = needs_of(reference, load_scenario("every_outcome"))
    assert set(plain) <= set(CAPABILITIES)
    assert "apigateway.mapping" in plain
    assert not {"sns.http", "appsync.subscription", "dynamodb.mapping"} & plain.keys()
    story = needs_of(reference, load_scenario("launch_day"))
    assert {"sns.http", "appsync.subscription", "dynamodb.mapping", "apigateway.proxy"} <= story.keys()


def test_kinds_and_channels_are_those_of_the_scenario() -> None:
    asked: list[tuple[Set[str], Set[Any]]] = []

    class Asked:
        def needs(self, kinds: Set[str], channels: Set[Any]) -> Mapping[str, str]:
            asked.append((kinds, channels))
            return {}

        def parts(self, outputs: Any) -> Mapping[str, Any]:
            return {}

    pipeline: Any = Asked()
    needs_of(pipeline, load_scenario("every_outcome"))
    needs_of(pipeline, load_scenario("webhook_fanout"))
    assert asked[0] == ({"registration", "location", "poison"}, frozenset())
    assert "webhook" in asked[1][1]


def test_a_pipeline_that_does_not_say_what_it_needs_needs_nothing() -> None:
    assert needs_of(load_pipeline(TINY), load_scenario("every_outcome")) == {}


def test_what_cannot_be_judged_is_listed_with_what_then() -> None:
    objectives = list(Objectives.of("cost.total<$5", "ledger.missing==0"))
    unseen = {"usage.kinesis": "nobody meters it"}
    lines = not_judged(objectives, unseen, "endpoint", allowed=False)
    assert lines[0] == "What cannot be judged on the target endpoint:"
    assert lines[1] == "  cost.total<5: the usage of kinesis is not seen: nobody meters it"
    assert "ends with 4" in lines[2]
    assert "The verdict is of the others" in not_judged(objectives, unseen, "endpoint", allowed=True)[2]
    assert not_judged(objectives, {}, "endpoint", allowed=False) == []


def test_the_reference_pipelines_parts_are_all_named() -> None:
    outputs = {
        "functions": {"processor": "launchday-processor", "fanout": "launchday-fanout"},
        "events": {"stream": "events", "dead_letters_url": "http://q/1"},
        "archive": {"dead_letters_url": "http://q/2"},
        "webhooks": {"dead_letters_url": "http://q/3"},
    }
    assert reference.parts(outputs) == {
        "lambda": ["launchday-processor", "launchday-fanout"],
        "kinesis": ["events"],
        "sqs": ["http://q/1", "http://q/2", "http://q/3"],
    }
