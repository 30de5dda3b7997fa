from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.emulator.services.base import AwsError
from harness.emulator.services.query_protocol import (
    Entries,
    parse_body,
    parse_form,
    xml_error,
    xml_response,
)

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_structures_lists_and_maps() -> None:
    text = urlencode(
        [
            ("Action", "Publish"),
            ("Tags.member.2.Key", "second"),
            ("Tags.member.10.Key", "tenth"),
            ("Tags.member.1.Key", "first"),
            ("Attributes.entry.1.key", "DisplayName"),
            ("Attributes.entry.1.value", "a b"),
            ("MessageAttributes.entry.1.Name", "k.with.dots"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", ""),
            ("Empty", ""),
        ]
    )
    assert parse_form(text) == {
        "Action": "Publish",
        "Tags": [{"Key": "first"}, {"Key": "second"}, {"Key": "tenth"}],
        "Attributes": {"DisplayName": "a b"},
        "MessageAttributes": {"k.with.dots": {"DataType": "String", "StringValue": ""}},
        "Empty": "",
    }


@given(st.dictionaries(st.from_regex(r"[A-Za-z]+", fullmatch=True), TEXT, max_size=5))
def test_plain_parameters_come_back(parameters: dict[str, str]) -> None:
    assert parse_body(urlencode(parameters).encode()) == parameters


@pytest.mark.parametrize(
    "text",
    [
        "A=%FF",
        "A.b=1&A=2",
        "A=1&A.b=2",
        "A.b=1&A.b.c=2",
        "A.b.c=1&A.b=2",
        "A.entry.1.key=k",
        "A.entry.x.key=k&A.entry.x.value=v",
        "A.member.-1=k",
        "A." + ".".join("abcdefgh") + "=1",
        "&".join("a=1" for _ in range(5_001)),
    ],
)
def test_what_has_no_form_is_refused(text: str) -> None:
    with pytest.raises(AwsError, match="MalformedQueryString"):
        parse_form(text)


def test_a_body_that_is_no_form_is_refused() -> None:
    with pytest.raises(AwsError, match="MalformedQueryString"):
        parse_body("Message=é".encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    with suppress(AwsError):
        assert isinstance(parse_body(body), dict)


def test_an_answer_in_xml() -> None:
    output = {
        "Attributes": Entries({"Policy": '{"a": "<b>&"}'}),
        "Topics": [{"TopicArn": "arn:1"}, {"TopicArn": "arn:2"}],
        "Done": True,
    }
    answer = xml_response("Do", output, namespace=NAMESPACE, request_id="r-1")
    root = ElementTree.fromstring(answer.body)
    names = {"": NAMESPACE}
    assert root.tag == f"{{{NAMESPACE}}}DoResponse"
    assert root.findtext("DoResult/Attributes/entry/value", namespaces=names) == '{"a": "<b>&"}'
    found = [e.text for e in root.findall("DoResult/Topics/member/TopicArn", namespaces=names)]
    assert found == ["arn:1", "arn:2"]
    assert root.findtext("DoResult/Done", namespaces=names) == "true"
    assert root.findtext("ResponseMetadata/RequestId", namespaces=names) == "r-1"
    assert answer.headers["x-amzn-requestid"] == "r-1"


@given(st.text())
def test_any_text_is_well_formed_in_xml(text: str) -> None:
    answer = xml_error(AwsError("Code", text.replace("\ud800", "")), namespace=NAMESPACE, request_id="r")
    ElementTree.fromstring(answer.body)


def test_errors_say_whose_fault_it_was() -> None:
    for status, kind in ((400, "Sender"), (404, "Sender"), (500, "Receiver")):
        answer = xml_error(AwsError("Code", "why", status), namespace=NAMESPACE, request_id="r")
        root = ElementTree.fromstring(answer.body)
        assert answer.status == status
        assert root.findtext("Error/Type", namespaces={"": NAMESPACE}) == kind
