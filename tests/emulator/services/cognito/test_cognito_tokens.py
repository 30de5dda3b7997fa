"""What tokens say, for how long, and that nobody else can make them."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from harness.emulator.services.base import AwsRequest, CallContext

from .conftest import START_S, Driver, refresh_auth

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ACCOUNT = {"Name": "account_id", "AttributeDataType": "String", "Mutable": False}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def header(token: str) -> dict[str, Any]:
    part = token.split(".")[0]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def keys_of(cognito: Driver, pool: str) -> jwk.KeySet:
    return jwk.KeySet.import_key_set(cognito.service._registry.pool(pool).keys.jwks)


def test_an_id_token_says_who_the_user_is(cognito: Driver) -> None:
    pool = cognito.pool(Schema=[ACCOUNT])
    client = cognito.client(pool)
    cognito.user(
        pool, **{"email": "ana@example.com", "email_verified": "true", "custom:account_id": "acct-1"}
    )
    said = claims(cognito.sign_in(client)["IdToken"])
    user = cognito("AdminGetUser", UserPoolId=pool, Username="ana")
    for name in ("event_id", "jti", "origin_jti"):
        assert UUID.fullmatch(said.pop(name))
    assert said == {
        "sub": user["UserAttributes"][0]["Value"],
        "iss": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
        "aud": client,
        "cognito:username": "ana",
        "token_use": "id",
        "auth_time": int(START_S),
        "iat": int(START_S),
        "exp": int(START_S) + 3_600,
        "email": "ana@example.com",
        "email_verified": True,
        "custom:account_id": "acct-1",
    }


def test_an_access_token_says_what_it_is_good_for(cognito: Driver) -> None:
    pool = cognito.pool(Schema=[ACCOUNT])
    client = cognito.client(pool)
    cognito.user(pool, **{"email": "ana@example.com", "custom:account_id": "acct-1"})
    tokens = cognito.sign_in(client)
    said, of_id = claims(tokens["AccessToken"]), claims(tokens["IdToken"])
    assert (said.pop("event_id"), said.pop("origin_jti")) == (of_id["event_id"], of_id["origin_jti"])
    assert said.pop("jti") != of_id["jti"]
    assert said == {
        "sub": of_id["sub"],
        "iss": of_id["iss"],
        "client_id": client,
        "username": "ana",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": int(START_S),
        "iat": int(START_S),
        "exp": int(START_S) + 3_600,
    }


def test_groups_are_in_both_tokens_by_precedence_with_their_roles(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool)
    role = "arn:aws:iam::123456789012:role/"
    cognito("CreateGroup", UserPoolId=pool, GroupName="riders", Precedence=5, RoleArn=role + "rider")
    cognito("CreateGroup", UserPoolId=pool, GroupName="admins", Precedence=1, RoleArn=role + "admin")
    cognito("CreateGroup", UserPoolId=pool, GroupName="a-rest")
    for group in ("a-rest", "riders", "admins"):
        cognito("AdminAddUserToGroup", UserPoolId=pool, Username="ana", GroupName=group)
    tokens = cognito.sign_in(client)
    of_id, of_access = claims(tokens["IdToken"]), claims(tokens["AccessToken"])
    assert of_id["cognito:groups"] == of_access["cognito:groups"] == ["admins", "riders", "a-rest"]
    assert of_id["cognito:roles"] == [role + "admin", role + "rider"]
    assert of_id["cognito:preferred_role"] == role + "admin"
    assert "cognito:roles" not in of_access
    cognito("DeleteGroup", UserPoolId=pool, GroupName="admins")
    assert claims(cognito.sign_in(client)["IdToken"])["cognito:groups"] == ["riders", "a-rest"]


def test_refreshed_tokens_are_of_the_first_sign_in_and_show_what_changed(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool, name="Ana")
    first = cognito.sign_in(client)
    cognito.advance(600)
    cognito(
        "AdminUpdateUserAttributes",
        UserPoolId=pool,
        Username="ana",
        UserAttributes=[{"Name": "name", "Value": "Ana B."}],
    )
    answer = cognito("InitiateAuth", **refresh_auth(client, first["RefreshToken"]))["AuthenticationResult"]
    before, after = claims(first["IdToken"]), claims(answer["IdToken"])
    assert (after["origin_jti"], after["auth_time"]) == (before["origin_jti"], before["auth_time"])
    assert (after["iat"], after["name"]) == (int(START_S) + 600, "Ana B.")


@pytest.mark.parametrize(
    ("members", "id_s", "access_s"),
    [
        ({}, 3_600, 3_600),
        ({"IdTokenValidity": 2, "AccessTokenValidity": 3}, 7_200, 10_800),
        (
            {
                "IdTokenValidity": 5,
                "AccessTokenValidity": 600,
                "TokenValidityUnits": {"IdToken": "minutes", "AccessToken": "seconds"},
            },
            300,
            600,
        ),
        ({"IdTokenValidity": 1, "TokenValidityUnits": {"IdToken": "days"}}, 86_400, 3_600),
    ],
)
def test_tokens_are_good_for_as_long_as_the_client_says(
    cognito: Driver, members: Any, id_s: int, access_s: int
) -> None:
    pool = cognito.pool()
    client = cognito.client(pool, **members)
    cognito.user(pool)
    tokens = cognito.sign_in(client)
    assert claims(tokens["IdToken"])["exp"] - int(START_S) == id_s
    assert claims(tokens["AccessToken"])["exp"] - int(START_S) == tokens["ExpiresIn"] == access_s
    cognito.advance(access_s - 1)
    assert cognito("GetUser", AccessToken=tokens["AccessToken"])
    cognito.advance(1)
    assert "expired" in cognito.fails("GetUser", AccessToken=tokens["AccessToken"]).message


@pytest.mark.parametrize(
    "members",
    [
        {"IdTokenValidity": 4, "TokenValidityUnits": {"IdToken": "minutes"}},
        {"AccessTokenValidity": 25},
        {"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}},
        {"RefreshTokenValidity": 3_651},
        {"AuthSessionValidity": 2},
        {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]},
        {"ReadAttributes": ["custom:nothing"]},
        {"WriteAttributes": ["email_verified"]},
    ],
)
def test_clients_that_aws_refuses_are_refused(cognito: Driver, members: Any) -> None:
    made = {"UserPoolId": cognito.pool(), "ClientName": "app", **members}
    assert cognito.fails("CreateUserPoolClient", **made).code == "InvalidParameterException"


def test_a_client_sees_only_the_attributes_it_may_read(cognito: Driver) -> None:
    pool = cognito.pool(Schema=[ACCOUNT])
    client = cognito.client(pool, ReadAttributes=["email"])
    cognito.user(pool, **{"email": "ana@example.com", "name": "Ana", "custom:account_id": "acct-1"})
    tokens = cognito.sign_in(client)
    said = claims(tokens["IdToken"])
    assert said["email"] == "ana@example.com"
    assert not {"name", "custom:account_id"} & said.keys()
    shown = cognito("GetUser", AccessToken=tokens["AccessToken"])["UserAttributes"]
    assert [item["Name"] for item in shown] == ["sub", "email"]


def test_each_pool_signs_with_its_own_keys(cognito: Driver) -> None:
    pools = [cognito.pool(), cognito.pool()]
    tokens = []
    for pool in pools:
        cognito.user(pool)
        tokens.append(cognito.sign_in(cognito.client(pool)))
    for pool, issued in zip(pools, tokens, strict=True):
        for token in (issued["IdToken"], issued["AccessToken"]):
            assert header(token)["alg"] == "RS256"
            jwt.decode(token, keys_of(cognito, pool), algorithms=["RS256"])
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(tokens[0]["IdToken"], keys_of(cognito, pools[1]), algorithms=["RS256"])
    kids = {header(issued[name])["kid"] for issued in tokens for name in ("IdToken", "AccessToken")}
    assert len(kids) == 4


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_forged_access_tokens_are_refused(cognito: Driver) -> None:
    pool, other_pool = cognito.pool(), cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool)
    cognito.user(other_pool)
    tokens = cognito.sign_in(client)
    good = tokens["AccessToken"]
    head, body, signature = good.split(".")
    said = claims(good)
    thief = jwk.RSAKey.generate_key(2048)
    published = keys_of(cognito, pool).as_dict()["keys"]
    shared = jwk.OctKey.import_key(base64.b64decode("AAAA") + json.dumps(published[1]).encode())
    others = cognito.sign_in(cognito.client(other_pool))["AccessToken"]
    forged = {
        "alg none": f"{encoded({**header(good), 'alg': 'none'})}.{body}.",
        "alg none, signed": f"{encoded({'alg': 'none'})}.{body}.{signature}",
        "another key under the same kid": jwt.encode(header(good), said, thief),
        "a key in the header": jwt.encode({"alg": "RS256", "jwk": thief.as_dict(private=False)}, said, thief),
        "the public key as an HMAC secret": jwt.encode({**header(good), "alg": "HS256"}, said, shared),
        "changed claims": f"{head}.{encoded({**said, 'username': 'root'})}.{signature}",
        "another pool's, renamed": "{}.{}.{}".format(
            others.split(".")[0], encoded({**claims(others), "iss": said["iss"]}), others.split(".")[2]
        ),
        "another issuer": f"{head}.{encoded({**said, 'iss': 'https://evil.example/x'})}.{signature}",
        "no issuer": f"{head}.{encoded({'sub': said['sub']})}.{signature}",
        "an issuer that is a list": f"{head}.{encoded({'iss': [1]})}.{signature}",
        "claims that are a list": f"{head}.{encoded([1])}.{signature}",
        "no signature": f"{head}.{body}.",
        "the ID token": tokens["IdToken"],
        "the refresh token": tokens["RefreshToken"],
        "nothing like it": "abc",
        "two parts": f"{head}.{body}",
        "too long": f"{head}.{body}.{'A' * 20_000}",
    }
    for name, token in forged.items():
        for operation, more in (("GetUser", {}), ("GlobalSignOut", {}), ("DeleteUser", {})):
            refused = cognito.fails(operation, AccessToken=token, **more)
            assert refused.code in ("NotAuthorizedException", "InvalidParameterException"), name
    assert cognito("GetUser", AccessToken=good)["Username"] == "ana"


def test_a_deleted_users_token_is_not_its_successors(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool)
    token = cognito.sign_in(client)
    cognito("AdminDeleteUser", UserPoolId=pool, Username="ana")
    cognito.user(pool)
    assert cognito.fails("GetUser", AccessToken=token["AccessToken"]).code == "UserNotFoundException"
    assert cognito.fails("InitiateAuth", **refresh_auth(client, token["RefreshToken"])).code == (
        "NotAuthorizedException"
    )


def test_tokens_die_with_their_client_their_pool_and_the_users_ban(cognito: Driver) -> None:
    pool = cognito.pool()
    client, other = cognito.client(pool), cognito.client(pool)
    cognito.user(pool)
    first, second = cognito.sign_in(client)["AccessToken"], cognito.sign_in(other)["AccessToken"]
    cognito("DeleteUserPoolClient", UserPoolId=pool, ClientId=client)
    assert cognito.fails("GetUser", AccessToken=first).code == "NotAuthorizedException"
    assert cognito("GetUser", AccessToken=second)
    cognito("AdminDisableUser", UserPoolId=pool, Username="ana")
    cognito("AdminEnableUser", UserPoolId=pool, Username="ana")
    assert cognito.fails("GetUser", AccessToken=second).message == "Access Token has been revoked"
    third = cognito.sign_in(other)["AccessToken"]
    cognito("DeleteUserPool", UserPoolId=pool)
    assert cognito.fails("GetUser", AccessToken=third).message == "Invalid Access Token"


def test_an_oversized_request_is_refused_before_it_is_read(cognito: Driver) -> None:
    body = b'{"AccessToken": "' + b"a" * 1_048_576 + b'"}'
    request = AwsRequest("POST", "/", "", {}, body, CallContext())
    with pytest.raises(Exception, match="too large") as caught:
        cognito.service.answer("GetUser", request.body, request.context)
    assert caught.value.status == 413  # type: ignore[attr-defined]
