"""Cognito user pools: signing up and in, and who is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

from pycognito.aws_srp import AWSSRP

from tests.conformance.behaviours.cognito.user_pools import (
    FLOWS_GUIDE,
    PASSWORD,
    READ,
    SERVICE,
    Pool,
    claims,
    created,
    guide,
)
from tests.conformance.catalogue import behaviour, reference
from tests.conformance.kit import Cleanup, refusing
from tests.conformance.targets import Aws

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
