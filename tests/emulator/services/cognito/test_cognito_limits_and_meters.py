"""Request quotas by category, what is billed as an active user, and how much room users take."""

from __future__ import annotations

import tracemalloc
from typing import Any

from harness.aws.prices.services import TARIFFS
from harness.emulator.services.base import AwsError

from .conftest import PASSWORD, Driver, password_auth, refresh_auth

MONTH_S = 31 * 86_400


def spend(cognito: Driver, operation: str, times: int, **members: Any) -> None:
    """Ask so often, and be refused for anything but the quota, if at all."""
    refusals = []
    for _ in range(times):
        try:
            cognito(operation, **members)
        except AwsError as error:
            refusals.append(error.code)
    assert "TooManyRequestsException" not in refusals


def test_sign_ins_share_a_quota_and_come_back_with_time(limited: Driver) -> None:
    nobody = password_auth("nosuchclient")
    spend(limited, "InitiateAuth", 100, **nobody)
    spend(limited, "AdminInitiateAuth", 20, UserPoolId="us-east-1_AbCdEfGhI", **nobody)
    refused = limited.fails("InitiateAuth", **nobody)
    assert (refused.code, refused.status) == ("TooManyRequestsException", 400)
    assert limited.fails("GetTokensFromRefreshToken", RefreshToken="a", ClientId="a").code == refused.code
    limited.advance(0.125)
    spend(limited, "InitiateAuth", 15, **nobody)
    assert limited.fails("InitiateAuth", **nobody).code == "TooManyRequestsException"
    assert limited.meters.counter("cognito-idp", "", "throttled_requests").value == 3


def test_challenge_responses_have_three_times_the_rate_and_spill_over(limited: Driver) -> None:
    answer = {"ClientId": "nosuchclient", "ChallengeName": "PASSWORD_VERIFIER"}
    spend(limited, "RespondToAuthChallenge", 360 + 120, **answer)
    assert limited.fails("RespondToAuthChallenge", **answer).code == "TooManyRequestsException"
    assert limited.fails("InitiateAuth", **password_auth("nosuchclient")).code == "TooManyRequestsException"


def test_new_passwords_count_as_account_recovery(limited: Driver) -> None:
    answer = {"ClientId": "nosuchclient", "ChallengeName": "NEW_PASSWORD_REQUIRED"}
    spend(limited, "RespondToAuthChallenge", 30, **answer)
    assert limited.fails("RespondToAuthChallenge", **answer).code == "TooManyRequestsException"
    assert limited.fails("ForgotPassword", ClientId="a", Username="a").code == "TooManyRequestsException"
    spend(limited, "InitiateAuth", 1, **password_auth("nosuchclient"))


def test_regions_have_quotas_of_their_own(limited: Driver) -> None:
    spend(limited, "ListUserPools", 15, MaxResults=1)
    assert limited.fails("ListUserPools", MaxResults=1).code == "TooManyRequestsException"
    limited.context.region = "eu-west-1"
    spend(limited, "ListUserPools", 15, MaxResults=1)


def test_one_user_can_sign_in_ten_times_a_second(limited: Driver) -> None:
    pool = limited.pool()
    client = limited.client(pool)
    limited.user(pool)
    for _ in range(10):
        limited.sign_in(client)
    assert limited.fails("InitiateAuth", **password_auth(client)).code == "TooManyRequestsException"
    limited.user(pool, "bo")
    assert limited.sign_in(client, "bo")
    limited.advance(1)
    assert limited.sign_in(client)


def active(cognito: Driver, tier: str = "essentials") -> float:
    return cognito.used(f"{tier}_monthly_active_users")


def test_a_user_is_active_once_a_month(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool)
    assert active(cognito) == 1
    tokens = cognito.sign_in(client)
    cognito("InitiateAuth", **refresh_auth(client, tokens["RefreshToken"]))
    cognito("AdminGetUser", UserPoolId=pool, Username="ana")
    assert active(cognito) == 1
    assert (cognito.used("sign_ins"), cognito.used("token_refreshes")) == (1, 1)
    cognito.fails("InitiateAuth", **password_auth(client, password="Wrong-Horse-1"))
    assert cognito.used("refused_sign_ins") == 1
    cognito.advance(MONTH_S)
    cognito("ListUsers", UserPoolId=pool)
    cognito.fails("InitiateAuth", **password_auth(client, password="Wrong-Horse-1"))
    assert active(cognito) == 1
    cognito.sign_in(client)
    assert active(cognito) == 2


