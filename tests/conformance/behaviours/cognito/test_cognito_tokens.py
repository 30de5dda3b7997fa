"""Cognito user pools: tokens and what they claim, users and their attributes."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import jwt

from tests.conformance.behaviours.cognito.user_pools import (
    ACCESS_TOKEN,
    FLOWS,
    FLOWS_GUIDE,
    ID_TOKEN,
    PASSWORD,
    READ,
    REFRESH,
    SERVICE,
    Pool,
    claims,
    created,
    guide,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import Cleanup, refusing
from tests.conformance.targets import Aws

# --- tokens ------------------------------------------------------------------------------------------------


@behaviour(
    "cognito.id-token-claims",
    "An ID token says who the user is, for which client, by which pool, and for an hour.",
    ID_TOKEN,
)
def test_id_token(aws: Aws, cleanup: Cleanup) -> None:
    schema = [{"Name": "plan", "AttributeDataType": "String", "Mutable": True}]
    pool = created(aws, cleanup, Schema=schema)
    pool.user(email="ana@example.com", email_verified="true", **{"custom:plan": "gold"})
    said = claims(pool.tokens()["IdToken"])
    assert (said["token_use"], said["aud"], said["cognito:username"]) == ("id", pool.client_id, "ana")
    assert said["iss"].endswith(f"/{pool.id}")
    assert (said["email"], said["email_verified"], said["custom:plan"]) == ("ana@example.com", True, "gold")
    assert len(said["sub"]) == 36
    assert said["exp"] - said["iat"] == 3600
    assert said["iat"] - said["auth_time"] in (0, 1)


@behaviour(
    "cognito.access-token-claims",
    "An access token says the user name, the client and the scope of the user's own data, no audience.",
    ACCESS_TOKEN,
)
def test_access_token(pool: Pool) -> None:
    pool.user()
    tokens = pool.tokens()
    said = claims(tokens["AccessToken"])
    assert (said["token_use"], said["client_id"], said["username"]) == ("access", pool.client_id, "ana")
    assert said["scope"] == "aws.cognito.signin.user.admin"
    assert said["sub"] == claims(tokens["IdToken"])["sub"]
    assert "aud" not in said


@behaviour(
    "cognito.tokens-are-verified-by-the-pools-keys",
    "Tokens are signed by RS256 with one of the keys that the pool publishes as a JWKS.",
    guide("Verifying JSON web tokens", "amazon-cognito-user-pools-using-tokens-verifying-a-jwt"),
)
def test_jwks(pool: Pool) -> None:
    pool.user()
    tokens = pool.tokens()
    with urllib.request.urlopen(f"{pool.aws.url}/{pool.id}/.well-known/jwks.json", timeout=10) as answer:
        keys = {key["kid"]: key for key in json.load(answer)["keys"]}
    for name in ("IdToken", "AccessToken"):
        header = jwt.get_unverified_header(tokens[name])
        assert header["alg"] == "RS256"
        key = jwt.PyJWK(keys[header["kid"]])
        jwt.decode(tokens[name], key, algorithms=["RS256"], options={"verify_aud": False})


@behaviour(
    "cognito.groups-are-claimed",
    "A user's groups are in both tokens.",
    guide("Adding groups to a user pool", "cognito-user-pools-user-groups"),
)
def test_groups(pool: Pool) -> None:
    pool.user()
    for group in ("drivers", "admins"):
        pool.idp.create_group(UserPoolId=pool.id, GroupName=group)
        pool.idp.admin_add_user_to_group(UserPoolId=pool.id, Username="ana", GroupName=group)
    tokens = pool.tokens()
    for name in ("IdToken", "AccessToken"):
        assert sorted(claims(tokens[name])["cognito:groups"]) == ["admins", "drivers"]


@behaviour(
    "cognito.clients-set-how-long-tokens-last",
    "Tokens last as long as the app client says.",
    reference(SERVICE, "CreateUserPoolClient", "The access token time limit", read=READ),
)
def test_validity(aws: Aws, cleanup: Cleanup) -> None:
    validity = {
        "AccessTokenValidity": 10,
        "IdTokenValidity": 2,
        "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "hours"},
    }
    pool = created(aws, cleanup, validity)
    pool.user()
    tokens = pool.sign_in()["AuthenticationResult"]
    access, id_ = claims(tokens["AccessToken"]), claims(tokens["IdToken"])
    assert (access["exp"] - access["iat"], id_["exp"] - id_["iat"]) == (600, 7200)
    assert tokens["ExpiresIn"] == 600


@behaviour(
    "cognito.refreshing-gives-new-tokens",
    "A refresh token gives new ID and access tokens of the same sign-in, and stays good itself.",
    REFRESH,
)
def test_refresh(pool: Pool) -> None:
    pool.user()
    first = pool.tokens()
    time.sleep(1.1)  # tokens count in whole seconds
    for _ in range(2):
        fresh = pool.refresh(first["RefreshToken"])
        assert "RefreshToken" not in fresh
        old, new = claims(first["AccessToken"]), claims(fresh["AccessToken"])
        assert (new["sub"], new["auth_time"]) == (old["sub"], old["auth_time"])
        assert new["jti"] != old["jti"]


@behaviour(
    "cognito.revoked-tokens-are-refused",
    "A revoked refresh token is refused, and so is one of a user who was signed out everywhere.",
    guide("Ending user sessions with token revocation", "token-revocation"),
)
def test_revoke(pool: Pool) -> None:
    pool.user()
    first, second = pool.tokens(), pool.tokens()
    pool.idp.revoke_token(Token=first["RefreshToken"], ClientId=pool.client_id)
    with refusing("NotAuthorizedException", status=400):
        pool.refresh(first["RefreshToken"])
    assert pool.refresh(second["RefreshToken"])["AccessToken"]
    pool.idp.global_sign_out(AccessToken=second["AccessToken"])
    with refusing("NotAuthorizedException", status=400):
        pool.refresh(second["RefreshToken"])


@behaviour(
    "cognito.spoilt-tokens-are-refused",
    "An access token shows its user's attributes; one that was changed, or an ID token, is refused.",
    reference(
        SERVICE,
        "GetUser",
        "Gets user attributes and and MFA settings for the currently signed-in user",
        read=READ,
    ),
)
def test_get_user(pool: Pool) -> None:
    pool.user(email="ana@example.com")
    tokens = pool.tokens()
    told = pool.idp.get_user(AccessToken=tokens["AccessToken"])
    attributes = {each["Name"]: each["Value"] for each in told["UserAttributes"]}
    assert (told["Username"], attributes["email"]) == ("ana", "ana@example.com")
    head, body, signature = tokens["AccessToken"].split(".")
    spoilt = f"{head}.{body}.{signature[:-8]}AAAAAAAA"
    for token in (spoilt, tokens["IdToken"], "no.token"):
        with refusing("NotAuthorizedException", status=400):
            pool.idp.get_user(AccessToken=token)


@behaviour(
    "cognito.everything-of-a-sign-in-has-its-origin",
    "The tokens of one sign-in share an origin_jti, over refreshes too; another sign-in has another.",
    ACCESS_TOKEN,
)
def test_origin(pool: Pool) -> None:
    pool.user()
    first, second = pool.tokens(), pool.tokens()
    fresh = pool.refresh(first["RefreshToken"])
    origins = {
        claims(token)["origin_jti"]
        for token in (first["IdToken"], first["AccessToken"], fresh["AccessToken"])
    }
    assert len(origins) == 1
    assert claims(second["AccessToken"])["origin_jti"] not in origins


# --- users and pools ---------------------------------------------------------------------------------------


@behaviour(
    "cognito.users-change-their-passwords",
    "A signed-in user changes the password, by the old one only.",
    reference(SERVICE, "ChangePassword", "Changes the password for the currently signed-in user", read=READ),
)
def test_change_password(pool: Pool) -> None:
    pool.user()
    access = pool.tokens()["AccessToken"]
    change = {"AccessToken": access, "ProposedPassword": "Another-Horse-2"}
    with refusing("NotAuthorizedException", status=400):
        pool.idp.change_password(**change, PreviousPassword="Wrong-Horse-1")
    pool.idp.change_password(**change, PreviousPassword=PASSWORD)
    assert pool.sign_in(password="Another-Horse-2")["AuthenticationResult"]
    with refusing("NotAuthorizedException", status=400):
        pool.sign_in()


@behaviour(
    "cognito.users-update-their-attributes",
    "A signed-in user changes attributes, and the next ID token has the new values.",
    reference(
        SERVICE, "UpdateUserAttributes", "Updates the currently signed-in user's attributes", read=READ
    ),
)
def test_update_attributes(pool: Pool) -> None:
    pool.user(given_name="Ana")
    access = pool.tokens()["AccessToken"]
    changed = [{"Name": "given_name", "Value": "Anna"}]
    pool.idp.update_user_attributes(AccessToken=access, UserAttributes=changed)
    assert claims(pool.tokens()["IdToken"])["given_name"] == "Anna"


@behaviour(
    "cognito.administrators-sign-users-in",
    "AdminInitiateAuth signs a user in by password where the client allows it, and not without that.",
    FLOWS_GUIDE,
)
def test_admin_sign_in(aws: Aws, cleanup: Cleanup) -> None:
    def sign_in(pool: Pool) -> dict[str, Any]:
        answer: dict[str, Any] = pool.idp.admin_initiate_auth(
            UserPoolId=pool.id,
            ClientId=pool.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ana", "PASSWORD": PASSWORD},
        )
        return answer

    open_ = created(aws, cleanup, {"ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH", *FLOWS]})
    open_.user()
    assert sign_in(open_)["AuthenticationResult"]["IdToken"]
    closed = created(aws, cleanup)
    closed.user()
    with refusing("InvalidParameterException", status=400):
        sign_in(closed)


@behaviour(
    "cognito.names-do-not-mind-their-case",
    "Where names do not mind their case, a user signs in by any spelling, and every one is taken.",
    reference(
        SERVICE, "UsernameConfigurationType", "Specifies whether user name case sensitivity", read=READ
    ),
)
def test_case(aws: Aws, cleanup: Cleanup) -> None:
    pool = created(aws, cleanup, UsernameConfiguration={"CaseSensitive": False})
    pool.user("Ana")
    assert pool.tokens("aNA")["IdToken"]
    with refusing("UsernameExistsException", status=400):
        pool.idp.sign_up(ClientId=pool.client_id, Username="ANA", Password=PASSWORD)


@behaviour(
    "cognito.attributes-are-of-the-schema",
    "An attribute that the pool's schema does not have is refused with InvalidParameterException.",
    guide("Working with user attributes", "user-pool-settings-attributes"),
)
def test_schema(pool: Pool) -> None:
    with refusing("InvalidParameterException", status=400):
        pool.user(**{"custom:unknown": "x"})


@behaviour(
    "cognito.users-are-found-by-attributes",
    "ListUsers finds users by an exact attribute or by its beginning.",
    reference(SERVICE, "ListUsers", 'For a prefix ("starts with") match, use ^=', read=READ),
)
def test_list_users(pool: Pool) -> None:
    for name in ("ana", "anton", "bob"):
        pool.user(name, email=f"{name}@example.com")

    def found(filter_: str) -> list[str]:
        listed = pool.idp.list_users(UserPoolId=pool.id, Filter=filter_)["Users"]
        return sorted(user["Username"] for user in listed)

    assert found('email = "bob@example.com"') == ["bob"]
    assert found('username ^= "an"') == ["ana", "anton"]


@behaviour(
    "cognito.what-is-not-there",
    "A pool or a client that does not exist is refused with ResourceNotFoundException, a user with"
    " UserNotFoundException.",
    reference(SERVICE, "AdminGetUser", "can't find the requested resource", read=READ),
)
def test_missing(pool: Pool) -> None:
    with refusing("UserNotFoundException", status=400):
        pool.idp.admin_get_user(UserPoolId=pool.id, Username="nobody")
    with refusing("ResourceNotFoundException", status=400):
        pool.idp.describe_user_pool(UserPoolId="us-east-1_missing00")
    with refusing("ResourceNotFoundException", status=400):
        pool.idp.sign_up(ClientId="0" * 26, Username="ana", Password=PASSWORD)
