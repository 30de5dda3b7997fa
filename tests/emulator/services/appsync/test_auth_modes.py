"""Which mode a request is judged by, and what each says to it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from harness.emulator.services.appsync.auth import ApiAuthorizer, functions
from harness.emulator.services.appsync.auth.keys import MAX_AGE_S, MIN_REFRESH_S
from harness.emulator.services.appsync.contract import Operation, RequestRefused
from harness.emulator.services.appsync.identity import Identity
from harness.emulator.services.appsync.model import ApiAuth, AuthProvider, UserPool
from harness.emulator.services.credentials import AccessKeys
from tests.emulator.services.appsync.auth_parts import (
    CLIENT_ID,
    NOW_S,
    POOL_ID,
    Function,
    Pool,
    an_api,
    provider,
    rsa_key,
    unsigned,
)
from tests.emulator.services.appsync.test_auth_sigv4 import BODY, signed

POOLS, IAM, KEY, LAMBDA = "AMAZON_COGNITO_USER_POOLS", "AWS_IAM", "API_KEY", "AWS_LAMBDA"
NOT_AUTHORIZED = ("UnauthorizedException", "You are not authorized to make this call.", 401)
NO_HEADER = ("UnauthorizedException", "Valid authorization header not provided.", 401)
NO_SIGNATURE = ("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
NO_TOKEN = ("UnauthorizedException", "Missing authorization header", 401)
UNREADABLE = ("UnauthorizedException", "Unable to parse JWT token.", 401)
EXPIRED = ("UnauthorizedException", "Token has expired.", 401)


class Gate:
    """An authorizer with a pool and a function of its own."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.function = Function()
        self.keys = AccessKeys("secret")
        self.authorizer = ApiAuthorizer(
            keys=self.keys, fetch_pool_keys=self.pool.fetch, invoker=self.function
        )

    async def ask(self, api: ApiAuth, headers: dict[str, str], **more: Any) -> Identity:
        given = {"method": "POST", "path": "/graphql/abc", "body": BODY, "now_s": NOW_S, **more}
        return await self.authorizer.authorize(api, headers, **given)

    def identity(self, api: ApiAuth, headers: dict[str, str], **more: Any) -> Identity:
        return asyncio.run(self.ask(api, headers, **more))

    def refusal(self, api: ApiAuth, headers: dict[str, str], **more: Any) -> tuple[str, str, int]:
        with pytest.raises(RequestRefused) as caught:
            self.identity(api, headers, **more)
        return caught.value.error_type, caught.value.message, caught.value.status


@pytest.fixture
def gate() -> Gate:
    return Gate()


# --- the choice of the mode


ALL = an_api(POOLS, IAM, KEY, LAMBDA, keys={"da2-good": int(NOW_S) + 1})


def test_each_form_of_header_has_its_mode(gate: Gate) -> None:
    token = gate.pool.token()
    cases: list[tuple[dict[str, str], str]] = [
        ({"x-api-key": "da2-good"}, KEY),
        (signed(at_s=NOW_S, url="https://localhost/graphql/abc"), IAM),
        ({"authorization": token}, POOLS),
        ({"authorization": f"Bearer {token}"}, POOLS),
        ({"authorization": "custom"}, LAMBDA),
        ({"authorization": "Bearer custom"}, LAMBDA),
        ({"authorization": "a.b.c"}, LAMBDA),
    ]
    for headers, mode in cases:
        assert gate.identity(ALL, headers).mode == mode


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "  "}, {"x-api-key": ""}])
def test_no_credentials(gate: Gate, headers: dict[str, str]) -> None:
    for api in (ALL, an_api(POOLS, IAM), an_api(KEY), an_api(LAMBDA)):
        assert gate.refusal(api, headers) == NO_HEADER
    assert gate.refusal(an_api(IAM), headers) == NO_SIGNATURE
    assert gate.refusal(an_api(POOLS, POOLS), headers) == NO_TOKEN


