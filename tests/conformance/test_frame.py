"""The suite's own parts: what counts as refused, what is written, and that the page says what was found."""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.conformance import results, table
from tests.conformance.catalogue import Behaviour, behaviour, catalogue, documented, modules, observed
from tests.conformance.kit import refusing
from tests.conformance.targets import place_of
from tests.conformance.verdicts import Lost, NotOffered, Verdict, excused, judge

EVIDENCE = documented("A page", "a/page.html", noted="2026-11-24")


def client_error(code: str, message: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(
    "error",
    [
        client_error("InternalFailure", "API action 'X' for service 'y' not yet implemented", 501),
        client_error("UnknownOperationException", ""),
        client_error("ValidationException", "The iterator type AT_TIMESTAMP is not supported"),
        client_error("404", "<p>The requested URL was not found on the server. If you", 404),
        client_error("500", "The create_thing action has not been implemented", 500),
        NotOffered("404 for the path of the data plane"),
    ],
)
def test_a_clear_refusal_is_not_offered(error: Exception) -> None:
    assert judge(error).outcome == "not offered"


@pytest.mark.parametrize(
    "error",
    [
        client_error("ValidationException", "1 validation error detected"),
        client_error("InternalFailure", "list index out of range", 500),
        AssertionError("assert 1 == 2"),
        KeyError("Records"),
    ],
)
def test_anything_else_fails(error: Exception) -> None:
    assert judge(error).outcome == "fails"


def test_a_case_without_an_error_passes() -> None:
    assert judge(None) == Verdict("passes")


def test_a_target_that_is_gone_is_no_verdict() -> None:
    with pytest.raises(Lost):
        judge(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("outcome", "stored", "may"),
    [
        ("fails", "passes", False),
        ("not offered", "passes", False),
        ("fails", "fails", True),
        ("fails", "not offered", True),
        ("not offered", "fails", True),
        ("fails", None, False),
        ("not offered", None, True),
        ("passes", "fails", False),
    ],
)
def test_what_passed_when_it_was_stored_has_to_pass(outcome: Any, stored: str | None, may: bool) -> None:
    assert excused(Verdict(outcome), stored) is may


def test_an_error_is_one_line_without_what_a_case_made_up() -> None:
    error = AssertionError("lc-stream-0123abcd is\nassert 1 == 2")
    assert judge(error).error == "lc-stream-… is"
    assert len(judge(KeyError("x" * 999)).error) == 200
    assert judge(NotOffered("<h1>Not Found</h1> here")).error == "Not Found here"


def test_the_expected_refusal_passes_and_no_other_does() -> None:
    with refusing("Wanted", saying="sentence", status=400):
        raise client_error("Wanted", "a sentence")
    for error in (
        client_error("Other", ""),
        client_error("Wanted", "other"),
        client_error("Wanted", "sentence", 500),
    ):
        with (
            pytest.raises(AssertionError, match="expected"),
            refusing("Wanted", saying="sentence", status=400),
        ):
            raise error
    with pytest.raises(AssertionError, match="accepted"), refusing("Wanted"):
        pass
    with pytest.raises(ClientError), refusing("Wanted"):
        raise client_error("UnknownOperation", "")


@pytest.mark.parametrize(
    ("id_", "says"),
    [
        ("kinesis", "It says."),
        ("Kinesis.x", "It says."),
        ("kinesis.x", "it says"),
        ("kinesis.x", "It | says."),
    ],
)
def test_a_malformed_behaviour_is_refused(id_: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(id_)):
        behaviour(id_, says, EVIDENCE)


def test_an_id_is_given_once() -> None:
    taken = next(iter(catalogue()))
    with pytest.raises(ValueError, match="two cases"):
        behaviour(taken, "It says.", EVIDENCE)(lambda: None)


def test_evidence_has_a_day() -> None:
    with pytest.raises(ValueError, match="day"):
        behaviour("kinesis.x", "It says.", observed("somewhere", seen="today"))


def test_the_target_is_chosen_by_the_environment() -> None:
    assert place_of({}).embedded
    variables = {
        "LAUNCHDAY_CONFORMANCE_TARGET": "http://127.0.0.1:5000/",
        "LAUNCHDAY_CONFORMANCE_NAME": "moto",
    }
    chosen = place_of({**variables, "LAUNCHDAY_CONFORMANCE_VERSION": "5"})
    assert (chosen.name, chosen.url, chosen.version) == ("moto", "http://127.0.0.1:5000", "5")
    assert place_of({"LAUNCHDAY_CONFORMANCE_TARGET": "localstack"}).name == "localstack"
    with pytest.raises(ValueError, match="embedded"):
        place_of({"LAUNCHDAY_CONFORMANCE_TARGET": "moto"})
    with pytest.raises(ValueError, match="VERSION"):
        place_of(variables)


def test_results_of_a_part_keep_the_rest_of_the_same_version(tmp_path: Path) -> None:
    path, known = tmp_path / "moto.json", {"a.one", "a.two"}

    def written(version: str, on: str, **verdicts: Verdict) -> dict[str, Any]:
        run = results.Run("moto", version, on)
        named = {f"a.{name}": verdict for name, verdict in verdicts.items()}
        results.write(path, run, named, known=known)
        found: dict[str, Any] = results.read(path)["behaviours"]
        return found

    written("1", "2026-11-01", one=Verdict("passes"), two=Verdict("fails", "why"), gone=Verdict("passes"))
    assert written("1", "2026-11-02", one=Verdict("not offered", "no")) == {
        "a.one": {"outcome": "not offered", "on": "2026-11-02", "error": "no"},
        "a.two": {"outcome": "fails", "on": "2026-11-01", "error": "why"},
    }
    assert set(written("2", "2026-11-03", one=Verdict("passes"))) == {"a.one"}


def test_every_case_has_a_behaviour() -> None:
    tests = [
        f"{path.name}: {name}"
        for path in modules()
        for decorators, name in re.findall(
            r"((?:^\)|^@[^\n]*)?)\n?^def (test_\w+)", path.read_text(), re.MULTILINE
        )
        if not decorators
    ]
    assert tests == []
    assert {each.service for each in catalogue().values()} <= set(table.SERVICES)


def test_the_page_is_what_the_results_say() -> None:
    written = table.page(catalogue().values(), table.stored())
    assert table.PAGE.read_text() == written, "run `python -m tests.conformance.table`"


def test_the_embedded_aws_was_seen_to_pass_every_behaviour() -> None:
    rows = table.stored()["embedded"]["behaviours"]
    passed = {id_ for id_, row in rows.items() if row["outcome"] == "passes"}
    assert passed == set(catalogue())


def test_stored_results_are_of_behaviours_that_there_are() -> None:
    for target, result in table.stored().items():
        assert set(result["behaviours"]) <= set(catalogue()), target


@cache
def api_reference(service: str) -> dict[str, Any]:
    """botocore's copy of the API reference of a service."""
    loader = botocore.session.get_session().get_component("data_loader")
    model: dict[str, Any] = loader.load_service_model(service, "service-2")
    return model


def words(service: str, page: str) -> str:
    """All that the page says: the operation or data type, its members, its errors."""
    model = api_reference(service)
    operation = model["operations"].get(page)
    names = [page]
    said = []
    if operation is not None:
        names = [operation[side]["shape"] for side in ("input", "output") if side in operation]
        names += [error["shape"] for error in operation.get("errors", [])]
        said = [operation.get("documentation", "")]
    for name in names:
        shape = model["shapes"][name]
        said += [name, shape.get("documentation", "")]
        said += [
            part
            for member, value in shape.get("members", {}).items()
            for part in (member, value.get("documentation", ""))
        ]
    return plain(" ".join(said))


def plain(text: str) -> str:
    """Without tags, entities and double spaces."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return re.sub(r" ([.,;:])", r"\1", " ".join(text.split()))


QUOTED = [each for each in catalogue().values() if each.evidence.quote]


@pytest.mark.parametrize("quoted", QUOTED, ids=lambda each: each.id)
def test_the_api_reference_says_so(quoted: Behaviour) -> None:
    assert plain(quoted.evidence.quote) in words(*quoted.evidence.page)
