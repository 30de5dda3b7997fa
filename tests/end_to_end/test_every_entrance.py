"""Every entrance of the deployed pipeline, attacked by a stranger and by an account that wants another's.

Each attack is refused as AWS or the pipeline refuses it, counted where AWS counts it, and disturbs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from deploy.access_entrances import basic
from deploy.accounts import DISABLED, account_id, secret_key
from deploy.sign_in import expires_s
from tests.deploy.stream import rfc3339
from tests.end_to_end.deployed import HANGS_AFTER_S, Deployed, deployed, spoken, status_of
from tests.end_to_end.wire import Wire

pytestmark = pytest.mark.slow

MINE, THEIRS = account_id(0), account_id(1)
NOW_MS = round(time.time() * 1000)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """At the end, whatever was tried: nothing restarted, nothing failed within, and every entrance serves."""
    with deployed(tmp_path_factory.mktemp("attacked")) as place:
        yield place
        assert place.health()["incidents"] == []
        assert "Traceback" not in place.log()
        assert_healthy(place)


def assert_healthy(place: Deployed) -> None:
    """A valid request of each entrance is served."""
    assert send(place, **at_ingest(place)).status == 202
    assert send(place, **at_access(place, "/v1/devices")).status == 200
    told = asked(place, "{ devices { nextToken } }", place.outputs["live"]["tokens"][MINE])
    assert "errors" not in told.json
    said = asyncio.run(subscribe(place, token_of(place, MINE), MINE))
    assert said["type"] == "start_ack"


class Answer:
    """What an entrance said."""

    def __init__(self, said: bytes) -> None:
        head, _, self.body = said.partition(b"\r\n\r\n")
        self.status = status_of(said)
        lines = head.decode("latin-1").split("\r\n")[1:]
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """AWS's name for the error."""
        return self.headers.get("x-amzn-errortype", "").partition(":")[0]


def send(
    place: Deployed, method: str, url: str, headers: Mapping[str, str], body: bytes | str = b""
) -> Answer:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    host = {"Host": parts.netloc, "Content-Type": "application/json"}
    return Answer(spoken(place.address, Wire("", method, target, {**host, **headers}, raw).bytes()))


# ingest


def at_ingest(
    place: Deployed,
    event: Any = None,
    path: str = "/v1/locations",
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
) -> dict[str, Any]:
    ingest = place.outputs["ingest"]
    event = event or {"event_id": "e", "device_id": "d", "recorded_at": rfc3339(NOW_MS), "lat": 1.5, "lon": 2}
    own = {"Authorization": f"Bearer {ingest['sample_publishable_key']}"}
    return {
        "method": "POST",
        "url": ingest["url"] + path,
        "headers": own if headers is None else headers,
        "body": json.dumps(event) if body is None else body,
    }