def test_a_mode_that_the_api_lacks_is_no_way_in(gate: Gate) -> None:
    token = gate.pool.token()
    assert gate.refusal(an_api(IAM), {"authorization": token})[::2] == ("IncompleteSignatureException", 403)
    assert gate.refusal(an_api(IAM, KEY), {"authorization": token}) == NO_HEADER
    assert gate.refusal(an_api(IAM), {"x-api-key": "da2-good"}) == NO_SIGNATURE
    assert gate.refusal(an_api(POOLS), {"x-api-key": "da2-good"}) == NO_TOKEN
    assert gate.refusal(an_api(POOLS), {"authorization": "custom"}) == UNREADABLE
    assert gate.refusal(an_api(POOLS), signed(at_s=NOW_S)) == UNREADABLE
    assert gate.refusal(an_api(KEY), {"authorization": token}) == NO_HEADER
    assert gate.refusal(an_api(KEY), signed(at_s=NOW_S)) == NO_HEADER
    assert gate.pool.asked == 0
    assert gate.function.events == []


def test_a_token_is_not_given_to_a_function_where_pools_judge_tokens(gate: Gate) -> None:
    """docs: the OIDC token cannot be used as the AWS_LAMBDA authorization token."""
    api = an_api(LAMBDA, POOLS)
    assert gate.refusal(api, {"authorization": gate.pool.token(exp=NOW_S - 1)}) == EXPIRED
    assert gate.identity(an_api(LAMBDA), {"authorization": gate.pool.token()}).mode == LAMBDA
    assert len(gate.function.events) == 1


# --- API keys


def test_api_keys_exist_until_they_expire(gate: Gate) -> None:
    keys = {"da2-good": int(NOW_S) + 1, "da2-old": int(NOW_S)}
    api = an_api(KEY, keys=keys)
    assert gate.identity(api, {"x-api-key": "da2-good"}) == Identity("API_KEY")
    assert gate.refusal(api, {"x-api-key": "da2-good"}, now_s=NOW_S + 1) == NOT_AUTHORIZED
    for wrong in ("da2-old", "da2-never", "da2-goo", "da2-good ", "é"):
        assert gate.refusal(api, {"x-api-key": wrong}) == NOT_AUTHORIZED
    del keys["da2-good"]
    assert gate.refusal(api, {"x-api-key": "da2-good"}) == NOT_AUTHORIZED


# --- signatures


def test_a_signature_names_its_principal(gate: Gate) -> None:
    role = "arn:aws:sts::000000000000:assumed-role/fanout-role/fanout"
    key = gate.keys.issue(role)
    headers = signed(
        url="https://localhost:4566/graphql",
        at_s=NOW_S,
        access_key=key.access_key,
        secret_key=key.secret_key,
        token=key.session_token,
    )
    identity = gate.identity(an_api(IAM), headers, source_ip="10.0.0.9")
    assert identity.context is not None
    assert identity.context["userArn"] == role
    assert identity.context["accountId"] == "000000000000"
    assert identity.context["username"] == f"{key.access_key}:fanout"
    assert identity.context["sourceIp"] == ["10.0.0.9"]
    assert gate.refusal(an_api(IAM), headers, body=b"{}")[::2] == ("InvalidSignatureException", 403)
    unknown = {**headers, "authorization": headers["authorization"].replace("ASIA", "AKIA")}
    assert gate.refusal(an_api(IAM), unknown)[::2] == ("UnrecognizedClientException", 403)


# --- user pools


def test_an_id_token_names_its_user(gate: Gate) -> None:
    token = gate.pool.token(**{"cognito:groups": ["admins", "staff"]})
    identity = gate.identity(an_api(POOLS), {"authorization": token}, source_ip="10.0.0.9")
    context = dict(identity.context or {})
    claims = context.pop("claims")
    assert context == {
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "issuer": gate.pool.issuer,
        "username": "ana",
        "sourceIp": ["10.0.0.9"],
        "defaultAuthStrategy": "ALLOW",
        "groups": ["admins", "staff"],
    }
    assert claims["custom:account_id"] == "acc-1"
    assert (identity.mode, identity.groups) == (POOLS, ("admins", "staff"))


