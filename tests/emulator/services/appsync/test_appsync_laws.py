"""What holds for every query, every body, every value: nothing crashes, nothing hangs, and what is executed
is what the specification's reference implementation makes of it."""

# ruff: noqa: E501, PT017
from __future__ import annotations

import string
from typing import Any

import orjson
import pytest
from graphql import (
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.emulator.services.appsync.attribute_values import plain, typed
from harness.emulator.services.appsync.execution.overlap import Overlap
from harness.emulator.services.appsync.templates import times
from harness.emulator.services.base import AwsError

SDL = """
type Query { device(id: ID, n: Int, input: In): Device  devices(limit: Int): [Device!]  named: [Named]  text: String }
type Mutation { put(id: ID!, at: AWSDateTime): Device }
type Subscription { onPut(id: ID): Device @aws_subscribe(mutations: ["put"]) }
interface Named { name: String }
type Device implements Named { id: ID  name: String  n: Int  x: Float  tags: [String]  twin: Device  owner: Owner }
type Owner implements Named { name: String  age: Int  devices: [Device] }
input In { name: String!  more: In  list: [[Int!]] }
"""
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e30, 1e30)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def api(appsync: Any) -> str:
    api_id: str = appsync.create_api(SDL)
    appsync.source(api_id)
    for field in ("Query.device", "Mutation.put"):
        appsync.resolver(api_id, field)
    return api_id


def checked(answer: Any) -> Any:
    """An answer must be AppSync's, whatever was asked."""
    assert answer.status in (200, 400, 401, 404, 413), answer.body
    body = orjson.loads(answer.body)
    assert set(body) <= {"data", "errors"}
    assert body.get("errors") != []
    for error in body.get("errors", ()):
        assert isinstance(error["message"], str)
    assert (answer.status == 200) == ("data" in body)
    return body


# -- bodies and queries


@MANY
@given(
    body=st.binary(max_size=60)
    | JSON.map(
        lambda v: orjson.dumps(v, default=str, option=orjson.OPT_NON_STR_KEYS) if _writable(v) else b""
    )
)
def test_any_body_is_answered(appsync: Any, api: str, body: bytes) -> None:
    checked(appsync.post(api, body))


