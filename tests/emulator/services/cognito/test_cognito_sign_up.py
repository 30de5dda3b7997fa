"""How users come in, and how codes confirm them."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.services.cognito.clients import secret_hash

from .conftest import PASSWORD, Driver, password_auth

HOUR_S = 3_600
EMAIL = [{"Name": "email", "Value": "ana@example.com"}]


def sign_up(client: str, name: str = "ana", **members: Any) -> dict[str, Any]:
    return {"ClientId": client, "Username": name, "Password": PASSWORD, **members}


def confirm(client: str, code: str, name: str = "ana", **members: Any) -> dict[str, Any]:
    return {"ClientId": client, "Username": name, "ConfirmationCode": code, **members}


def test_sign_up_is_confirmed_by_the_code_that_was_sent(cognito: Driver) -> None:
    client = cognito.client(cognito.pool(AutoVerifiedAttributes=["email"]))
    answer = cognito("SignUp", **sign_up(client, UserAttributes=EMAIL))
    assert answer["UserConfirmed"] is False
    assert answer["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    message = cognito.service.messages()[-1]
    assert (message["destination"], message["purpose"], message["username"]) == (
        *("ana@example.com", "sign_up", "ana"),
    )
    assert len(cognito.code()) == 6
    assert cognito.fails("InitiateAuth", **password_auth(client)).code == "UserNotConfirmedException"
    wrong = f"{(int(cognito.code()) + 1) % 1_000_000:06d}"
    assert cognito.fails("ConfirmSignUp", **confirm(client, wrong)).code == "CodeMismatchException"
    assert cognito("ConfirmSignUp", **confirm(client, cognito.code())) == {}
    assert cognito.sign_in(client)["TokenType"] == "Bearer"
    again = cognito.fails("ConfirmSignUp", **confirm(client, cognito.code()))
    assert (again.code, again.message) == (
        *("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"),
    )


def test_a_code_is_good_for_a_day_and_a_new_one_voids_it(cognito: Driver) -> None:
    client = cognito.client(cognito.pool(AutoVerifiedAttributes=["email"]))
    cognito("SignUp", **sign_up(client, UserAttributes=EMAIL))
    first = cognito.code()
    cognito.advance(24 * HOUR_S)
    assert cognito.fails("ConfirmSignUp", **confirm(client, first)).code == "ExpiredCodeException"
    cognito("ResendConfirmationCode", ClientId=client, Username="ana")
    second = cognito.code()
    if first != second:
        assert cognito.fails("ConfirmSignUp", **confirm(client, first)).code == "CodeMismatchException"
    cognito("ConfirmSignUp", **confirm(client, second))


def test_guessing_codes_is_limited_by_the_hour(cognito: Driver) -> None:
    client = cognito.client(cognito.pool(AutoVerifiedAttributes=["email"]))
    cognito("SignUp", **sign_up(client, UserAttributes=EMAIL))
    wrong = f"{(int(cognito.code()) + 1) % 1_000_000:06d}"
    for _ in range(15):
        assert cognito.fails("ConfirmSignUp", **confirm(client, wrong)).code == "CodeMismatchException"
    assert cognito.fails("ConfirmSignUp", **confirm(client, cognito.code())).code == "LimitExceededException"
    cognito.advance(HOUR_S)
    cognito("ConfirmSignUp", **confirm(client, cognito.code()))


def test_without_a_verified_attribute_only_an_administrator_confirms(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    assert "CodeDeliveryDetails" not in cognito("SignUp", **sign_up(client, UserAttributes=EMAIL))
    assert cognito.fails("ConfirmSignUp", **confirm(client, "123456")).code == "ExpiredCodeException"
    assert cognito.fails("ResendConfirmationCode", ClientId=client, Username="ana").code == (
        "InvalidParameterException"
    )
    cognito("AdminConfirmSignUp", UserPoolId=pool, Username="ana")
    assert cognito.sign_in(client)
    assert cognito.fails("AdminConfirmSignUp", UserPoolId=pool, Username="ana").code == (
        "NotAuthorizedException"
    )


def test_a_taken_name_a_closed_pool_and_an_unknown_client_are_refused(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito("SignUp", **sign_up(client))
    assert cognito.fails("SignUp", **sign_up(client)).code == "UsernameExistsException"
    assert cognito.fails("SignUp", **sign_up("nosuchclient")).code == "ResourceNotFoundException"
    closed = cognito.client(cognito.pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True}))
    assert cognito.fails("SignUp", **sign_up(closed)).message == (
        "SignUp is not permitted for this user pool"
    )


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Aa1!", "Password not long enough"),
        ("aaaaaaa1!", "Password must have uppercase characters"),
        ("AAAAAAA1!", "Password must have lowercase characters"),
        ("Aaaaaaaa!", "Password must have numeric characters"),
        ("Aaaaaaaa1", "Password must have symbol characters"),
    ],
)
def test_the_default_policy_wants_all_kinds_of_characters(cognito: Driver, password: str, why: str) -> None:
    client = cognito.client(cognito.pool())
    refused = cognito.fails("SignUp", **sign_up(client, Password=password))
    assert (refused.code, refused.message) == (
        *("InvalidPasswordException", f"Password did not conform with policy: {why}"),
    )


def test_a_pool_can_want_less(cognito: Driver) -> None:
    pool = cognito.pool(Policies={"PasswordPolicy": {"MinimumLength": 6}})
    cognito("SignUp", **sign_up(cognito.client(pool), Password="simple"))
    policy = cognito("DescribeUserPool", UserPoolId=pool)["UserPool"]["Policies"]["PasswordPolicy"]
    assert (policy["MinimumLength"], policy["RequireSymbols"]) == (6, False)


def test_a_client_with_a_secret_wants_its_hash(cognito: Driver) -> None:
    pool = cognito.pool()
    made = cognito("CreateUserPoolClient", UserPoolId=pool, ClientName="server", GenerateSecret=True)
    client, secret = made["UserPoolClient"]["ClientId"], made["UserPoolClient"]["ClientSecret"]
    assert cognito.fails("SignUp", **sign_up(client)).code == "NotAuthorizedException"
    wrong = secret_hash("other", client, "ana")
    assert cognito.fails("SignUp", **sign_up(client, SecretHash=wrong)).message == (
        f"Unable to verify secret hash for client {client}"
    )
    cognito("SignUp", **sign_up(client, SecretHash=secret_hash(secret, client, "ana")))
    public = cognito.client(pool)
    assert cognito.fails("SignUp", **sign_up(public, "bo", SecretHash=wrong)).code == (
        "NotAuthorizedException"
    )


def test_attributes_must_be_in_the_schema_and_fit_it(cognito: Driver) -> None:
    pool = cognito.pool(
        Schema=[
            {"Name": "email", "Required": True},
            {
                "Name": "plan",
                "AttributeDataType": "String",
                "StringAttributeConstraints": {"MinLength": "2", "MaxLength": "5"},
            },
            {
                "Name": "seats",
                "AttributeDataType": "Number",
                "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "9"},
            },
        ]
    )
    client = cognito.client(pool)

    def refused(**attributes: str) -> str:
        given = [{"Name": name.replace("__", ":"), "Value": value} for name, value in attributes.items()]
        error = cognito.fails("SignUp", **sign_up(client, UserAttributes=given))
        assert error.code == "InvalidParameterException"
        return error.message

    assert "email: The attribute email is required" in refused(name="Ana")
    assert refused(email="no address") == "Invalid email address format."
    assert refused(email="a@example.com", phone_number="0123") == "Invalid phone number format."
    assert "custom:nothing: Attribute does not exist" in refused(email="a@example.com", custom__nothing="x")
    for wrong in ("x", "toolong"):
        assert "custom:plan" in refused(email="a@example.com", custom__plan=wrong)
    for wrong in ("0", "10", "1.5", "many"):
        assert "custom:seats" in refused(email="a@example.com", custom__seats=wrong)
    assert "birthdate" in refused(email="a@example.com", birthdate="1999")


def test_a_client_may_write_only_what_it_is_allowed(cognito: Driver) -> None:
    pool = cognito.pool(Schema=[{"Name": "account_id", "AttributeDataType": "String"}])
    client = cognito.client(pool, WriteAttributes=["email"])
    account = [{"Name": "custom:account_id", "Value": "acct-2"}]
    refused = cognito.fails("SignUp", **sign_up(client, UserAttributes=account))
    assert (refused.code, refused.message) == (
        *("NotAuthorizedException", "A client attempted to write unauthorized attribute"),
    )
    verified = [{"Name": "email_verified", "Value": "true"}]
    assert cognito.fails("SignUp", **sign_up(cognito.client(pool), UserAttributes=verified)).code == (
        "NotAuthorizedException"
    )


def test_users_of_an_address_pool_are_known_by_it_and_named_by_a_uuid(cognito: Driver) -> None:
    pool = cognito.pool(UsernameAttributes=["email"], UsernameConfiguration={"CaseSensitive": False})
    client = cognito.client(pool)
    assert cognito.fails("SignUp", **sign_up(client, "ana")).message == "Username should be an email."
    sub = cognito("SignUp", **sign_up(client, "Ana@example.com"))["UserSub"]
    taken = cognito.fails("SignUp", **sign_up(client, "ana@EXAMPLE.com"))
    assert (taken.code, taken.message) == (
        *("UsernameExistsException", "An account with the given email already exists."),
    )
    cognito("AdminConfirmSignUp", UserPoolId=pool, Username="ana@example.com")
    assert cognito.sign_in(client, "ANA@example.com")
    user = cognito("AdminGetUser", UserPoolId=pool, Username=sub)
    assert user["Username"] == sub
    assert {"Name": "email", "Value": "Ana@example.com"} in user["UserAttributes"]


def test_an_alias_is_the_users_once_verified_and_only_one_users(cognito: Driver) -> None:
    pool = cognito.pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    client = cognito.client(pool)
    assert "email format" in cognito.fails("SignUp", **sign_up(client, "a@example.com")).message
    cognito("SignUp", **sign_up(client, "ana", UserAttributes=EMAIL))
    assert cognito.fails("InitiateAuth", **password_auth(client, "ana@example.com")).code == (
        "UserNotFoundException"
    )
    cognito("ConfirmSignUp", **confirm(client, cognito.code()))
    assert cognito.sign_in(client, "ana@example.com")
    cognito("SignUp", **sign_up(client, "bo", UserAttributes=EMAIL))
    code = cognito.code()
    assert cognito.fails("ConfirmSignUp", **confirm(client, code, "bo")).code == "AliasExistsException"
    cognito("ConfirmSignUp", **confirm(client, code, "bo", ForceAliasCreation=True))
    cognito("AdminDeleteUser", UserPoolId=pool, Username="ana")
    assert cognito("AdminGetUser", UserPoolId=pool, Username="ana@example.com")["Username"] == "bo"


def test_a_hiding_client_tells_nothing_of_users_that_do_not_exist(cognito: Driver) -> None:
    pool = cognito.pool(AutoVerifiedAttributes=["email"])
    hiding = cognito.client(pool, PreventUserExistenceErrors="ENABLED")
    for operation in ("ResendConfirmationCode", "ForgotPassword"):
        first, second = (cognito(operation, ClientId=hiding, Username="nobody") for _ in range(2))
        assert first == second
        assert first["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
        assert cognito.fails(operation, ClientId=cognito.client(pool), Username="nobody").code == (
            "UserNotFoundException"
        )
    assert cognito.service.messages() == []
    assert cognito.fails("ConfirmSignUp", **confirm(hiding, "1", "nobody")).code == "CodeMismatchException"
    forgotten = confirm(hiding, "123456", "nobody", Password=PASSWORD)
    assert cognito.fails("ConfirmForgotPassword", **forgotten).code == "CodeMismatchException"
    wrong = cognito.fails("InitiateAuth", **password_auth(hiding, "nobody"))
    assert (wrong.code, wrong.message) == ("NotAuthorizedException", "Incorrect username or password.")


def test_a_forgotten_password_is_set_anew_with_a_code(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool, email="ana@example.com", email_verified="true")
    assert cognito("ForgotPassword", ClientId=client, Username="ana")["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    code = cognito.code()
    given = {"ClientId": client, "Username": "ana", "Password": "Better-Horse-2"}
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert cognito.fails("ConfirmForgotPassword", **given, ConfirmationCode=wrong).code == (
        "CodeMismatchException"
    )
    weak = {**given, "Password": "weak"}
    assert cognito.fails("ConfirmForgotPassword", **weak, ConfirmationCode=code).code == (
        "InvalidPasswordException"
    )
    cognito("ConfirmForgotPassword", **given, ConfirmationCode=code)
    assert cognito.sign_in(client, password="Better-Horse-2")
    assert cognito.fails("ConfirmForgotPassword", **given, ConfirmationCode=code).code == (
        "ExpiredCodeException"
    )
    cognito("ForgotPassword", ClientId=client, Username="ana")
    cognito.advance(HOUR_S)
    assert cognito.fails("ConfirmForgotPassword", **given, ConfirmationCode=cognito.code()).code == (
        "ExpiredCodeException"
    )


def test_a_password_cannot_be_recovered_without_a_verified_address(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool, email="ana@example.com")
    assert (
        "no registered/verified" in cognito.fails("ForgotPassword", ClientId=client, Username="ana").message
    )
    guarded = cognito.pool(
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}
    )
    cognito.user(guarded, email="ana@example.com", email_verified="true")
    assert cognito.fails("ForgotPassword", ClientId=cognito.client(guarded), Username="ana").message == (
        "Contact administrator to reset password."
    )