def test_an_access_token_is_taken_too(gate: Gate) -> None:
    changes = {"token_use": "access", "aud": None, "client_id": CLIENT_ID, "cognito:username": None}
    identity = gate.identity(an_api(POOLS), {"authorization": gate.pool.token(**changes, username="ana")})
    assert identity.context is not None
    assert (identity.context["username"], identity.context["groups"]) == ("ana", None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": NOW_S}, EXPIRED),
        ({"exp": NOW_S - 3600}, EXPIRED),
        ({"exp": None}, NOT_AUTHORIZED),
        ({"exp": True}, NOT_AUTHORIZED),
        ({"nbf": NOW_S + 61}, NOT_AUTHORIZED),
        ({"iat": NOW_S + 61}, NOT_AUTHORIZED),
        ({"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"}, NOT_AUTHORIZED),
        ({"iss": "https://cognito-idp.eu-west-1.amazonaws.com/" + POOL_ID}, NOT_AUTHORIZED),
        ({"iss": "https://evil.example/" + POOL_ID}, NOT_AUTHORIZED),
        ({"iss": None}, NOT_AUTHORIZED),
        ({"token_use": "refresh"}, NOT_AUTHORIZED),
        ({"token_use": None}, NOT_AUTHORIZED),
        ({"aud": None}, NOT_AUTHORIZED),
        ({"aud": ["a", "b"]}, NOT_AUTHORIZED),
    ],
)
def test_claims_that_are_not_good(
    gate: Gate, changes: dict[str, Any], expected: tuple[str, str, int]
) -> None:
    token = gate.pool.token(**changes)
    assert gate.refusal(an_api(POOLS), {"authorization": token}) == expected


def test_clients_are_held_to_the_apps_expression(gate: Gate) -> None:
    def with_regex(regex: str) -> ApiAuth:
        return an_api(AuthProvider(POOLS, UserPool(POOL_ID, "us-east-1", regex)))

    token = {"authorization": gate.pool.token()}
    for regex in (CLIENT_ID, "3qej.*", f"other|{CLIENT_ID}"):
        assert gate.identity(with_regex(regex), token).mode == POOLS
    for regex in ("other", CLIENT_ID[:-1], "[", "^$"):
        assert gate.refusal(with_regex(regex), token) == NOT_AUTHORIZED


def test_several_pools_each_judge_their_own_tokens(gate: Gate) -> None:
    other = AuthProvider(POOLS, UserPool("us-east-1_Other", "us-east-1", default_action="DENY"))
    api = an_api(other, POOLS)
    assert gate.identity(api, {"authorization": gate.pool.token()}).mode == POOLS
    foreign = gate.pool.token(iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other")
    assert gate.refusal(api, {"authorization": foreign}) == NOT_AUTHORIZED  # signed by the wrong pool


def forged(pool: Pool) -> dict[str, str]:
    """Tokens with good claims that the pool did not sign."""
    claims = pool.claims()
    public = json.dumps(rsa_key("one").as_dict(private=False)).encode()
    pem = rsa_key("one").as_pem(private=False)
    good = pool.token()
    head, _, _ = good.partition(".")
    raised = unsigned({}, pool.claims(**{"custom:account_id": "acc-2"})).split(".")[1]

    def hs256(secret: bytes) -> str:
        body = unsigned({"alg": "HS256", "kid": "one"}, claims).rpartition(".")[0]
        mac = hmac.digest(secret, body.encode(), hashlib.sha256)
        return f"{body}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return {
        "alg none": unsigned({"alg": "none", "kid": "one"}, claims),
        "alg None": unsigned({"alg": "None", "kid": "one"}, claims),
        "no alg": unsigned({"kid": "one"}, claims, b"x" * 256),
        "HS256 with the public key as the secret": hs256(pem),
        "HS256 with the published JSON as the secret": hs256(public),
        "another key under the pool's kid": pool.token(kid="two", header={"kid": "one"}),
        "a key of its own in the header": pool.token(
            kid="two", header={"kid": "one", "jwk": rsa_key("two").as_dict(private=False)}
        ),
        "a kid that the pool does not have": pool.token(kid="two"),
        "a kid that is a path": pool.token(header={"kid": "../../one"}),
        "no kid": pool.token(header={"kid": ""}),
        "claims changed under a good signature": f"{head}.{raised}.{good.rpartition('.')[2]}",
        "no signature": good.rpartition(".")[0] + ".",
        "a signature cut short": good[:-8],
    }