def _writable(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


WORDS = st.sampled_from(
    [
        *("{", "}", "(", ")", "[", "]", ":", "!", "$", "=", "|", "&", "...", "@", "#", '"', '"""', "\n", ","),
        *(
            "query",
            "mutation",
            "subscription",
            "fragment",
            "on",
            "device",
            "devices",
            "text",
            "id",
            "name",
            "twin",
        ),
        *(
            "Device",
            "Query",
            "Named",
            "true",
            "null",
            "1",
            "-1.5e9",
            '"x"',
            "$v",
            "@skip(if: true)",
            "@include(if: $v)",
        ),
        *("__typename", "__schema", "__type", "a:", "F", "...F", "... on Device {", "id }", "In", "{ text }"),
    ]
)


@MANY
@given(words=st.lists(WORDS, max_size=25), variables=st.dictionaries(st.just("v"), JSON, max_size=1))
def test_any_words_are_answered(appsync: Any, api: str, words: list[str], variables: Any) -> None:
    if _writable(variables):
        checked(appsync.post(api, {"query": " ".join(words), "variables": variables}))


@MANY
@given(
    value=JSON,
    kind=st.sampled_from(["In", "In!", "[In]", "ID", "Int", "Float", "AWSDateTime", "AWSJSON", "[[Int]]"]),
)
def test_any_variable_is_answered(appsync: Any, api: str, value: Any, kind: str) -> None:
    field = {"In": "device(input: $v)", "ID": "device(id: $v)", "Int": "device(n: $v)"}.get(kind, "device")
    query = f"query($v: {kind}) {{ {field} {{ id }} }}"
    if _writable(value):
        checked(appsync.post(api, {"query": query, "variables": {"v": value}}))


@MANY
@given(value=st.text(max_size=50))
def test_text_comes_back_as_it_was_given(appsync: Any, api: str, value: str) -> None:
    """Neither templates nor JSON nor GraphQL change or run what a client says."""
    if not _writable(value):
        return
    answer = checked(
        appsync.post(api, {"query": "query($v: ID) { device(id: $v) { id } }", "variables": {"v": value}})
    )
    assert answer == {"data": {"device": {"id": value}}}


# -- execution against the reference


KEYS = st.sampled_from(["a", "b", "id", "name"])


@st.composite
def selections(draw: Any, kind: str, depth: int) -> str:
    """A selection set that is valid but for conflicts between its fields."""
    leaves = {
        "Query": ["text"],
        "Device": ["id", "name", "n", "x", "tags"],
        "Owner": ["name", "age"],
        "Named": ["name"],
    }
    objects = {
        "Query": [("devices", "Device"), ("named", "Named"), ("device(n: 1)", "Device")],
        "Device": [("twin", "Device"), ("owner", "Owner")],
        "Owner": [("devices", "Device")],
        "Named": [],
    }
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        alias = draw(st.just("") | KEYS.map(lambda key: f"{key}: "))
        shape = draw(st.integers(0, 3))
        if shape == 0 and depth and objects[kind]:
            name, inner = draw(st.sampled_from(objects[kind]))
            parts.append(f"{alias}{name} {{ {draw(selections(inner, depth - 1))} }}")
        elif shape == 1 and depth:
            condition = draw(st.sampled_from(["Device", "Owner"] if kind == "Named" else [kind]))
            parts.append(f"... on {condition} {{ {draw(selections(condition, depth - 1))} }}")
        elif shape == 2 and kind != "Query":
            parts.append("__typename")
        else:
            directive = draw(st.sampled_from(["", "", " @skip(if: $t)", " @include(if: $t)"]))
            parts.append(f"{alias}{draw(st.sampled_from(leaves[kind]))}{directive}")
    return " ".join(parts)


DEVICE = {
    "__typename": "Device",
    "id": "1",
    "name": "van",
    "n": 3,
    "x": 1.5,
    "tags": ["a", None],
    "twin": None,
}
OWNER = {"__typename": "Owner", "name": "Ann", "age": 30, "devices": [DEVICE]}
ROOT: dict[str, Any] = {
    "text": "hello",
    "devices": [{**DEVICE, "twin": DEVICE, "owner": OWNER}, DEVICE],
    "named": [OWNER, DEVICE, None],
    "device": {**DEVICE, "owner": OWNER},
}
PLAIN_SDL = SDL.replace('@aws_subscribe(mutations: ["put"])', "").replace("AWSDateTime", "String")
REFERENCE = build_schema(PLAIN_SDL)


@MANY
@given(body=selections("Query", 3), flag=st.booleans())
def test_conflicts_are_those_of_the_specification(body: str, flag: bool) -> None:
    document = parse(f"query($t: Boolean = {str(flag).lower()}) {{ {body} }}")
    expected = bool(validate(REFERENCE, document, [OverlappingFieldsCanBeMergedRule]))
    fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    found = Overlap(REFERENCE, fragments).conflict(operation, REFERENCE.query_type)
    assert (found is not None) == expected


@MANY
@given(body=selections("Query", 3), flag=st.booleans())
def test_what_is_answered_is_what_the_reference_answers(appsync: Any, body: str, flag: bool) -> None:
    api_id = getattr(appsync, "reference_api", None)
    if api_id is None:
        api_id = appsync.reference_api = appsync.create_api(SDL)
        appsync.source(api_id)
        for name, value in ROOT.items():
            appsync.resolver(api_id, f"Query.{name}", response=orjson.dumps(value).decode())
    query = f"query($t: Boolean) {{ __typename {body} }}"
    document = parse(query)
    answer = checked(appsync.post(api_id, {"query": query, "variables": {"t": flag}}))
    if validate(REFERENCE, document):
        if "$t" in body:
            assert answer["data"] is None
        return
    expected = execute_sync(REFERENCE, document, ROOT, variable_values={"t": flag})
    assert expected.errors is None
    assert answer == {"data": expected.data}
    assert list(answer["data"]) == list(expected.data or {})


# -- documents that are made to hurt


def test_thousands_of_aliases_are_validated_once_each(appsync: Any, api: str) -> None:
    query = "{" + " ".join(f"a{n}: device(n: {n % 3}) {{ id }}" for n in range(1_000)) + "}"
    assert len(checked(appsync.post(api, {"query": query}))["data"]) == 1_000
    same = "{" + "text " * 14_000 + "}"
    assert checked(appsync.post(api, {"query": same})) == {"data": {"text": None}}


def test_more_tokens_than_appsync_reads_are_malformed(appsync: Any, api: str) -> None:
    for query in ("{" + "text " * 15_000 + "}", "{ text " + "# \n" * 20_000 + "}", "{" * 20_000):
        answer = appsync.post(api, {"query": query})
        assert (answer.status, b"Unable to parse GraphQL query." in answer.body) == (400, True)


@pytest.mark.parametrize(
    "query",
    [
        "{ device " + "{ twin " * 3_000 + "{ id }" + " }" * 3_000 + " }",
        "{ device { ...F } } fragment F on Device { twin { ...F } }",
        "{ device(input: " + "{more: " * 2_000 + '{name: "x"}' + "}" * 2_000 + ") { id } }",
        "{ device(input: {name: 1, list: " + "[" * 3_000 + "]" * 3_000 + "}) { id } }",
        "{ device(n: " + "9" * 9_000 + ") { id } }",
        '{ device(id: "' + "x" * 900_000 + '") { n } }',
        "{ __schema { types " + "{ fields { type " * 200 + "{ name }" + " } }" * 200 + " } }",
    ],
)
def test_deep_recursive_and_huge_documents_are_answered(appsync: Any, api: str, query: str) -> None:
    checked(appsync.post(api, {"query": query}))


def test_fragments_that_double_are_not_followed_twice(appsync: Any, api: str) -> None:
    """2^30 fields, were they all visited."""
    chain = " ".join(
        f"fragment F{n} on Device {{ twin {{ ...F{n + 1} }} again: twin {{ ...F{n + 1} }} }}"
        for n in range(30)
    )
    query = "{ device(id: 1) { ...F0 } } " + chain + " fragment F30 on Device { id }"
    assert checked(appsync.post(api, {"query": query})) == {"data": {"device": {"twin": None, "again": None}}}


def test_deep_variables_are_answered(appsync: Any, api: str) -> None:
    deep: Any = {"name": "x"}
    for _ in range(200):
        deep = {"name": "x", "more": deep}
    query = "query($v: In) { device(input: $v) { id } }"
    body = checked(appsync.post(api, {"query": query, "variables": {"v": deep}}))
    assert body["data"] is None
    raw = b'{"query": "{text}", "variables": {"v": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    checked(appsync.post(api, raw))


def test_documents_that_are_kept_are_bounded(appsync: Any, api: str) -> None:
    for n in range(600):
        checked(appsync.post(api, {"query": f"{{ a{n}: text }}"}))
    _, documents = appsync.service._executor._documents[api]
    assert len(documents._kept) <= 500


# -- the control plane


NAMES = st.sampled_from(
    [
        *(
            "name",
            "authenticationType",
            "type",
            "definition",
            "format",
            "fieldName",
            "dataSourceName",
            "kind",
            "code",
        ),
        *(
            "requestMappingTemplate",
            "responseMappingTemplate",
            "runtime",
            "pipelineConfig",
            "expires",
            "tags",
        ),
        *(
            "dynamodbConfig",
            "lambdaConfig",
            "httpConfig",
            "userPoolConfig",
            "additionalAuthenticationProviders",
        ),
        *("environmentVariables", "template", "context", "maxBatchSize", "queryDepthLimit", "description"),
    ]
)
MEMBERS = st.dictionaries(
    NAMES,
    JSON | st.sampled_from(["API_KEY", "AWS_LAMBDA", "NONE", "HTTP", "SDL", "none", "UNIT", "PIPELINE", "text", "{}", "type A {a: A}"]),
    max_size=6,
)  # fmt: skip
PATHS = st.sampled_from(
    [
        *(
            "",
            "/API",
            "/API/apikeys",
            "/API/schemacreation",
            "/API/types",
            "/API/types/Query",
            "/API/datasources",
        ),
        *(
            "/API/datasources/none",
            "/API/functions",
            "/API/types/Query/resolvers",
            "/API/types/Query/resolvers/text",
        ),
        *("/API/environmentVariables", "/API/schema", "/none", "/API/apikeys/x"),
    ]
)


@MANY
@given(
    method=st.sampled_from(["POST", "GET", "PUT"]),
    path=PATHS,
    members=MEMBERS,
    query=st.text(string.printable, max_size=20),
)
def test_any_request_of_the_control_plane_is_answered(
    appsync: Any, api: str, method: str, path: str, members: Any, query: str
) -> None:
    if not _writable(members):
        return
    try:
        appsync(method, "/v1/apis" + path.replace("API", api), query, **members)
    except AwsError as error:
        assert 400 <= error.status < 500 or error.status == 501, error


@MANY
@given(
    template=st.lists(
        st.sampled_from(
            [
                "$util.",
                "$ctx.args",
                "#if(",
                "#end",
                "#set($a = ",
                ")",
                "toJson(",
                "$a",
                "{",
                "}",
                '"',
                "#foreach($x in ",
                "#return",
                "error(",
                "1",
                ".x",
                "[0]",
                "$util.time.nowFormatted('",
                "')",
            ]
        ),
        max_size=12,
    )
)
def test_any_template_is_refused_or_rendered(appsync: Any, template: list[str]) -> None:
    text = "".join(template)
    if len(text) < 2:
        return
    try:
        answer = appsync(
            "POST", "/v1/dataplane-evaluatetemplate", template=text, context='{"arguments": {"x": 1}}'
        )
    except AwsError as error:
        assert error.status == 400
    else:
        assert ("evaluationResult" in answer) != ("error" in answer)


SCRIPT = st.sampled_from(
    [
        *(
            "export ",
            "import ",
            "from ",
            "const ",
            "function ",
            "request",
            "response",
            "(ctx)",
            "=>",
            "{",
            "}",
            "(",
            ")",
        ),
        *(
            ";",
            ",",
            "return ",
            "for ",
            "of ",
            "in ",
            "while",
            "async ",
            "`",
            "${",
            "'",
            '"',
            "/",
            "/a/",
            "//",
            "/*",
            "*/",
        ),
        *(
            "util",
            ".error(",
            "'@aws-appsync/utils'",
            "{ util }",
            "* as x ",
            "x",
            "1",
            "+",
            "++",
            "\n",
            "...",
            "?.",
            "\\",
        ),
    ]
)


@MANY
@given(words=st.lists(SCRIPT, max_size=20))
def test_any_code_is_refused_or_loaded(appsync: Any, words: list[str]) -> None:
    runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
    code = "".join(words) or " "
    try:
        answer = appsync("POST", "/v1/dataplane-evaluatecode", runtime=runtime, code=code, context="{}")
    except AwsError as error:
        assert error.status == 400
    else:
        assert ("evaluationResult" in answer) != ("error" in answer)


# -- values


@MANY
@given(value=PLAIN)
def test_values_survive_dynamodbs_types(value: Any) -> None:
    back = plain(orjson.loads(orjson.dumps(typed(value))))
    assert _rounded(back) == _rounded(value)


def _rounded(value: Any) -> Any:
    """Numbers as DynamoDB's text for them has them: a whole float is a whole number."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


@MANY
@given(
    milliseconds=st.integers(0, 4_000_000_000_000),
    zone=st.sampled_from([None, "UTC", "+05:30", "-0800", "Asia/Tokyo", "America/Sao_Paulo"]),
)
def test_times_survive_their_text(milliseconds: int, zone: str | None) -> None:
    text = times.formatted(milliseconds, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", zone)
    assert times.parsed(text, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX") == milliseconds
    assert times.parsed_iso8601(text) == milliseconds
    assert times.parsed_iso8601(times.iso8601(milliseconds / 1000)) == milliseconds
