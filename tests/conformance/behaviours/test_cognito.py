"""Cognito user pools: sign-up, sign-in, tokens and what they claim, groups, refusals."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from pycognito.aws_srp import AWSSRP

from tests.conformance.catalogue import behaviour, documented, reference
from tests.conformance.kit import Cleanup, refusing
from tests.conformance.targets import Aws

READ = "2026-11-24"
PASSWORD = "Correct-Horse-1"
FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
SERVICE = "cognito-idp"


def guide(title: str, page: str) -> Any:
    address = f"cognito/latest/developerguide/{page}.html"
    return documented(f"Cognito Developer Guide, {title}", address, read=READ)


ID_TOKEN = guide("Understanding the identity (ID) token", "amazon-cognito-user-pools-using-the-id-token")
ACCESS_TOKEN = guide("Understanding the access token", "amazon-cognito-user-pools-using-the-access-token")
REFRESH = guide("Refresh tokens", "amazon-cognito-user-pools-using-the-refresh-token")
FLOWS_GUIDE = guide("Authentication flows", "amazon-cognito-user-pools-authentication-flow-methods")


@dataclass(frozen=True)
class Pool:
    """A user pool of a case's own, with an app client."""

    aws: Aws
    idp: Any
    id: str
    client_id: str

    def user(self, name: str = "ana", password: str = PASSWORD, **attributes: str) -> str:
        """A new, confirmed user; the name."""
        told = [{"Name": key, "Value": value} for key, value in attributes.items()]
        self.idp.admin_create_user(
            UserPoolId=self.id, Username=name, UserAttributes=told, MessageAction="SUPPRESS"
        )
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=name, Password=password, Permanent=True)
        return name

    def sign_in(self, name: str = "ana", password: str = PASSWORD, **more: str) -> dict[str, Any]:
        """What InitiateAuth answers by USER_PASSWORD_AUTH."""
        answer: dict[str, Any] = self.idp.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password, **more},
        )
        return answer

    def tokens(self, name: str = "ana") -> dict[str, str]:
        found: dict[str, str] = self.sign_in(name)["AuthenticationResult"]
        return found

    def refresh(self, token: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.idp.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )["AuthenticationResult"]
        return answer


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def created(aws: Aws, cleanup: Cleanup, client: dict[str, Any] | None = None, **pool: Any) -> Pool:
    idp = aws.client(SERVICE)
    id_ = idp.create_user_pool(PoolName=aws.name("pool"), **pool)["UserPool"]["Id"]
    cleanup.add(idp.delete_user_pool, UserPoolId=id_)
    asked = {"ClientName": "app", "ExplicitAuthFlows": FLOWS, **(client or {})}
    client_id = idp.create_user_pool_client(UserPoolId=id_, **asked)["UserPoolClient"]["ClientId"]
    return Pool(aws, idp, id_, client_id)


@pytest.fixture
def pool(aws: Aws, cleanup: Cleanup) -> Pool:
    return created(aws, cleanup)


# --- signing in --------------------------------------------------------------------------------------------


@behaviour(
    "cognito.signs-in-by-srp",
    "A user signs in by the secure remote password protocol, and gets an ID, an access and a refresh token.",
    FLOWS_GUIDE,
)
def test_srp(pool: Pool) -> None:
    pool.user()
    tokens = AWSSRP("ana", PASSWORD, pool.id, pool.client_id, client=pool.idp).authenticate_user()
    result = tokens["AuthenticationResult"]
    assert {"IdToken", "AccessToken", "RefreshToken"} <= set(result)
    assert (result["TokenType"], result["ExpiresIn"]) == ("Bearer", 3600)
    assert claims(result["IdToken"])["cognito:username"] == "ana"


@behaviour(
    "cognito.srp-refuses-a-wrong-password",
    "By SRP a wrong password is refused with NotAuthorizedException at the challenge's answer.",
    reference(
        SERVICE, "RespondToAuthChallenge", "exception is thrown when a user isn't authorized", read=READ
    ),
)
def test_srp_wrong(pool: Pool) -> None:
    pool.user()
    with refusing("NotAuthorizedException", saying="Incorrect username or password", status=400):
        AWSSRP("ana", "Wrong-Horse-1", pool.id, pool.client_id, client=pool.idp).authenticate_user()