@pytest.mark.parametrize(
    ("authorization", "status", "kind"),
    [
        (None, 401, "UnauthorizedException"),
        ("", 401, "UnauthorizedException"),
        ("Bearer", 401, "UnauthorizedException"),
        ("Bearer pk_" + "0" * 40, 401, "UnauthorizedException"),
        ("bearer {key}", 401, "UnauthorizedException"),
        ("Bearer {key}0", 401, "UnauthorizedException"),
        ("Bearer {key} {key}", 401, "UnauthorizedException"),
        ("Bearer {secret}", 401, "UnauthorizedException"),
        ("Bearer account#acct_000001", 401, "UnauthorizedException"),
        ("Basic {key}", 401, "UnauthorizedException"),
        ("Bearer {disabled}", 403, "AccessDeniedException"),
    ],
)
def test_devices_without_a_key_that_is_good_are_refused(
    place: Deployed, authorization: str | None, status: int, kind: str
) -> None:
    ingest = place.outputs["ingest"]
    words = {
        "key": ingest["sample_publishable_key"],
        "disabled": ingest["disabled_publishable_key"],
        "secret": place.outputs["access"]["sample_secret_key"],
    }
    headers = {} if authorization is None else {"Authorization": authorization.format(**words)}
    before = records(place)
    answer = send(place, **at_ingest(place, headers=headers))
    assert (answer.status, answer.kind) == (status, kind)
    assert set(answer.json) in ({"message"}, {"Message"})
    assert records(place) == before


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/locations", b"", 400),
        ("/v1/locations", b"{", 400),
        ("/v1/locations", b"[]", 400),
        ("/v1/locations", b"null", 400),
        ("/v1/locations", b'"text"', 400),
        ("/v1/locations", b"\xff\xfe", 400),
        ("/v1/locations", b'{"device_id": "\xed\xa0\x80"}', 400),
        ("/v1/locations", b"{}", 400),
        ("/v1/locations", b'{"device_id": ""}', 400),
        ("/v1/locations", b'{"device_id": 7}', 400),
        ("/v1/locations", b'{"device_id": {"a": 1}}', 400),
        ("/v1/locations", b'{"device_id": ["d"]}', 400),
        ("/v1/locations", b'{"device_id": "' + b"d" * 257 + b'"}', 400),
        ("/v1/locations", b'{"device_id": "d", "x": "' + b"x" * (1 << 20) + b'"}', 400),
        ("/v1/locations", b'{"device_id": "d", "x": "' + b"x" * (11 << 20) + b'"}', 413),
        ("/v1/locations", b"[" * 100_000, 400),
        ("/v1/locations/batch", b"{}", 400),
        ("/v1/locations/batch", b'{"device_id": "d", "events": 1}', 400),
        ("/v1/locations/batch", b'{"device_id": "d", "events": []}', 400),
        ("/v1/locations/batch", json.dumps({"device_id": "d", "events": [{}] * 501}).encode(), 400),
    ],
)
def test_bodies_that_are_no_event_are_refused(place: Deployed, path: str, body: bytes, status: int) -> None:
    before = records(place)
    answer = send(place, **at_ingest(place, path=path, body=body))
    assert answer.status == status, answer.body[:500]
    if status == 413:  # API Gateway says this one in plain text
        assert answer.body == b"HTTP content length exceeded 10485760 bytes."
    else:
        assert "message" in answer.json
    assert records(place) == before


HOSTILE = [
    *("$util.escapeJavaScript('x')", "$context.authorizer.account_id", "${record}", "$!{q}",),
    "#set($record = 1)",
    *("#stop", "#end", "##", "#*", "$input.body", '"', '","account_id":"acct_000002', "\\", '\\"',),
    "\\u0022",
    *("\x00", "\x01\x1f\x7f", "\u2028", "é", "😀", "]]>", "'", "<script>", "\r\n", "${'$'}",),
    "$class.forName",
]  # fmt: skip


def test_what_looks_like_a_template_is_data(place: Deployed) -> None:
    """In every field, in names of fields and in headers; what the record holds is what was sent."""
    sent = []
    for number, text in enumerate(HOSTILE):
        event = {"event_id": f"h-{number}", "device_id": f"d{text}", text: {text: [text, {"a": text}]}}
        sent.append(event)
        shown = "".join(each for each in text if each.isprintable() and each.isascii())
        own = at_ingest(place)["headers"]
        answer = send(place, **at_ingest(place, event, headers={**own, "X-Any": shown, "User-Agent": shown}))
        assert answer.status == 202, (text, answer.body)
        batch = {"device_id": f"d{text}", "events": [{**event, "event_id": f"b-{number}"}]}
        assert send(place, **at_ingest(place, batch, path="/v1/locations/batch")).status == 202
    found = {
        each["event"].get("event_id"): each for each in records(place) if isinstance(each["event"], dict)
    }
    for number, event in enumerate(sent):
        for event_id in (f"h-{number}", f"b-{number}"):
            envelope = found[event_id]
            assert envelope["event"] == {**event, "event_id": event_id}
            assert (envelope["account_id"], envelope["kind"]) == (MINE, "location")
            assert envelope["device_id"] == event["device_id"]
            assert set(envelope) == {
                *("account_id", "kind", "request_id", "received_at", "device_id", "event"),
            }


def test_lone_surrogates_do_not_reach_the_stream_as_such(place: Deployed) -> None:
    body = '{"event_id": "lone", "device_id": "d", "x": "\\ud800", "y": "\\udc00\\ud800"}'
    answer = send(place, **at_ingest(place, body=body))
    assert answer.status in (202, 400)
    for envelope in records(place):
        json.dumps(envelope, ensure_ascii=False)