@pytest.mark.parametrize("name", list(forged(Pool())))
def test_forged_tokens_are_refused(gate: Gate, name: str) -> None:
    assert gate.refusal(an_api(POOLS), {"authorization": forged(gate.pool)[name]}) == NOT_AUTHORIZED
    assert gate.refusal(ALL, {"authorization": forged(gate.pool)[name]}) == NOT_AUTHORIZED


@pytest.mark.parametrize(
    "text", ["x", "a.b", "a.b.c.d", "..", "e30.e30", "e30.bnVsbA.", "é.é.é", "A" * 20_000]
)
def test_what_is_no_token_is_said_to_be_unreadable(gate: Gate, text: str) -> None:
    assert gate.refusal(an_api(POOLS), {"authorization": text}) == UNREADABLE


# --- the keys of pools


def test_keys_are_fetched_once_and_again_for_a_new_one_at_most_so_often() -> None:
    gate = Gate()
    api = an_api(POOLS)

    async def scenario() -> None:
        for _ in range(5):
            await gate.ask(api, {"authorization": gate.pool.token()})
        assert gate.pool.asked == 1
        gate.pool.kids = ["one", "two"]  # the pool rotates its keys
        rotated = {"authorization": gate.pool.token(kid="two")}
        with pytest.raises(RequestRefused):
            await gate.ask(api, rotated, now_s=NOW_S + MIN_REFRESH_S - 1)
        assert gate.pool.asked == 1
        await gate.ask(api, rotated, now_s=NOW_S + MIN_REFRESH_S)
        assert gate.pool.asked == 2
        for number in range(100):  # a stranger names keys that do not exist
            stranger = {"authorization": gate.pool.token(header={"kid": f"k{number}"})}
            with pytest.raises(RequestRefused):
                await gate.ask(api, stranger, now_s=NOW_S + MIN_REFRESH_S + 1)
        assert gate.pool.asked == 2

    asyncio.run(scenario())


def test_a_withdrawn_key_is_not_believed_for_ever() -> None:
    gate = Gate()

    async def scenario() -> None:
        token = {"authorization": gate.pool.token(exp=NOW_S + 2 * MAX_AGE_S)}
        await gate.ask(an_api(POOLS), token)
        gate.pool.kids = ["two"]
        await gate.ask(an_api(POOLS), token, now_s=NOW_S + MAX_AGE_S - 1)
        with pytest.raises(RequestRefused):
            await gate.ask(an_api(POOLS), token, now_s=NOW_S + MAX_AGE_S)

    asyncio.run(scenario())


def test_a_token_that_was_verified_still_expires_and_falls_with_its_key() -> None:
    gate = Gate()

    async def scenario() -> None:
        token = {"authorization": gate.pool.token(exp=NOW_S + 2 * MAX_AGE_S)}
        for _ in range(3):
            await gate.ask(an_api(POOLS), token)
        with pytest.raises(RequestRefused, match="expired"):
            await gate.ask(an_api(POOLS), token, now_s=NOW_S + 2 * MAX_AGE_S)
        forged_now = {"authorization": token["authorization"][:-4] + "AAAA"}
        with pytest.raises(RequestRefused):
            await gate.ask(an_api(POOLS), forged_now)

    asyncio.run(scenario())