@behaviour(
    "cognito.signs-in-by-password",
    "A user signs in by user name and password where the client allows it; a wrong password is refused.",
    FLOWS_GUIDE,
)
def test_password(pool: Pool) -> None:
    pool.user()
    assert pool.tokens()["AccessToken"]
    with refusing("NotAuthorizedException", saying="Incorrect username or password", status=400):
        pool.sign_in(password="Wrong-Horse-1")


@behaviour(
    "cognito.flows-are-allowed-by-the-client",
    "A flow that the app client does not allow is refused with InvalidParameterException.",
    reference(
        SERVICE,
        "CreateUserPoolClient",
        "The authentication flows that you want your user pool client",
        read=READ,
    ),
)
def test_flows(aws: Aws, cleanup: Cleanup) -> None:
    pool = created(aws, cleanup, {"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]})
    pool.user()
    with refusing("InvalidParameterException", status=400):
        pool.sign_in()


@behaviour(
    "cognito.unknown-users-look-like-wrong-passwords",
    "Where user existence errors are prevented, an unknown user is refused as one with a wrong password is;"
    " else with UserNotFoundException.",
    guide("Managing user existence error responses", "cognito-user-pool-managing-errors"),
)
def test_user_existence(aws: Aws, cleanup: Cleanup) -> None:
    silent = created(aws, cleanup, {"PreventUserExistenceErrors": "ENABLED"})
    with refusing("NotAuthorizedException", saying="Incorrect username or password", status=400):
        silent.sign_in("nobody")
    open_ = created(aws, cleanup, {"PreventUserExistenceErrors": "LEGACY"})
    with refusing("UserNotFoundException", status=400):
        open_.sign_in("nobody")


@behaviour(
    "cognito.first-password-is-changed",
    "A user made by an administrator must set a new password at the first sign-in: NEW_PASSWORD_REQUIRED.",
    reference(SERVICE, "AdminCreateUser", "FORCE_CHANGE_PASSWORD state", read=READ),
)
def test_new_password(pool: Pool) -> None:
    made = pool.idp.admin_create_user(
        UserPoolId=pool.id, Username="ana", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )["User"]
    assert made["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    challenge = pool.sign_in()
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answer = pool.idp.respond_to_auth_challenge(
        ClientId=pool.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=challenge["Session"],
        ChallengeResponses={"USERNAME": "ana", "NEW_PASSWORD": "Another-Horse-2"},
    )
    assert answer["AuthenticationResult"]["IdToken"]
    assert pool.sign_in(password="Another-Horse-2")["AuthenticationResult"]["IdToken"]


@behaviour(
    "cognito.disabled-users-are-refused",
    "A disabled user is refused with NotAuthorizedException, and signs in again once enabled.",
    reference(SERVICE, "AdminDisableUser", "user can't sign in", read=READ),
)
def test_disabled(pool: Pool) -> None:
    pool.user()
    pool.idp.admin_disable_user(UserPoolId=pool.id, Username="ana")
    with refusing("NotAuthorizedException", saying="disabled", status=400):
        pool.sign_in()
    pool.idp.admin_enable_user(UserPoolId=pool.id, Username="ana")
    assert pool.tokens()


@behaviour(
    "cognito.client-secret-must-be-proved",
    "A client with a secret takes requests with the right secret hash only.",
    guide("Computing secret hash values", "signing-up-users-in-your-app"),
)
def test_secret_hash(aws: Aws, cleanup: Cleanup) -> None:
    pool = created(aws, cleanup, {"GenerateSecret": True})
    pool.user()
    described = pool.idp.describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.client_id)
    secret = described["UserPoolClient"]["ClientSecret"]
    digest = hmac.digest(secret.encode(), ("ana" + pool.client_id).encode(), "sha256")
    right = base64.b64encode(digest).decode()
    for wrong in ({}, {"SECRET_HASH": base64.b64encode(hashlib.sha256(b"x").digest()).decode()}):
        with refusing("NotAuthorizedException", status=400):
            pool.sign_in(**wrong)
    assert pool.sign_in(SECRET_HASH=right)["AuthenticationResult"]["IdToken"]


@behaviour(
    "cognito.software-tokens",
    "A user with a software token is asked for a code of it after the password, and a wrong one is refused.",
    guide("TOTP software token MFA", "user-pool-settings-mfa-totp"),
)
def test_totp(pool: Pool) -> None:
    pool.idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="OPTIONAL",
    )
    pool.user()
    access = pool.tokens()["AccessToken"]
    secret = pool.idp.associate_software_token(AccessToken=access)["SecretCode"]
    verified = pool.idp.verify_software_token(AccessToken=access, UserCode=code_of(secret))
    assert verified["Status"] == "SUCCESS"
    pool.idp.set_user_mfa_preference(
        AccessToken=access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    challenge = pool.sign_in()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    asked = {
        "ClientId": pool.client_id,
        "ChallengeName": "SOFTWARE_TOKEN_MFA",
        "Session": challenge["Session"],
    }
    right = {code_of(secret, steps) for steps in range(-3, 4)}
    wrong = next(code for code in map(str, range(100_000, 200_000)) if code not in right)
    with refusing("CodeMismatchException", status=400):
        answers = {"USERNAME": "ana", "SOFTWARE_TOKEN_MFA_CODE": wrong}
        pool.idp.respond_to_auth_challenge(**asked, ChallengeResponses=answers)


def code_of(secret: str, steps: int = 0) -> str:
    """The code of a software token now, or so many half minutes from now (RFC 6238)."""
    counter = int(time.time() // 30) + steps
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), counter.to_bytes(8), "sha1")
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


# --- signing up --------------------------------------------------------------------------------------------


@behaviour(
    "cognito.signed-up-users-must-be-confirmed",
    "Who signed up is unconfirmed, cannot sign in (UserNotConfirmedException), and can once confirmed.",
    guide("Signing up and confirming user accounts", "signing-up-users-in-your-app"),
)
def test_sign_up(pool: Pool) -> None:
    signed_up = pool.idp.sign_up(ClientId=pool.client_id, Username="ana", Password=PASSWORD)
    assert signed_up["UserConfirmed"] is False
    with refusing("UserNotConfirmedException", status=400):
        pool.sign_in()
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="ana")
    assert claims(pool.tokens()["IdToken"])["sub"] == signed_up["UserSub"]


