"""Software tokens as a second factor."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from harness.emulator.services.cognito.totp import SoftwareToken, code_at

from .conftest import Driver, password_auth

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_rfc_6238(at_s: int, code: str) -> None:
    assert code_at(RFC_SECRET, at_s // 30) == code


def test_a_code_is_good_once_and_for_a_step_to_either_side() -> None:
    token = SoftwareToken(secret=RFC_SECRET)
    assert not token.accept("287082", 120)
    assert token.accept("287082", 89)
    assert not token.accept("287082", 59)


class Person:
    """A user with an authenticator app."""

    def __init__(self, cognito: Driver, mfa: str) -> None:
        self.cognito = cognito
        self.pool = cognito.pool()
        self.client = cognito.client(self.pool)
        cognito.user(self.pool)
        self.secret = b""
        self.configured = cognito(
            "SetUserPoolMfaConfig",
            UserPoolId=self.pool,
            MfaConfiguration=mfa,
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )

    def take(self, secret_code: str) -> None:
        self.secret = base64.b32decode(secret_code + "=" * (-len(secret_code) % 8))

    def code(self) -> str:
        self.cognito.advance(30)
        return code_at(self.secret, int(self.cognito.now_s // 30))

    def sign_in(self) -> Any:
        return self.cognito("InitiateAuth", **password_auth(self.client))

    def answer(self, challenge: str, session: str, **given: str) -> dict[str, Any]:
        return {
            "ClientId": self.client,
            "ChallengeName": challenge,
            "Session": session,
            "ChallengeResponses": {"USERNAME": "ana", **given},
        }

    def set_up(self) -> str:
        token: str = self.sign_in()["AuthenticationResult"]["AccessToken"]
        self.take(self.cognito("AssociateSoftwareToken", AccessToken=token)["SecretCode"])
        verified = self.cognito("VerifySoftwareToken", AccessToken=token, UserCode=self.code())
        assert verified == {"Status": "SUCCESS"}
        preference = {"Enabled": True, "PreferredMfa": True}
        self.cognito("SetUserMFAPreference", AccessToken=token, SoftwareTokenMfaSettings=preference)
        return token


def test_who_set_a_token_up_is_asked_for_its_code(cognito: Driver) -> None:
    person = Person(cognito, "OPTIONAL")
    assert person.configured == {
        "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": {"Enabled": True},
    }
    token = person.set_up()
    shown = cognito("GetUser", AccessToken=token)
    assert (shown["UserMFASettingList"], shown["PreferredMfaSetting"]) == (
        *(["SOFTWARE_TOKEN_MFA"], "SOFTWARE_TOKEN_MFA"),
    )
    challenge = person.sign_in()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" not in challenge

    def answer(code: str) -> dict[str, Any]:
        return person.answer("SOFTWARE_TOKEN_MFA", challenge["Session"], SOFTWARE_TOKEN_MFA_CODE=code)

    right = person.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    assert cognito.fails("RespondToAuthChallenge", **answer(wrong)).code == "CodeMismatchException"
    assert "IdToken" in cognito("RespondToAuthChallenge", **answer(right))["AuthenticationResult"]
    assert cognito.fails("RespondToAuthChallenge", **answer(right)).code == "NotAuthorizedException"
    challenge = person.sign_in()
    assert cognito.fails("RespondToAuthChallenge", **answer(right)).code == "CodeMismatchException"
    cognito(
        "AdminSetUserMFAPreference",
        UserPoolId=person.pool,
        Username="ana",
        SoftwareTokenMfaSettings={"Enabled": False},
    )
    assert "AuthenticationResult" in person.sign_in()


def test_codes_cannot_be_guessed_at_leisure(cognito: Driver) -> None:
    person = Person(cognito, "OPTIONAL")
    person.set_up()
    session = person.sign_in()["Session"]
    wrong = f"{(int(person.code()) + 1) % 1_000_000:06d}"
    answer = person.answer("SOFTWARE_TOKEN_MFA", session, SOFTWARE_TOKEN_MFA_CODE=wrong)
    for _ in range(5):
        assert cognito.fails("RespondToAuthChallenge", **answer).code == "CodeMismatchException"
    assert cognito.fails("RespondToAuthChallenge", **answer).message == "Password attempts exceeded"


def test_a_pool_that_demands_it_has_a_token_set_up_at_the_first_sign_in(cognito: Driver) -> None:
    person = Person(cognito, "ON")
    challenge, waiting = person.sign_in(), person.sign_in()
    assert challenge["ChallengeName"] == "MFA_SETUP"
    early = person.answer("MFA_SETUP", challenge["Session"])
    assert cognito.fails("RespondToAuthChallenge", **early).code == "InvalidParameterException"
    offered = cognito("AssociateSoftwareToken", Session=challenge["Session"])
    person.take(offered["SecretCode"])
    wrong = {"Session": offered["Session"], "UserCode": "000000"}
    if person.code() != "000000":
        assert cognito.fails("VerifySoftwareToken", **wrong).code == "EnableSoftwareTokenMFAException"
    verified = cognito("VerifySoftwareToken", Session=offered["Session"], UserCode=person.code())
    done = person.answer("MFA_SETUP", verified["Session"])
    assert "IdToken" in cognito("RespondToAuthChallenge", **done)["AuthenticationResult"]
    assert person.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    # Who only knows the password and waited since before gets neither in nor a token of their own.
    late = person.answer("MFA_SETUP", waiting["Session"])
    assert cognito.fails("RespondToAuthChallenge", **late).code == "InvalidParameterException"
    taken = cognito.fails("AssociateSoftwareToken", Session=waiting["Session"])
    assert taken.code == "NotAuthorizedException"


def test_a_new_token_takes_the_old_ones_place_once_its_code_was_shown(cognito: Driver) -> None:
    person = Person(cognito, "OPTIONAL")
    token = person.set_up()
    before = person.secret
    person.take(cognito("AssociateSoftwareToken", AccessToken=token)["SecretCode"])
    offered, person.secret = person.secret, before
    session = person.sign_in()["Session"]
    old = person.answer("SOFTWARE_TOKEN_MFA", session, SOFTWARE_TOKEN_MFA_CODE=person.code())
    assert "IdToken" in cognito("RespondToAuthChallenge", **old)["AuthenticationResult"]
    person.secret = offered
    cognito("VerifySoftwareToken", AccessToken=token, UserCode=person.code())
    session = person.sign_in()["Session"]
    new = person.answer("SOFTWARE_TOKEN_MFA", session, SOFTWARE_TOKEN_MFA_CODE=person.code())
    assert "IdToken" in cognito("RespondToAuthChallenge", **new)["AuthenticationResult"]


def test_an_update_that_does_not_say_otherwise_turns_it_off(cognito: Driver) -> None:
    person = Person(cognito, "OPTIONAL")
    person.set_up()
    assert person.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    cognito("UpdateUserPool", UserPoolId=person.pool, MfaConfiguration="ON")
    assert cognito("GetUserPoolMfaConfig", UserPoolId=person.pool)["MfaConfiguration"] == "ON"
    cognito("UpdateUserPool", UserPoolId=person.pool)
    assert "AuthenticationResult" in person.sign_in()
    other = cognito.pool()
    refused = cognito.fails("UpdateUserPool", UserPoolId=other, MfaConfiguration="ON")
    assert refused.code == "InvalidParameterException"


def test_other_factors_are_refused_by_name(cognito: Driver) -> None:
    person = Person(cognito, "OPTIONAL")
    token = person.sign_in()["AuthenticationResult"]["AccessToken"]
    sms = {"AccessToken": token, "SMSMfaSettings": {"Enabled": True}}
    assert cognito.fails("SetUserMFAPreference", **sms).status == 501
    without = {"AccessToken": token, "SoftwareTokenMfaSettings": {"Enabled": True}}
    assert cognito.fails("SetUserMFAPreference", **without).code == "InvalidParameterException"
    pool = {"UserPoolId": person.pool, "MfaConfiguration": "ON"}
    assert cognito.fails("SetUserPoolMfaConfig", **pool).code == "InvalidParameterException"
    email = {**pool, "EmailMfaConfiguration": {"Message": "{####}"}}
    assert cognito.fails("SetUserPoolMfaConfig", **email).status == 501
    assert "EmailMfaConfiguration" in cognito.fails("SetUserPoolMfaConfig", **email).message