def records(place: Deployed) -> list[dict[str, Any]]:
    """Everything in the stream."""
    kinesis, stream = place.cloud.client("kinesis"), place.outputs["events"]["stream"]
    found = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator)
            found += [json.loads(each["Data"]) for each in page["Records"]]
            if page["MillisBehindLatest"] == 0:
                break
            iterator = page["NextShardIterator"]
    return found


# access


def at_access(
    place: Deployed,
    path: str,
    method: str = "GET",
    authorization: str | None = None,
    body: Any = None,
) -> dict[str, Any]:
    own = basic(place.outputs["accounts"]["seed"], MINE) if authorization is None else authorization
    return {
        "method": method,
        "url": place.outputs["access"]["url"] + path,
        "headers": {"Authorization": own} if own else {},
        "body": b"" if body is None else json.dumps(body),
    }


def pair(account: str, key: str) -> str:
    return "Basic " + b64encode(f"{account}:{key}".encode("utf-8", "surrogatepass")).decode()


def test_back_ends_without_their_own_key_are_refused(place: Deployed) -> None:
    seed, ingest = place.outputs["accounts"]["seed"], place.outputs["ingest"]
    own, others = secret_key(seed, MINE), secret_key(seed, THEIRS)
    for authorization in (
        "",
        "Basic",
        "Basic !",
        "Basic " + "A" * 4096,
        pair(MINE, others),
        pair(THEIRS, own),
        pair(MINE, own[:-1]),
        pair(MINE, own + "0"),
        pair(MINE, own.upper()),
        pair(MINE, ""),
        pair("", own),
        pair(f"{MINE}\x00", own),
        pair("*", own),
        pair("acct_999999", own),
        pair(MINE, ingest["sample_publishable_key"]),
        f"Bearer {own}",
        f"Bearer {ingest['sample_publishable_key']}",
    ):
        answer = send(place, **at_access(place, "/v1/devices", authorization=authorization))
        assert (answer.status, answer.kind) == (401, "UnauthorizedException"), authorization
        assert answer.json == {"message": "Unauthorized"}
        assert answer.headers["www-authenticate"].startswith("Basic ")
    answer = send(place, **at_access(place, "/v1/devices", authorization=basic(seed, DISABLED)))
    assert (answer.status, answer.kind) == (403, "AccessDeniedException")


SPAN = "from=2026-01-01T00%3A00%3A00Z&to=2026-01-01T01%3A00%3A00Z"


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/devices/..%2Facct_000002%2Fd", "/v1/devices/%2e%2e%2facct_000002%2fd",),
        "/v1/devices/%252e%252e%252fd",
        *("/v1/devices/../../../etc/passwd", "/v1/devices/acct_000002%2Fd", "/v1/devices/d%00",),
        "/v1/devices/%ff",
        *("/v1/devices/d%0d%0aX: y".replace(" ", "%20"), "/v1/devices/*", "/v1/devices/" + "d" * 129),
        *("/v1/devices//d", "/v1/devices/.%2e/d", "/v1/devices/..;/d", "/v1/devices/d%5c..%5cd"),
        f"/v1/devices/..%2f..%2faudit/history?{SPAN}",
        *("/v1/devices?account_id=acct_000002", "/v1/devices?limit=0", "/v1/devices?limit=1&limit=2"),
        *("/v1/devices?limit=1e9", "/v1/devices?limit=%D9%A1", "/v1/devices?cursor=../..",),
        "/v1/devices?cursor=W10",
        *(f"/v1/devices?cursor={'A' * 5000}",),
        *("/v1/devices?cursor=" + urlsafe_b64encode(b'[9,"d"]').decode()),
        *("/v1/devices/d/history", "/v1/devices/d/history?from=../../audit&to=x",),
        f"/v1/devices/d/history?{SPAN}&x=1",
        "/v1/devices/d/history?from=2026-01-01T00:00:00Z/../../audit&to=2026-01-02T00:00:00Z",
        "/v1/devices/d/history?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z",
        "/v1/devices/d/history?from=2026-01-01&to=2026-01-02",
        "/v1/devices/d/history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/v1/devices/d/history?from=-292277022657-01-27T08:29:52Z&to=NaN",
        *("/v1/nothing", "/v1", "/..%2f..%2f_launchday/health", "/v1/webhooks/..%2f..%2f"),
    ],
)  # fmt: skip
def test_no_path_or_parameter_leads_astray(place: Deployed, path: str) -> None:
    answer = send(place, **at_access(place, path))
    assert 400 <= answer.status < 500, (answer.status, answer.body)
    told = json.dumps(answer.json)
    assert "error" in answer.json or "message" in answer.json
    for inner in ("launchday-", "Traceback", "arn:", "root:", THEIRS):
        assert inner not in told