def test_each_kind_of_identity_operation_makes_a_user_active(cognito: Driver) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito("CreateGroup", UserPoolId=pool, GroupName="g")
    who = {"UserPoolId": pool, "Username": "ana"}
    cognito.user(pool, email="a@example.com", email_verified="true")
    counted = active(cognito)

    def tokens() -> Any:
        return cognito.sign_in(client)

    for operation, members in (
        ("AdminGetUser", who),
        ("AdminSetUserPassword", {**who, "Password": PASSWORD, "Permanent": True}),
        ("AdminUpdateUserAttributes", {**who, "UserAttributes": [{"Name": "name", "Value": "A"}]}),
        ("AdminAddUserToGroup", {**who, "GroupName": "g"}),
        ("AdminUserGlobalSignOut", who),
        ("ForgotPassword", {"ClientId": client, "Username": "ana"}),
        ("InitiateAuth", password_auth(client)),
    ):
        cognito.advance(MONTH_S)
        cognito(operation, **members)
        counted += 1
        assert active(cognito) == counted, operation
    cognito.advance(MONTH_S)
    cognito("AdminResetUserPassword", **who)
    assert active(cognito) == counted


def test_active_users_are_billed_by_the_tier_of_their_pool(cognito: Driver) -> None:
    pool = cognito.pool(UserPoolTier="LITE")
    cognito.user(pool)
    assert (active(cognito, "lite"), active(cognito)) == (1, 0)
    cognito("UpdateUserPool", UserPoolId=pool, UserPoolTier="PLUS")
    cognito.user(pool, "bo")
    assert (active(cognito, "lite"), active(cognito, "plus")) == (1, 1)


def test_messages_are_counted_by_who_would_bill_them(cognito: Driver) -> None:
    for members in ({}, {"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}}):
        pool = cognito.pool(AutoVerifiedAttributes=["email", "phone_number"], **members)
        client = cognito.client(pool)
        given = {"ClientId": client, "Password": PASSWORD}
        phone = {"Name": "phone_number", "Value": "+15555550100"}
        mail = {"Name": "email", "Value": "ana@example.com"}
        cognito("SignUp", **given, Username="ana", UserAttributes=[mail, phone])
        cognito("SignUp", **given, Username="bo", UserAttributes=[mail])
    assert [cognito.used(f"{kind}_messages") for kind in ("sms", "email", "ses")] == [2, 1, 1]


def test_the_bill_knows_every_unit_but_messages_that_have_no_price(cognito: Driver) -> None:
    client = cognito.client(cognito.pool(AutoVerifiedAttributes=["email"]))
    mail = {"Name": "email", "Value": "ana@example.com"}
    cognito("SignUp", ClientId=client, Password=PASSWORD, Username="ana", UserAttributes=[mail])
    tariff = TARIFFS["cognito-idp"]
    counted = {unit for service, _, unit in cognito.meters._counters if service == "cognito-idp"}
    assert counted - tariff.units - tariff.unbilled == {"sms_messages", "ses_messages"}
    assert "essentials_monthly_active_users" in counted


def test_the_number_of_users_is_a_gauge(cognito: Driver) -> None:
    pool = cognito.pool()
    cognito.user(pool)
    gauges = {(gauge.resource, gauge.name): gauge.value for gauge in cognito.meters.gauges()}
    assert gauges["riders", "users"] == 1


def test_a_user_takes_about_a_kilobyte(cognito: Driver) -> None:
    pool = cognito.pool(UsernameAttributes=["email"], Schema=[{"Name": "a", "AttributeDataType": "String"}])

    def create(start: int, count: int) -> None:
        for i in range(start, start + count):
            attributes = [{"Name": "custom:a", "Value": f"acct-{i % 50}"}]
            cognito(
                "AdminCreateUser",
                UserPoolId=pool,
                Username=f"user{i}@example.com",
                TemporaryPassword=PASSWORD,
                UserAttributes=attributes,
            )

    create(0, 10)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        create(10, 400)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 400 < 1_250
