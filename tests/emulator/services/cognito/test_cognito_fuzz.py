"""Whatever comes, the answer is one that AWS could give: no operation fails by an error of ours."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import AwsError
from harness.emulator.services.cognito import inputs
from harness.emulator.services.cognito.quotas import CATEGORY_OF

from .conftest import PASSWORD, Driver

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


class World:
    """A service with a user in every state, and what a fuzzer may know of it."""

    def __init__(self) -> None:
        self.drive = drive = Driver(NONE)
        self.pool = drive.pool(AutoVerifiedAttributes=["email"], AliasAttributes=["email"])
        self.client = drive.client(self.pool)
        drive.user(self.pool, email="ana@example.com", email_verified="true")
        drive("CreateGroup", UserPoolId=self.pool, GroupName="drivers")
        drive("AdminCreateUser", UserPoolId=self.pool, Username="bo", TemporaryPassword=PASSWORD)
        tokens = drive.sign_in(self.client)
        challenge = drive(
            "AdminInitiateAuth",
            UserPoolId=self.pool,
            ClientId=self.client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "bo", "PASSWORD": PASSWORD},
        )
        proof = drive(
            "InitiateAuth",
            ClientId=self.client,
            AuthFlow="USER_SRP_AUTH",
            AuthParameters={"USERNAME": "ana", "SRP_A": "abcdef"},
        )
        self.known: dict[str, list[Any]] = {
            "UserPoolId": [self.pool],
            "ClientId": [self.client],
            "Username": ["ana", "bo", "ana@example.com", ""],
            "GroupName": ["drivers"],
            "Password": [PASSWORD],
            "AccessToken": [tokens["AccessToken"], tokens["IdToken"], tokens["AccessToken"][:-8]],
            "RefreshToken": [tokens["RefreshToken"]],
            "Token": [tokens["RefreshToken"], tokens["AccessToken"]],
            "Session": [challenge["Session"]],
            "MaxResults": [1],
            "PoolName": ["p"],
            "ClientName": ["c"],
            "AuthFlow": ["USER_PASSWORD_AUTH", "USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "CUSTOM_AUTH"],
            "ChallengeName": ["PASSWORD_VERIFIER", "NEW_PASSWORD_REQUIRED", "SMS_MFA"],
            "AuthParameters": [
                {"USERNAME": "ana", "PASSWORD": "x", "SRP_A": "zz", "REFRESH_TOKEN": "a.b.c.d.e"},
                {"USERNAME": "ana", "PASSWORD": PASSWORD, "SRP_A": "2", "SECRET_HASH": "=é"},
                {"USERNAME": "ana", "REFRESH_TOKEN": "!" * 40},
            ],
            "ChallengeResponses": [
                {
                    "USERNAME": "ana",
                    "PASSWORD_CLAIM_SECRET_BLOCK": proof["ChallengeParameters"]["SECRET_BLOCK"],
                    "PASSWORD_CLAIM_SIGNATURE": "é",
                    "TIMESTAMP": "\u0000",
                },
                {"USERNAME": "bo", "NEW_PASSWORD": PASSWORD, "userAttributes.": "x"},
                {"USERNAME": "bo", "NEW_PASSWORD": PASSWORD, "userAttributes.sub": "x"},
            ],
            "UserAttributes": [[{"Name": "email", "Value": "x"}], [{"Name": "custom:x"}], [{"Name": "sub"}]],
            "UserAttributeNames": [["email"], ["sub"], [""]],
            "AttributesToGet": [["email"], ["é"]],
            "Filter": ['email = "a"', 'email ^= "', '"'],
            "PaginationToken": ["WzFd", "e30=", "é", "WyJhIl0="],
            "NextToken": ["WzFd", "e30=", "é", "W251bGxd"],
            "ResourceArn": [f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{self.pool}"],
            "Schema": [[{}], [{"Name": "x"}], [{"Name": "x", "AttributeDataType": "Number"}]],
            "CustomAttributes": [[{}], [{"Name": "x", "AttributeDataType": "String"}]],
            "AttributeName": ["email", "custom:x"],
            "ConfirmationCode": ["123456"],
            "Code": ["123456"],
        }


@pytest.fixture(scope="module")
def world() -> World:
    return World()


DESTRUCTIVE = ("DeleteUserPool", "DeleteUserPoolClient", "AdminDeleteUser", "DeleteUser", "GlobalSignOut")


def refusal(subject: World, operation: str, body: dict[str, Any]) -> int | None:
    """The HTTP status of a refusal, or None; any other exception is a failure of ours and passes through."""
    try:
        subject.drive.service.answer(operation, orjson.dumps(body), subject.drive.context)
    except AwsError as error:
        return error.status
    return None


@pytest.mark.parametrize("operation", sorted(CATEGORY_OF))
def test_no_input_makes_an_operation_fail_by_itself(world: World, operation: str) -> None:
    members = sorted(inputs.members(operation))
    subject = World() if operation in DESTRUCTIVE else world

    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        body = {}
        for name in members:
            choice = data.draw(st.sampled_from(("known", "known", "known", "any", "none")))
            if choice == "known" and name in subject.known:
                body[name] = data.draw(st.sampled_from(subject.known[name]))
            elif choice == "any":
                body[name] = data.draw(JSON)
        assert refusal(subject, operation, body) in (None, 400, 501)

    fuzz()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_service_fail(world: World, body: bytes) -> None:
    with pytest.raises(AwsError) as caught:
        world.drive.service.answer("InitiateAuth", body, world.drive.context)
    assert caught.value.status == 400