def test_many_at_once_ask_a_pool_once_and_a_pool_that_is_away_does_not_undo_what_is_known() -> None:
    gate = Gate()

    async def scenario() -> None:
        token = {"authorization": gate.pool.token(exp=NOW_S + 2 * MAX_AGE_S)}
        await asyncio.gather(*(gate.ask(an_api(POOLS), token) for _ in range(50)))
        assert gate.pool.asked == 1
        gate.pool.fails = True
        await gate.ask(an_api(POOLS), token, now_s=NOW_S + MAX_AGE_S)
        assert gate.pool.asked == 2

    asyncio.run(scenario())


def test_a_pool_that_never_answered_vouches_for_nobody(gate: Gate) -> None:
    gate.pool.fails = True
    assert gate.refusal(an_api(POOLS), {"authorization": gate.pool.token()}) == NOT_AUTHORIZED


# --- Lambda authorizers


def test_the_function_is_told_what_is_asked(gate: Gate) -> None:
    operation = Operation("query Q { a }", {"x": 1}, "Q")
    headers = {"authorization": "secret", "x-other": "1"}
    identity = gate.identity(an_api(LAMBDA), headers, operation=operation, request_id="r-1")
    assert identity.mode == LAMBDA
    assert gate.function.events == [
        {
            "authorizationToken": "secret",
            "requestContext": {
                "apiId": "abc",
                "accountId": "000000000000",
                "requestId": "r-1",
                "queryString": "query Q { a }",
                "operationName": "Q",
                "variables": {"x": 1},
            },
            "requestHeaders": headers,
        }
    ]
    gate.authorizer.reset()
    gate.identity(an_api(LAMBDA), headers, path="/graphql/abc/connect", body=b"{}")
    assert gate.function.events[1]["requestContext"]["operationName"] == "DeepDish:Connect"
    gate.authorizer.reset()
    gate.identity(an_api(LAMBDA), headers, body=b"not GraphQL")
    assert gate.function.events[2]["requestContext"]["operationName"] is None


@pytest.mark.parametrize(
    "answer",
    [
        {"isAuthorized": False},
        {"isAuthorized": "true"},
        {"isAuthorized": 1},
        {},
        [],
        None,
        b"",
        b"{",
        {"isAuthorized": True, "resolverContext": {"nested": {"a": 1}}},
        {"isAuthorized": True, "resolverContext": "text"},
        {"isAuthorized": True, "deniedFields": "Query.a"},
        {"isAuthorized": True, "resolverContext": {"a": "x" * (5 * 1024 * 1024)}},
    ],
)
def test_an_answer_that_does_not_say_yes_says_no(gate: Gate, answer: Any) -> None:
    gate.function.answer = lambda _event: answer
    assert gate.refusal(an_api(LAMBDA), {"authorization": "x"}) == NOT_AUTHORIZED


def test_a_function_that_fails_says_no(gate: Gate) -> None:
    gate.function.function_error = "Unhandled"
    assert gate.refusal(an_api(LAMBDA), {"authorization": "x"}) == NOT_AUTHORIZED


def test_a_token_that_does_not_fit_the_expression_is_refused_without_asking(gate: Gate) -> None:
    api = an_api(provider(LAMBDA, validation_regex="tok-[0-9]+"))
    assert gate.identity(api, {"authorization": "tok-12"}).mode == LAMBDA
    for token in ("tok-", "xtok-1", "tok-1x", "Bearer tok-1"):
        assert gate.refusal(api, {"authorization": token}) == NOT_AUTHORIZED
    assert len(gate.function.events) == 1