INSIDE = [
    *("http://127.0.0.1/", "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1/",),
    "http://0/",
    *("http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/",),
    "http://017700000001/",
    *("http://127.0.0.1./", "http://0.0.0.0:{port}/", "http://[::1]:{port}/", "http://[::]/",),
    "http://[::ffff:127.0.0.1]/",
    *("http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/",),
    "http://[fe80::1]/",
    *("http://[fe80::1%25eth0]/", "http://[fd00::1]/", "http://[2002:7f00:1::]/",),
    "http://[2002:a9fe:a9fe::]/",
    *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://2852039166/",),
    "http://0xa9fea9fe/",
    *("http://[::ffff:a9fe:a9fe]/", "http://169.254.170.2/v2/credentials",),
    "http://metadata.google.internal/",
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/",),
    "http://198.18.0.1/",
    *("http://224.0.0.1/", "http://255.255.255.255/", "http://[ff02::1]/", "http://intranet/",),
    "http://a.localhost/",
    *("http://printer.local/", "http://x.internal/", "http://localhost.localdomain/",),
    "http://[::127.0.0.1]/",
    *("http://user@127.0.0.1/", "http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com/",),
    "file:///etc/passwd",
    *("http://127.0.0.1\\@example.com/", "gopher://127.0.0.1/", "ftp://example.com/",),
    *("//127.0.0.1/", "http:127.0.0.1"),
    *("http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://example.com:0/", "http://ex ample.com/",),
    *("http://", ""),
    *("http://" + "a" * 3000 + ".example.com/", "http://example.com/\r\nX: y", "http://example.com/\x00"),
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_no_webhook_leads_inside(place: Deployed, url: str) -> None:
    url = url.replace("{port}", str(place.address[1]))
    answer = send(place, **at_access(place, "/v1/webhooks", "POST", body={"url": url}))
    assert answer.status == 400, answer.body
    assert answer.json["error"]["code"] in ("forbidden_host", "invalid_url")
    assert send(place, **at_access(place, "/v1/webhooks")).json["webhooks"] == []


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], 1, "x", {}, {"url": None}, {"url": 1}, {"url": ["https://example.com/"]}, {"uri": "x"}),
        {"url": "https://example.com/", "account_id": THEIRS},
        {"url": "https://example.com/", "filter": {"account_id": [THEIRS]}},
        {"url": "https://example.com/", "filter": {"context": [{"anything-but": "x"}]}},
        {"url": "https://example.com/" + "x" * 9000},
    ],
)
def test_webhooks_of_the_wrong_form_are_refused(place: Deployed, body: Any) -> None:
    answer = send(place, **at_access(place, "/v1/webhooks", "POST", body=body))
    assert answer.status in (400, 413), answer.body
    assert "code" in answer.json["error"]


# live


def token_of(place: Deployed, account: str) -> str:
    return str(place.outputs["live"]["tokens"][account])


def asked(place: Deployed, query: str, token: str | None, variables: Any = None, **more: Any) -> Answer:
    headers = {} if token is None else {"Authorization": token}
    body = json.dumps({"query": query, "variables": variables, **more})
    return send(place, "POST", place.outputs["live"]["graphql_url"], headers, body)


