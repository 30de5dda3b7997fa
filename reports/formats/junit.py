"""JUnit XML, as CI servers read it: one test case an objective, and two for the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from reports import wording


def render(result: Mapping[str, Any]) -> str:
    """A `<testsuite>`. A missed objective is a failure, one that is not judged is skipped; a run
    that broke off or is not valid is an error."""
    suite = ElementTree.Element("testsuite", name=f"launchday.{result['scenario']}")
    suite.set("timestamp", str(result["started_at"]).removesuffix("Z"))
    if result["duration_s"] is not None:
        suite.set("time", f"{float(result['duration_s']):.3f}")
    errors = _run_cases(suite, result)
    failures = skipped = 0
    for objective in result["objectives"]:
        case = _case(suite, result, objective["name"])
        if objective["met"]:
            continue
        if objective["met"] is None:
            skipped += 1
            ElementTree.SubElement(case, "skipped", message=f"not judged: {objective['reason']}")
            continue
        failures += 1
        name = objective["name"]
        said = (
            f"{name} is {wording.figure(name, objective['actual'])}, "
            f"the limit is {objective.get('comparison', '')}{wording.figure(name, objective['limit'])}"
        )
        failure = ElementTree.SubElement(case, "failure", message=said, type="objective")
        failure.text = objective.get("reason") or said
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    if skipped:
        suite.set("skipped", str(skipped))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _run_cases(suite: ElementTree.Element, result: Mapping[str, Any]) -> int:
    complete = result["status"] == "complete"
    checks = (
        ("the run is complete", complete, str(result.get("error") or result["status"])),
        (
            "the measurement is valid",
            complete and result["verdict"] != "invalid",
            str(result.get("verdict_reason") or wording.headline(result)),
        ),
    )
    errors = 0
    for name, held, why in checks:
        case = _case(suite, result, name)
        if not held:
            errors += 1
            ElementTree.SubElement(case, "error", message=why, type="run").text = why
    return errors


def _case(suite: ElementTree.Element, result: Mapping[str, Any], name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"launchday.{result['scenario']}", name=name)
