"""Signing in by password, forced changes, lockout, refreshing, revoking."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.services.base import AwsError
from harness.emulator.services.cognito.clients import secret_hash

from .conftest import PASSWORD, Driver, password_auth, refresh_auth

DAY_S = 86_400
REVOKED = ("NotAuthorizedException", "Access Token has been revoked")


@pytest.fixture
def pool(cognito: Driver) -> str:
    pool = cognito.pool()
    cognito.user(pool)
    return pool


@pytest.fixture
def client(cognito: Driver, pool: str) -> str:
    return cognito.client(pool)


def why(error: Any) -> tuple[str, str]:
    return error.code, error.message


def test_a_wrong_password_an_unknown_and_a_disabled_user_are_refused(
    cognito: Driver, pool: str, client: str
) -> None:
    assert why(cognito.fails("InitiateAuth", **password_auth(client, password="Wrong-Horse-1"))) == (
        *("NotAuthorizedException", "Incorrect username or password."),
    )
    assert why(cognito.fails("InitiateAuth", **password_auth(client, "nobody"))) == (
        *("UserNotFoundException", "User does not exist."),
    )
    cognito("AdminDisableUser", UserPoolId=pool, Username="ana")
    assert why(cognito.fails("InitiateAuth", **password_auth(client))) == (
        *("NotAuthorizedException", "User is disabled."),
    )
    cognito("AdminEnableUser", UserPoolId=pool, Username="ana")
    assert cognito.sign_in(client)


def test_only_the_flows_of_the_client_are_open(cognito: Driver, pool: str) -> None:
    default = cognito("CreateUserPoolClient", UserPoolId=pool, ClientName="d")["UserPoolClient"]["ClientId"]
    assert why(cognito.fails("InitiateAuth", **password_auth(default))) == (
        *("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"),
    )
    only_password = cognito.client(pool, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
    token = cognito.sign_in(only_password)["RefreshToken"]
    assert cognito.fails("InitiateAuth", **refresh_auth(only_password, token)).code == (
        "InvalidParameterException"
    )
    srp = {"ClientId": only_password, "AuthFlow": "USER_SRP_AUTH"}
    srp["AuthParameters"] = {"USERNAME": "ana", "SRP_A": "2"}  # type: ignore[assignment]
    assert "USER_SRP_AUTH is not enabled" in cognito.fails("InitiateAuth", **srp).message
    admin = {**password_auth(only_password), "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}
    assert cognito.fails("InitiateAuth", **admin).message == "Initiate Auth method not supported."
    assert "not enabled" in cognito.fails("AdminInitiateAuth", UserPoolId=pool, **admin).message
    old = cognito.client(pool, ExplicitAuthFlows=["USER_PASSWORD_AUTH"])
    assert cognito.sign_in(old)
    for flow in ("CUSTOM_AUTH", "USER_AUTH"):
        refused = cognito.fails("InitiateAuth", **{**password_auth(old), "AuthFlow": flow})
        assert (refused.status, flow in refused.message) == (501, True)


def test_administrators_sign_users_in(cognito: Driver, pool: str, client: str) -> None:
    asked = {**password_auth(client), "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "UserPoolId": pool}
    assert "IdToken" in cognito("AdminInitiateAuth", **asked)["AuthenticationResult"]
    other = cognito.client(cognito.pool())
    assert cognito.fails("AdminInitiateAuth", **{**asked, "ClientId": other}).code == (
        "ResourceNotFoundException"
    )


def test_missing_parameters_are_named(cognito: Driver, client: str) -> None:
    asked = password_auth(client)
    for name in ("USERNAME", "PASSWORD"):
        without = {key: value for key, value in asked["AuthParameters"].items() if key != name}
        refused = cognito.fails("InitiateAuth", **{**asked, "AuthParameters": without})
        assert why(refused) == ("InvalidParameterException", f"Missing required parameter {name}")


def forced(cognito: Driver, pool: str, client: str, **attributes: str) -> Any:
    cognito(
        "AdminCreateUser",
        UserPoolId=pool,
        Username="bo",
        TemporaryPassword="Temp-Horse-1",
        UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
    )
    return cognito("InitiateAuth", **password_auth(client, "bo", "Temp-Horse-1"))


def new_password(client: str, session: str, password: str = "Better-Horse-2", **more: str) -> Any:
    return {
        "ClientId": client,
        "ChallengeName": "NEW_PASSWORD_REQUIRED",
        "Session": session,
        "ChallengeResponses": {"USERNAME": "bo", "NEW_PASSWORD": password, **more},
    }


def test_a_temporary_password_must_be_changed(cognito: Driver, pool: str, client: str) -> None:
    challenge = forced(cognito, pool, client, email="bo@example.com")
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert challenge["ChallengeParameters"]["USER_ID_FOR_SRP"] == "bo"
    assert "bo@example.com" in challenge["ChallengeParameters"]["userAttributes"]
    session = challenge["Session"]
    answer = new_password(client, session, "weak")
    assert cognito.fails("RespondToAuthChallenge", **answer).code == "InvalidPasswordException"
    assert (
        "IdToken"
        in cognito("RespondToAuthChallenge", **new_password(client, session))["AuthenticationResult"]
    )
    used = cognito.fails("RespondToAuthChallenge", **new_password(client, session))
    assert used.code == "NotAuthorizedException"
    assert cognito.sign_in(client, "bo", "Better-Horse-2")
    assert cognito("AdminGetUser", UserPoolId=pool, Username="bo")["UserStatus"] == "CONFIRMED"


def test_a_session_is_for_its_user_its_client_and_three_minutes(
    cognito: Driver, pool: str, client: str
) -> None:
    session = forced(cognito, pool, client)["Session"]
    other = cognito.client(pool)
    for answer in (
        new_password(other, session),
        new_password(client, session, USERNAME="ana"),
        new_password(client, "made-up-by-somebody-else"),
    ):
        assert cognito.fails("RespondToAuthChallenge", **answer).code == "NotAuthorizedException"
    cognito.advance(180)
    assert "expired" in cognito.fails("RespondToAuthChallenge", **new_password(client, session)).message


def test_a_temporary_password_expires_after_a_week(cognito: Driver, pool: str, client: str) -> None:
    forced(cognito, pool, client)
    cognito.advance(7 * DAY_S)
    refused = cognito.fails("InitiateAuth", **password_auth(client, "bo", "Temp-Horse-1"))
    assert "Temporary password has expired" in refused.message
    cognito("AdminCreateUser", UserPoolId=pool, Username="bo", MessageAction="RESEND")
    again = {"UserPoolId": pool, "Username": "ana", "MessageAction": "RESEND"}
    assert cognito.fails("AdminCreateUser", **again).code == "UnsupportedUserStateException"


def test_required_attributes_are_asked_for_at_the_first_sign_in(cognito: Driver) -> None:
    pool = cognito.pool(Schema=[{"Name": "given_name", "Required": True}])
    client = cognito.client(pool)
    challenge = forced(cognito, pool, client)
    assert challenge["ChallengeParameters"]["requiredAttributes"] == '["userAttributes.given_name"]'
    answer = new_password(client, challenge["Session"])
    assert cognito.fails("RespondToAuthChallenge", **answer).code == "InvalidParameterException"
    named = new_password(client, challenge["Session"], **{"userAttributes.given_name": "Bo"})
    assert "IdToken" in cognito("RespondToAuthChallenge", **named)["AuthenticationResult"]


def test_wrong_guesses_lock_out_for_twice_as_long_each_time(cognito: Driver, client: str) -> None:
    wrong = password_auth(client, password="Wrong-Horse-1")
    for _ in range(5):
        assert "Incorrect" in cognito.fails("InitiateAuth", **wrong).message
    for lockout_s in (1, 2, 4):
        assert cognito.fails("InitiateAuth", **password_auth(client)).message == "Password attempts exceeded"
        cognito.advance(lockout_s - 0.01)
        assert cognito.fails("InitiateAuth", **wrong).message == "Password attempts exceeded"
        cognito.advance(0.02)
        assert "Incorrect" in cognito.fails("InitiateAuth", **wrong).message
    cognito.advance(900)
    assert cognito.sign_in(client)
    for _ in range(4):
        assert "Incorrect" in cognito.fails("InitiateAuth", **wrong).message
    assert cognito.sign_in(client)


def test_a_reset_password_is_of_no_use(cognito: Driver, client: str, pool: str) -> None:
    attributes = [{"Name": "email", "Value": "a@example.com"}, {"Name": "email_verified", "Value": "true"}]
    cognito("AdminUpdateUserAttributes", UserPoolId=pool, Username="ana", UserAttributes=attributes)
    cognito("AdminResetUserPassword", UserPoolId=pool, Username="ana")
    assert cognito.fails("InitiateAuth", **password_auth(client)).code == "PasswordResetRequiredException"
    cognito(
        "ConfirmForgotPassword",
        ClientId=client,
        Username="ana",
        ConfirmationCode=cognito.code(),
        Password="Better-Horse-2",
    )
    assert cognito.sign_in(client, password="Better-Horse-2")


def test_refreshing_gives_new_tokens_of_the_same_session(cognito: Driver, client: str) -> None:
    first = cognito.sign_in(client)
    cognito.advance(7_200)
    answer = cognito("InitiateAuth", **refresh_auth(client, first["RefreshToken"]))
    renewed = answer["AuthenticationResult"]
    assert "RefreshToken" not in renewed
    assert cognito("GetUser", AccessToken=renewed["AccessToken"])["Username"] == "ana"
    expired = cognito.fails("GetUser", AccessToken=first["AccessToken"])
    assert why(expired) == ("NotAuthorizedException", "Access Token has expired")
    exchanged = cognito("GetTokensFromRefreshToken", ClientId=client, RefreshToken=first["RefreshToken"])
    assert "RefreshToken" not in exchanged["AuthenticationResult"]
    cognito.advance(30 * DAY_S)
    refused = cognito.fails("InitiateAuth", **refresh_auth(client, first["RefreshToken"]))
    assert why(refused) == ("NotAuthorizedException", "Refresh Token has expired")


def test_a_refresh_token_is_its_clients_alone(cognito: Driver, pool: str, client: str) -> None:
    token = cognito.sign_in(client)["RefreshToken"]
    other_pool = cognito.pool()
    for other in (cognito.client(pool), cognito.client(other_pool)):
        refused = cognito.fails("InitiateAuth", **refresh_auth(other, token))
        assert why(refused) == ("NotAuthorizedException", "Invalid Refresh Token")
    head, middle = token[:-10], token[-10]
    tampered = head + ("A" if middle != "A" else "B") + token[-9:]
    for forged in (tampered, "x", "a.b.c.d.e", token + "x", "é.ü.ö.ä.ß", token[: len(token) // 2]):
        refused = cognito.fails("InitiateAuth", **refresh_auth(client, forged))
        assert why(refused) == ("NotAuthorizedException", "Invalid Refresh Token")


def test_a_client_with_a_secret_refreshes_with_its_hash(cognito: Driver, pool: str) -> None:
    made = cognito(
        "CreateUserPoolClient",
        UserPoolId=pool,
        ClientName="server",
        GenerateSecret=True,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]
    client, secret = made["ClientId"], made["ClientSecret"]
    asked = password_auth(client)
    asked["AuthParameters"]["SECRET_HASH"] = secret_hash(secret, client, "ana")
    token = cognito("InitiateAuth", **asked)["AuthenticationResult"]["RefreshToken"]
    hashed = {"SECRET_HASH": secret_hash(secret, client, "ana")}
    assert cognito("InitiateAuth", **refresh_auth(client, token, **hashed))
    assert cognito.fails("InitiateAuth", **refresh_auth(client, token)).code == "NotAuthorizedException"
    exchange = {"ClientId": client, "RefreshToken": token}
    assert cognito.fails("GetTokensFromRefreshToken", **exchange).code == "NotAuthorizedException"
    assert cognito("GetTokensFromRefreshToken", **exchange, ClientSecret=secret)
    assert cognito.fails("RevokeToken", ClientId=client, Token=token).code == "UnauthorizedException"
    cognito("RevokeToken", ClientId=client, Token=token, ClientSecret=secret)
    refused = cognito.fails("InitiateAuth", **refresh_auth(client, token, **hashed))
    assert refused.message == "Refresh Token has been revoked"


def test_revoking_a_token_ends_its_session_only(cognito: Driver, client: str, pool: str) -> None:
    first, second = cognito.sign_in(client), cognito.sign_in(client)
    assert cognito.fails("RevokeToken", ClientId=client, Token=first["AccessToken"]).code == (
        "UnsupportedTokenTypeException"
    )
    other = cognito.client(pool)
    assert cognito.fails("RevokeToken", ClientId=other, Token=first["RefreshToken"]).code == (
        "UnauthorizedException"
    )
    cognito("RevokeToken", ClientId=client, Token=first["RefreshToken"])
    assert why(cognito.fails("GetUser", AccessToken=first["AccessToken"])) == REVOKED
    assert cognito.fails("InitiateAuth", **refresh_auth(client, first["RefreshToken"])).message == (
        "Refresh Token has been revoked"
    )
    assert cognito("GetUser", AccessToken=second["AccessToken"])["Username"] == "ana"


@pytest.mark.parametrize("by_admin", [False, True])
def test_signing_out_everywhere_voids_what_came_before_and_nothing_after(
    cognito: Driver, client: str, pool: str, by_admin: bool
) -> None:
    first, second = cognito.sign_in(client), cognito.sign_in(client)
    if by_admin:
        cognito("AdminUserGlobalSignOut", UserPoolId=pool, Username="ana")
    else:
        cognito("GlobalSignOut", AccessToken=first["AccessToken"])
    after = cognito.sign_in(client)  # in the same second
    for before in (first, second):
        assert why(cognito.fails("GetUser", AccessToken=before["AccessToken"])) == REVOKED
        assert cognito.fails("InitiateAuth", **refresh_auth(client, before["RefreshToken"])).code == (
            "NotAuthorizedException"
        )
    assert cognito("GetUser", AccessToken=after["AccessToken"])["Username"] == "ana"


def test_rotation_gives_a_new_refresh_token_and_the_old_one_lapses(cognito: Driver, pool: str) -> None:
    client = cognito.client(
        pool,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
    )
    old = cognito.sign_in(client)["RefreshToken"]

    def exchange(token: str) -> Any:
        return cognito("GetTokensFromRefreshToken", ClientId=client, RefreshToken=token)

    new = exchange(old)["AuthenticationResult"]["RefreshToken"]
    exchange(old)
    cognito.advance(10)
    reused = cognito.fails("GetTokensFromRefreshToken", ClientId=client, RefreshToken=old)
    assert reused.code == "RefreshTokenReuseException"
    exchange(new)
    cognito.advance(30 * DAY_S)
    assert cognito.fails("GetTokensFromRefreshToken", ClientId=client, RefreshToken=new).message == (
        "Refresh Token has expired"
    )


def test_changing_the_password_needs_the_old_one(cognito: Driver, client: str) -> None:
    token = cognito.sign_in(client)["AccessToken"]
    change = {"AccessToken": token, "ProposedPassword": "Better-Horse-2"}
    assert cognito.fails("ChangePassword", **change, PreviousPassword="Wrong-Horse-1").code == (
        "NotAuthorizedException"
    )
    cognito("ChangePassword", **change, PreviousPassword=PASSWORD)
    assert cognito.sign_in(client, password="Better-Horse-2")
    assert cognito.fails("InitiateAuth", **password_auth(client)).code == "NotAuthorizedException"


def test_a_challenge_dies_with_the_password_that_it_was_asked_for(
    cognito: Driver, pool: str, client: str
) -> None:
    session = forced(cognito, pool, client)["Session"]
    given = {"UserPoolId": pool, "Username": "bo"}
    cognito("AdminSetUserPassword", **given, Password="Other-Horse-3", Permanent=False)
    assert cognito.fails("RespondToAuthChallenge", **new_password(client, session)).code == (
        "NotAuthorizedException"
    )
    session = cognito("InitiateAuth", **password_auth(client, "bo", "Other-Horse-3"))["Session"]
    cognito("AdminSetUserPassword", **given, Password="Other-Horse-4", Permanent=True)
    assert cognito.fails("RespondToAuthChallenge", **new_password(client, session)).code == (
        "NotAuthorizedException"
    )
    assert cognito.sign_in(client, "bo", "Other-Horse-4")


def test_a_hiding_client_tells_of_a_disabled_user_only_to_who_knows_the_password(
    cognito: Driver, pool: str
) -> None:
    hiding = cognito.client(pool, PreventUserExistenceErrors="ENABLED")
    cognito("AdminDisableUser", UserPoolId=pool, Username="ana")
    wrong = cognito.fails("InitiateAuth", **password_auth(hiding, password="Wrong-Horse-1"))
    nobody = cognito.fails("InitiateAuth", **password_auth(hiding, "nobody"))
    assert why(wrong) == why(nobody)
    assert cognito.fails("InitiateAuth", **password_auth(hiding)).message == "User is disabled."
    cognito("AdminEnableUser", UserPoolId=pool, Username="ana")
    attributes = [{"Name": "email", "Value": "a@example.com"}, {"Name": "email_verified", "Value": "true"}]
    cognito("AdminUpdateUserAttributes", UserPoolId=pool, Username="ana", UserAttributes=attributes)
    cognito("AdminResetUserPassword", UserPoolId=pool, Username="ana")
    assert why(cognito.fails("InitiateAuth", **password_auth(hiding))) == why(nobody)


def test_tries_run_out_alike_for_users_that_exist_and_do_not(cognito: Driver) -> None:
    pool = cognito.pool(AutoVerifiedAttributes=["email"])
    hiding = cognito.client(pool, PreventUserExistenceErrors="ENABLED")
    cognito.user(pool, email="a@example.com", email_verified="true")
    counts = []
    for name in ("ana", "nobody"):
        for tries in range(1, 40):
            try:
                cognito("ForgotPassword", ClientId=hiding, Username=name)
            except AwsError as error:
                counts.append((error.code, tries))
                break
    assert counts[0] == counts[1] == ("LimitExceededException", 21)