def part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, claims, signature = token.split(".")
    read = (json.loads(b64decode(each + "=" * (-len(each) % 4), "-_")) for each in (head, claims))
    header, body = read
    return header, body, signature


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Any) -> str:
    text = f"{part(header)}.{part(claims)}"
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def forged(place: Deployed) -> dict[str, str | None]:
    """Tokens that are none: of nobody, altered, signed by others, of another pool and another client."""
    own = token_of(place, MINE)
    header, claims, signature = parts(own)
    key = rsa.generate_private_key(65537, 2048)
    kept = f"{part({**header, 'alg': 'HS256'})}.{part(claims)}"
    mac = hmac.new(b"", kept.encode(), hashlib.sha256).digest()
    return {
        "none": None,
        "empty": "",
        "no token": "x",
        "dots": "...",
        "of nobody": "Bearer",
        "alg none": f"{part({**header, 'alg': 'none'})}.{part(claims)}.",
        "alg none, signed": f"{part({**header, 'alg': 'none'})}.{part(claims)}.{signature}",
        "alg HS256": f"{kept}.{urlsafe_b64encode(mac).decode().rstrip('=')}",
        "other account": f"{part(header)}.{part({**claims, 'custom:account_id': THEIRS})}.{signature}",
        "expired, altered": f"{part(header)}.{part({**claims, 'exp': 1})}.{signature}",
        "wrong key": signed(header, claims, key),
        "wrong key, no kid": signed({"alg": "RS256"}, claims, key),
        "wrong key, its own JWK": signed({**header, "jwk": {"kty": "RSA"}, "jku": place.edge}, claims, key),
        "cut": own[:-4],
        "publishable key": place.outputs["ingest"]["sample_publishable_key"],
        "API key": "da2-" + "a" * 26,
        "other pool": of_another_pool(place),
    }


def of_another_pool(place: Deployed) -> str:
    """An ID token that Cognito itself gave, with the same claims, to a user of somebody else's pool."""
    cognito = place.cloud.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="stranger",
        Schema=[{"Name": "account_id", "AttributeDataType": "String", "Mutable": True}],
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="stranger",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(
        UserPoolId=pool, Username="eve", UserAttributes=[{"Name": "custom:account_id", "Value": MINE}]
    )
    password = "Lp1-0123456789abc"
    cognito.admin_set_user_password(UserPoolId=pool, Username="eve", Password=password, Permanent=True)
    answer = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "eve", "PASSWORD": password},
    )
    token: str = answer["AuthenticationResult"]["IdToken"]
    assert expires_s(token) > time.time()
    cognito.delete_user_pool(UserPoolId=pool)
    return token


def test_tokens_that_are_not_the_pools_are_refused(place: Deployed) -> None:
    for name, token in forged(place).items():
        answer = asked(place, "{ devices { nextToken } }", token)
        assert (answer.status, answer.kind) == (401, "UnauthorizedException"), (name, answer.body)
        assert "data" not in answer.json
        assert answer.json["errors"][0]["errorType"] == "UnauthorizedException"


def test_users_see_and_publish_nothing_of_others(place: Deployed) -> None:
    mine = token_of(place, MINE)
    for device in (
        "../acct_000002/d",
        f"{THEIRS}/d",
        "*",
        '"',
        "${ctx.identity}",
        "$util.toJson($ctx)",
        "\\",
        "\x00",
    ):
        answer = asked(place, "query D($id: ID!) { device(id: $id) { device_id } }", mine, {"id": device})
        assert answer.status == 200
        assert answer.json["data"] == {"device": None}, device
    location = (
        f'{{account_id: "{THEIRS}", device_id: "d", event_id: "e", lat: 1, lon: 2, '
        'recorded_at: "2026-01-01T00:00:00Z", received_at: "2026-01-01T00:00:00Z"}'
    )
    answer = asked(place, f"mutation {{ publishLocation(location: {location}) {{ event_id }} }}", mine)
    assert answer.json["data"] == {"publishLocation": None}
    assert answer.json["errors"][0]["errorType"] == "Unauthorized"


