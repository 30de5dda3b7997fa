"""Writes docs/conformance.md from the catalogue and the stored results (`python -m` this module)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conformance import results
from tests.conformance.catalogue import Behaviour, catalogue

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
TARGETS = {"embedded": "embedded", "localstack": "LocalStack", "moto": "moto", "ministack": "MiniStack"}
"""Name of a result file to the head of its column, in their order."""
SERVICES = {
    "apigateway": "API Gateway, execution of REST APIs",
    "appsync": "AppSync",
    "cognito": "Cognito user pools",
    "dynamodb": "DynamoDB",
    "streams": "DynamoDB Streams",
    "kinesis": "Kinesis Data Streams",
    "lambda": "Lambda",
    "mappings": "Lambda event source mappings",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "SSM Parameter Store",
}
_MARKS = {"passes": "passes", "fails": "**fails**", "not offered": "not offered"}
_NOT_RUN = "not run"
_HEAD = """# What behaves like AWS, and where

<!-- Written by `python -m tests.conformance.table` from tests/conformance/results; do not edit. -->

Each line is one behaviour of AWS, with its evidence: the page of AWS's that says so, or what it was observed
on where no page says it. One suite ([tests/conformance](../tests/conformance)) asks every target the same
through its AWS API. *passes*: it behaves so. **fails**: it was asked, and behaves otherwise. *not offered*:
it refuses the operation, or says that it does not have it. *Words checked*: a page of AWS's API reference,
read in the copy of it that botocore carries; a test looks whether the words are there. *Noted*: a page of a
developer guide, named on that day as the one that says so; that it exists was looked up for most, its wording
for some. The runs below were made on Linux without Docker, which moto needs for Lambda. The cases ask for
what the embedded AWS offers, and it has to pass all of them; what it does not offer is
[listed apart](embedded-aws.md).
[How to run it, and how to add a case](../CONTRIBUTING.md#the-conformance-suite).
"""

Found = Mapping[str, Mapping[str, Any]]


def stored() -> dict[str, dict[str, Any]]:
    """The stored results by target, in the columns' order. Raises ValueError for a file of no column."""
    files = {path.stem: results.read(path) for path in results.FOLDER.glob("*.json")}
    if unknown := sorted(set(files) - set(TARGETS)):
        raise ValueError(f"table.py has no column for {', '.join(unknown)}")
    return {target: files[target] for target in TARGETS if target in files}


def page(behaviours: Iterable[Behaviour], found: Mapping[str, dict[str, Any]]) -> str:
    """The page as Markdown."""
    by_service: dict[str, list[Behaviour]] = {service: [] for service in SERVICES}
    for behaviour in behaviours:
        by_service[behaviour.service].append(behaviour)
    parts = [_HEAD, _run_lines(found), _summary(by_service, found)]
    parts += [_service(SERVICES[name], rows, found) for name, rows in by_service.items() if rows]
    return "\n".join(parts)


def _run_lines(found: Mapping[str, dict[str, Any]]) -> str:
    lines = []
    for target, result in found.items():
        days = sorted({row["on"] for row in result["behaviours"].values()})
        ran = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        lines.append(f"* {TARGETS[target]} {result['version']}, run on {ran}")
    return "\n".join(lines) + "\n"


def _summary(by_service: Mapping[str, Sequence[Behaviour]], found: Mapping[str, dict[str, Any]]) -> str:
    rows = [["Service", "Behaviours", *(TARGETS[target] for target in found)]]
    for service, behaviours in by_service.items():
        if behaviours:
            cells = [_count(behaviours, result["behaviours"]) for result in found.values()]
            rows.append([SERVICES[service], str(len(behaviours)), *cells])
    every = [behaviour for behaviours in by_service.values() for behaviour in behaviours]
    totals = [_count(every, result["behaviours"]) for result in found.values()]
    rows.append(["**all**", str(len(every)), *totals])
    return "Those that pass:\n\n" + _table(rows)


def _count(behaviours: Sequence[Behaviour], rows: Found) -> str:
    outcomes = [rows[behaviour.id]["outcome"] for behaviour in behaviours if behaviour.id in rows]
    if not outcomes:
        return _NOT_RUN
    refused = outcomes.count("not offered")
    return f"{outcomes.count('passes')}" + (f" ({refused} not offered)" if refused else "")


def _service(title: str, behaviours: Sequence[Behaviour], found: Mapping[str, dict[str, Any]]) -> str:
    rows = [["Behaviour", *(TARGETS[target] for target in found), "Evidence"]]
    for behaviour in behaviours:
        marks = [_mark(result["behaviours"].get(behaviour.id)) for result in found.values()]
        rows.append([f"{behaviour.says} `{behaviour.id}`", *marks, _evidence(behaviour)])
    return f"## {title}\n\n{_table(rows)}{_errors(behaviours, found)}"


def _mark(row: Mapping[str, Any] | None) -> str:
    return _MARKS[row["outcome"]] if row else _NOT_RUN


def _evidence(behaviour: Behaviour) -> str:
    evidence = behaviour.evidence
    if evidence.quote:
        return f"documented, words checked: [{evidence.source}]({evidence.url}), {evidence.day}"
    if evidence.kind == "documented":
        return f"documented: [{evidence.source}]({evidence.url}), noted {evidence.day}"
    return f"observed: {evidence.source}, {evidence.day}"


def _errors(behaviours: Sequence[Behaviour], found: Mapping[str, dict[str, Any]]) -> str:
    lines = []
    for behaviour in behaviours:
        for target, result in found.items():
            row = result["behaviours"].get(behaviour.id, {})
            if row.get("error"):
                lines.append(f"* `{behaviour.id}` on {TARGETS[target]}: {_code(row['error'])}")
    if not lines:
        return ""
    return (
        "\n<details><summary>What they answered instead</summary>\n\n" + "\n".join(lines) + "\n\n</details>\n"
    )


def _code(text: str) -> str:
    """As code, whatever is in it."""
    return "``" + text.replace("``", "` `") + " ``" if "`" in text else f"`{text}`"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(catalogue().values(), stored()))


if __name__ == "__main__":
    main()