def test_denied_fields_and_context_are_passed_on(gate: Gate) -> None:
    mine = "arn:aws:appsync:us-east-1:000000000000:apis/abc/types/Device/fields/secret"
    gate.function.answer = lambda _event: {
        "isAuthorized": True,
        "deniedFields": ["Query.hidden", mine, mine.replace("apis/abc", "apis/other")],
        "resolverContext": {"account": "acc-1", "level": 3},
    }
    identity = gate.identity(an_api(LAMBDA), {"authorization": "x"})
    assert identity.denied_fields == {"Query.hidden", "Device.secret"}
    assert identity.resolver_context == {"account": "acc-1", "level": 3}
    assert identity.context == {"resolverContext": {"account": "acc-1", "level": 3}}


@pytest.mark.parametrize(
    ("ttl_s", "answer", "asked_after_5_s", "asked_after_20_s"),
    [
        (10, {"isAuthorized": True}, 1, 2),
        (0, {"isAuthorized": True}, 2, 3),
        (0, {"isAuthorized": True, "ttlOverride": 10}, 1, 2),
        (10, {"isAuthorized": True, "ttlOverride": 0}, 2, 3),
        (10, {"isAuthorized": False}, 1, 2),
        (10, {"isAuthorized": True, "resolverContext": {"a": "x" * 1_048_576}}, 2, 3),
    ],
)
def test_answers_are_kept_for_their_time(
    gate: Gate, ttl_s: int, answer: dict[str, Any], asked_after_5_s: int, asked_after_20_s: int
) -> None:
    gate.function.answer = lambda _event: answer
    api = an_api(provider(LAMBDA, ttl_s=ttl_s))

    async def ask(now_s: float) -> None:
        try:
            await gate.ask(api, {"authorization": "x"}, now_s=now_s)
        except RequestRefused:
            assert not answer["isAuthorized"]

    async def scenario() -> None:
        await ask(NOW_S)
        await ask(NOW_S + 5)
        assert len(gate.function.events) == asked_after_5_s
        await ask(NOW_S + 20)
        assert len(gate.function.events) == asked_after_20_s

    asyncio.run(scenario())


def test_an_answer_for_one_api_or_token_is_not_given_for_another(gate: Gate) -> None:
    gate.identity(an_api(LAMBDA), {"authorization": "x"})
    gate.identity(an_api(LAMBDA, api_id="other"), {"authorization": "x"})
    gate.identity(an_api(LAMBDA), {"authorization": "y"})
    assert len(gate.function.events) == 3


def test_an_answer_that_may_not_be_kept_is_for_its_own_request() -> None:
    """A function that decides by the operation says so with ttlOverride 0."""
    gate = Gate()
    gate.function.answer = lambda event: {
        "isAuthorized": event["requestContext"]["operationName"] == "Harmless",
        "ttlOverride": 0,
    }

    async def ask(name: str) -> str:
        try:
            await gate.ask(an_api(LAMBDA), {"authorization": "x"}, operation=Operation("{ a }", {}, name))
        except RequestRefused:
            return "refused"
        return "in"

    async def scenario() -> None:
        outcomes = await asyncio.gather(*(ask(name) for name in ("Harmless", "Harmful", "Harmless")))
        assert outcomes == ["in", "refused", "in"]

    asyncio.run(scenario())
    assert len(gate.function.events) == 3


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "MAX_KEPT_BYTES", 100)
    gate = Gate()

    async def scenario() -> None:
        for token in ("a", "b", "c", "d", "e"):  # each answer is 22 bytes
            await gate.ask(an_api(LAMBDA), {"authorization": token})
        assert len(gate.function.events) == 5
        await gate.ask(an_api(LAMBDA), {"authorization": "e"})
        assert len(gate.function.events) == 5
        await gate.ask(an_api(LAMBDA), {"authorization": "a"})
        assert len(gate.function.events) == 6

    asyncio.run(scenario())


def test_many_at_once_ask_the_function_once(gate: Gate) -> None:
    async def scenario() -> None:
        await asyncio.gather(*(gate.ask(an_api(LAMBDA), {"authorization": "x"}) for _ in range(50)))

    asyncio.run(scenario())
    assert len(gate.function.events) == 1