def test_floods_of_a_document_are_refused_and_introspection_is_not(place: Deployed) -> None:
    """AppSync's own bounds: a document's size, the depth of its selections, how many resolvers it may run."""
    mine = token_of(place, MINE)
    nested = "query { __schema { types " + "{ fields { type " * 60 + "{ name }" + " } }" * 60 + " } }"
    looping = "query { devices { ...a } } fragment a on DeviceConnection { ...b } "
    looping += "fragment b on DeviceConnection { ...a }"
    aliases = "query { " + " ".join(f"a{n}: devices {{ nextToken }}" for n in range(10_001)) + " }"
    for query in (
        *("", "{", "{ nothing }", "query A { devices { nextToken } } query A { devices { nextToken } }"),
        *(
            "{ device(id: [) }",
            "{" * 10_000,
            "query { devices { nextToken } } #" + "x" * 1_100_000,
        ),
        looping,
        nested,
        *(aliases, "subscription { onLocation(account_id: 1) { event_id } }"),
    ):
        answer = asked(place, query, mine)
        assert answer.status in (200, 400, 413), (query[:100], answer.status, answer.body[:300])
        assert answer.json.get("errors") or answer.json.get("message"), (query[:100], answer.body[:300])
    schema = asked(place, "{ __schema { queryType { name } types { name } } }", mine)
    assert schema.json["data"]["__schema"]["queryType"] == {"name": "Query"}
    assert asked(place, "{ __schema { queryType { name } } }", None).status == 401


async def subscribe(place: Deployed, token: str | None, account: str | None, start: str | None = None) -> Any:
    """What is said to a subscription's `start` that carries the token `start`; the handshake has `token`."""
    live = place.outputs["live"]
    host = urlsplit(live["graphql_url"]).netloc
    authorization = {"host": host, **({} if token is None else {"Authorization": token})}
    header = b64encode(json.dumps(authorization).encode()).decode()
    query = "subscription S($a: ID!) { onAccountActivity(account_id: $a) { event_id } }"
    data = json.dumps({"query": query, "variables": {"a": account}})
    extensions = {"authorization": {**authorization, "Authorization": token if start is None else start}}
    async with (
        asyncio.timeout(HANGS_AFTER_S),
        aiohttp.ClientSession() as session,
        session.ws_connect(
            live["realtime_url"], params={"header": header, "payload": "e30="}, protocols=("graphql-ws",)
        ) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        await socket.send_json(
            {"id": "1", "type": "start", "payload": {"data": data, "extensions": extensions}}
        )
        while True:
            said = await socket.receive_json()
            if said["type"] in ("start_ack", "error", "connection_error"):
                return said


def test_subscribers_without_a_token_are_not_connected(place: Deployed) -> None:
    for name, token in forged(place).items():
        said = asyncio.run(subscribe(place, token, MINE))
        assert said["type"] == "connection_error", (name, said)
        assert said["payload"]["errors"][0]["errorType"] == "UnauthorizedException"


def test_a_connection_does_not_let_a_subscription_in(place: Deployed) -> None:
    """Another account's connection headers, replayed or beside one's own, open no other account."""
    mine, theirs = token_of(place, MINE), token_of(place, THEIRS)
    for token, account, start in (
        (mine, THEIRS, None),
        (theirs, MINE, None),
        (theirs, THEIRS, mine),  # whose connection it is says nothing of whose subscription
        *((mine, MINE, bad) for bad in forged(place).values() if bad),
    ):
        said = asyncio.run(subscribe(place, token, account, start))
        assert said["type"] == "error", (account, said)
        assert said["payload"]["errors"]
    assert asyncio.run(subscribe(place, mine, MINE))["type"] == "start_ack"


# What is counted


def test_what_is_refused_is_counted_where_aws_counts_it(place: Deployed) -> None:
    before = place.metered()
    assert send(place, **at_ingest(place, headers={})).status == 401
    assert send(place, **at_ingest(place, body=b"{")).status == 400
    assert send(place, **at_access(place, "/v1/devices", authorization="")).status == 401
    assert send(place, **at_access(place, "/v1/devices/%20")).status == 400
    assert asked(place, "{ devices { nextToken } }", "x").status == 401
    assert asked(place, "{ nothing }", token_of(place, MINE)).json["errors"]
    after = place.metered()
    grown = {
        (service, resource.rpartition("-")[2], unit)
        for (service, resource, unit), value in after.items()
        if value > before.get((service, resource, unit), 0)
    }
    for api in (("apigateway", "ingest"), ("apigateway", "access"), ("appsync", "live")):
        assert {(*api, "unauthorized"), (*api, "client_errors")} <= grown, grown