@behaviour(
    "cognito.names-are-unique",
    "Signing up with a name that is taken is refused with UsernameExistsException.",
    reference(SERVICE, "SignUp", "encounters a user name that already exists", read=READ),
)
def test_username_exists(pool: Pool) -> None:
    pool.user()
    with refusing("UsernameExistsException", status=400):
        pool.idp.sign_up(ClientId=pool.client_id, Username="ana", Password=PASSWORD)


@behaviour(
    "cognito.passwords-keep-to-the-policy",
    "A password that breaks the pool's policy is refused with InvalidPasswordException.",
    reference(SERVICE, "SignUp", "encounters an invalid password", read=READ),
)
def test_password_policy(pool: Pool) -> None:
    for password in ("Short-1", "no-upper-case-1", "NO-LOWER-CASE-1", "No-Digits-At-All", "NoSymbols123"):
        with refusing("InvalidPasswordException", status=400):
            pool.idp.sign_up(ClientId=pool.client_id, Username="ana", Password=password)


@behaviour(
    "cognito.wrong-codes-are-refused",
    "A confirmation with a wrong code is refused with CodeMismatchException.",
    reference(
        SERVICE, "ConfirmSignUp", "provided code doesn't match what the server was expecting", read=READ
    ),
)
def test_wrong_code(aws: Aws, cleanup: Cleanup) -> None:
    pool = created(aws, cleanup, AutoVerifiedAttributes=["email"])
    email = [{"Name": "email", "Value": "ana@example.com"}]
    pool.idp.sign_up(ClientId=pool.client_id, Username="ana", Password=PASSWORD, UserAttributes=email)
    with refusing("CodeMismatchException", status=400):
        pool.idp.confirm_sign_up(ClientId=pool.client_id, Username="ana", ConfirmationCode="000000")


@behaviour(
    "cognito.email-as-user-name",
    "Where the user name is an address, users sign up and in by it, and their name is their sub.",
    guide("User pool attributes, Customizing sign-in attributes", "user-pool-settings-attributes"),
)
def test_email_name(aws: Aws, cleanup: Cleanup) -> None:
    pool = created(aws, cleanup, UsernameAttributes=["email"])
    pool.idp.sign_up(ClientId=pool.client_id, Username="ana@example.com", Password=PASSWORD)
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="ana@example.com")
    said = claims(pool.tokens("ana@example.com")["IdToken"])
    assert (said["cognito:username"], said["email"]) == (said["sub"], "ana@example.com")


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
