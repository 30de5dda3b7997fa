"""Pools, clients, groups, and what administrators do with users."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import START_S, Driver

ACCOUNT = {"Name": "account_id", "AttributeDataType": "String", "Mutable": False}


def test_a_pool_is_described_as_aws_describes_it(cognito: Driver) -> None:
    created = cognito("CreateUserPool", PoolName="riders", UserPoolTags={"stage": "test"})["UserPool"]
    pool = cognito("DescribeUserPool", UserPoolId=created["Id"])["UserPool"]
    assert pool == created
    assert pool["Arn"] == f"arn:aws:cognito-idp:us-east-1:123456789012:userpool/{pool['Id']}"
    assert (pool["UserPoolTier"], pool["MfaConfiguration"]) == ("ESSENTIALS", "OFF")
    assert (pool["CreationDate"], pool["EstimatedNumberOfUsers"]) == (START_S, 0)
    names = [attribute["Name"] for attribute in pool["SchemaAttributes"]]
    assert names[0] == "sub"
    assert len(names) == 20
    assert pool["Policies"]["PasswordPolicy"]["TemporaryPasswordValidityDays"] == 7


def test_pools_are_listed_updated_tagged_and_deleted(cognito: Driver) -> None:
    ids = {cognito.pool() for _ in range(5)}
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = cognito("ListUserPools", MaxResults=2, **token)
        seen += [pool["Id"] for pool in page["UserPools"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(seen) == 5
    assert set(seen) == ids
    assert cognito.fails("ListUserPools", MaxResults=2, NextToken="WzFd").code == "InvalidParameterException"
    pool = seen[0]
    policy = {"PasswordPolicy": {"MinimumLength": 12}}
    cognito("UpdateUserPool", UserPoolId=pool, Policies=policy, DeletionProtection="ACTIVE")
    assert "deletion protection" in cognito.fails("DeleteUserPool", UserPoolId=pool).message
    arn = cognito("DescribeUserPool", UserPoolId=pool)["UserPool"]["Arn"]
    cognito("TagResource", ResourceArn=arn, Tags={"a": "1", "b": "2"})
    cognito("UntagResource", ResourceArn=arn, TagKeys=["a"])
    assert cognito("ListTagsForResource", ResourceArn=arn) == {"Tags": {"b": "2"}}
    cognito("UpdateUserPool", UserPoolId=pool, PoolName="renamed")
    cognito.user(pool)
    assert cognito.used("essentials_monthly_active_users", "renamed") == 1
    assert cognito("DeleteUserPool", UserPoolId=pool) is None
    assert cognito.fails("DescribeUserPool", UserPoolId=pool).code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "members",
    [
        {"MfaConfiguration": "ON", "SmsConfiguration": {"SnsCallerArn": "arn:aws:iam::123456789012:role/s"}},
        {"LambdaConfig": {"PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:f"}},
        {"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}},
        {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}},
        {"VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_LINK"}},
        {"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}},
        {"UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]}},
    ],
)
def test_settings_that_are_not_offered_are_refused_by_name(cognito: Driver, members: Any) -> None:
    refused = cognito.fails("CreateUserPool", PoolName="p", **members)
    assert refused.status == 501
    name = next(iter(members))
    named = {"Policies": "EMAIL_OTP"}.get(name, name)
    assert named in refused.message
    assert cognito("ListUserPools", MaxResults=1)["UserPools"] == []


def test_attributes_of_a_pool_grow_and_fixed_ones_stay(cognito: Driver) -> None:
    pool = cognito.pool(Schema=[ACCOUNT])
    client = cognito.client(pool)
    cognito.user(pool, **{"custom:account_id": "acct-1"})
    new = [{"Name": "team", "AttributeDataType": "String"}]
    cognito("AddCustomAttributes", UserPoolId=pool, CustomAttributes=new)
    assert cognito.fails("AddCustomAttributes", UserPoolId=pool, CustomAttributes=new).code == (
        "InvalidParameterException"
    )

    def set_by_admin(name: str, value: str) -> dict[str, Any]:
        given = [{"Name": name, "Value": value}]
        return {"UserPoolId": pool, "Username": "ana", "UserAttributes": given}

    cognito("AdminUpdateUserAttributes", **set_by_admin("custom:team", "red"))
    fixed = cognito.fails("AdminUpdateUserAttributes", **set_by_admin("custom:account_id", "acct-2"))
    assert "immutable" in fixed.message
    token = cognito.sign_in(client)["AccessToken"]
    for name in ("custom:account_id", "sub", "custom:nothing", "email_verified"):
        given = [{"Name": name, "Value": "true"}]
        refused = cognito.fails("UpdateUserAttributes", AccessToken=token, UserAttributes=given)
        assert refused.code in ("InvalidParameterException", "NotAuthorizedException")
    removal = {"AccessToken": token, "UserAttributeNames": ["custom:account_id"]}
    assert cognito.fails("DeleteUserAttributes", **removal).code == "InvalidParameterException"
    cognito("DeleteUserAttributes", AccessToken=token, UserAttributeNames=["custom:team"])
    shown = cognito("GetUser", AccessToken=token)["UserAttributes"]
    assert [item["Name"] for item in shown] == ["sub", "custom:account_id"]


def test_a_new_address_is_unverified_until_its_code_is_shown(cognito: Driver) -> None:
    pool = cognito.pool(AutoVerifiedAttributes=["email"])
    client = cognito.client(pool)
    cognito.user(pool, email="a@example.com", email_verified="true")
    token = cognito.sign_in(client)["AccessToken"]
    given = [{"Name": "email", "Value": "b@example.com"}]
    answer = cognito("UpdateUserAttributes", AccessToken=token, UserAttributes=given)
    assert [item["AttributeName"] for item in answer["CodeDeliveryDetailsList"]] == ["email"]

    def verified() -> str:
        shown = cognito("GetUser", AccessToken=token)["UserAttributes"]
        return next(item["Value"] for item in shown if item["Name"] == "email_verified")

    assert verified() == "false"
    assert cognito.fails("VerifyUserAttribute", AccessToken=token, AttributeName="email", Code="1").code in (
        "CodeMismatchException",
    )
    cognito("GetUserAttributeVerificationCode", AccessToken=token, AttributeName="email")
    cognito("VerifyUserAttribute", AccessToken=token, AttributeName="email", Code=cognito.code())
    assert verified() == "true"
    used = {"AccessToken": token, "AttributeName": "email", "Code": cognito.code()}
    assert cognito.fails("VerifyUserAttribute", **used).code == "ExpiredCodeException"


def test_an_alias_follows_its_user(cognito: Driver) -> None:
    pool = cognito.pool(AliasAttributes=["email", "preferred_username"])
    client = cognito.client(pool)
    cognito.user(pool, email="a@example.com", email_verified="true", preferred_username="anna")
    cognito.user(pool, "bo", email="b@example.com", email_verified="true")
    for name in ("ana", "a@example.com", "anna"):
        assert cognito.sign_in(client, name)
    taken = [{"Name": "email", "Value": "a@example.com"}, {"Name": "email_verified", "Value": "true"}]
    move = {"UserPoolId": pool, "Username": "bo", "UserAttributes": taken}
    assert cognito.fails("AdminUpdateUserAttributes", **move).code == "AliasExistsException"
    cognito("AdminDeleteUserAttributes", UserPoolId=pool, Username="ana", UserAttributeNames=["email"])
    cognito("AdminUpdateUserAttributes", **move)
    assert cognito("AdminGetUser", UserPoolId=pool, Username="a@example.com")["Username"] == "bo"
    missing = cognito.fails("AdminGetUser", UserPoolId=pool, Username="b@example.com")
    assert missing.code == "UserNotFoundException"


def test_users_are_listed_in_pages_and_by_filter(cognito: Driver) -> None:
    pool = cognito.pool()
    for i in range(7):
        name = f"user{i}"
        attributes = [{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "name", "Value": 'A "Q" B'}]
        cognito("AdminCreateUser", UserPoolId=pool, Username=name, UserAttributes=attributes)
    cognito("AdminDisableUser", UserPoolId=pool, Username="user3")

    def listed(**members: Any) -> list[str]:
        names: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = cognito("ListUsers", UserPoolId=pool, **members, **token)
            names += [user["Username"] for user in page["Users"]]
            if "PaginationToken" not in page:
                return names
            token = {"PaginationToken": page["PaginationToken"]}

    everybody = [f"user{i}" for i in range(7)]
    assert listed() == listed(Limit=3) == listed(Limit=0) == listed(Filter="") == everybody
    assert listed(Filter='email = "user2@example.com"') == ["user2"]
    assert listed(Filter='username ^= "user"', Limit=2) == everybody
    assert listed(Filter='name = "A \\"Q\\" B"') == everybody
    assert listed(Filter='status = "Disabled"') == ["user3"]
    assert listed(Filter='cognito:user_status = "force_change_password"') == everybody
    assert listed(Filter='given_name ^= ""') == []
    for wrong in ("email", 'email > "x"', 'custom:x = "y"', 'email = "x" or name = "y"'):
        refused = cognito.fails("ListUsers", UserPoolId=pool, Filter=wrong)
        assert refused.code == "InvalidParameterException"
    only = cognito("ListUsers", UserPoolId=pool, AttributesToGet=["email"], Limit=1)["Users"][0]
    assert [item["Name"] for item in only["Attributes"]] == ["email"]


def test_a_page_goes_on_where_it_was_whoever_left_meanwhile(cognito: Driver) -> None:
    pool = cognito.pool()
    for i in range(4):
        cognito("AdminCreateUser", UserPoolId=pool, Username=f"user{i}")
    page = cognito("ListUsers", UserPoolId=pool, Limit=2)
    for name in ("user0", "user1"):
        cognito("AdminDeleteUser", UserPoolId=pool, Username=name)
    rest = cognito("ListUsers", UserPoolId=pool, PaginationToken=page["PaginationToken"])
    assert [user["Username"] for user in rest["Users"]] == ["user2", "user3"]


def test_groups_come_and_go_with_their_users(cognito: Driver) -> None:
    pool = cognito.pool()
    cognito.user(pool)
    cognito.user(pool, "bo")
    for name in ("drivers", "admins"):
        cognito("CreateGroup", UserPoolId=pool, GroupName=name, Description="x")
    assert cognito.fails("CreateGroup", UserPoolId=pool, GroupName="admins").code == "GroupExistsException"
    member = {"UserPoolId": pool, "Username": "ana", "GroupName": "drivers"}
    assert cognito("AdminAddUserToGroup", **member) is None
    cognito("AdminAddUserToGroup", **member)
    cognito("AdminAddUserToGroup", **{**member, "GroupName": "admins"})
    cognito("AdminAddUserToGroup", **{**member, "Username": "bo"})

    def groups(name: str) -> list[str]:
        listed = cognito("AdminListGroupsForUser", UserPoolId=pool, Username=name)["Groups"]
        return [group["GroupName"] for group in listed]

    def users(name: str) -> list[str]:
        listed = cognito("ListUsersInGroup", UserPoolId=pool, GroupName=name)["Users"]
        return [user["Username"] for user in listed]

    assert groups("ana") == ["admins", "drivers"]
    assert users("drivers") == ["ana", "bo"]
    updated = cognito("UpdateGroup", UserPoolId=pool, GroupName="drivers", Precedence=3)["Group"]
    assert (updated["Description"], updated["Precedence"]) == ("x", 3)
    cognito("AdminRemoveUserFromGroup", **member)
    assert groups("ana") == ["admins"]
    cognito("DeleteGroup", UserPoolId=pool, GroupName="admins")
    assert groups("ana") == []
    assert [g["GroupName"] for g in cognito("ListGroups", UserPoolId=pool)["Groups"]] == ["drivers"]
    for operation, wrong in (
        ("GetGroup", {"UserPoolId": pool, "GroupName": "admins"}),
        ("AdminAddUserToGroup", {**member, "GroupName": "admins"}),
    ):
        assert cognito.fails(operation, **wrong).code == "ResourceNotFoundException"
    assert cognito.fails("AdminAddUserToGroup", **{**member, "Username": "no"}).code == (
        "UserNotFoundException"
    )


def test_clients_are_described_updated_and_listed(cognito: Driver) -> None:
    pool = cognito.pool()
    made = cognito("CreateUserPoolClient", UserPoolId=pool, ClientName="web", GenerateSecret=True)
    client = made["UserPoolClient"]
    assert len(client["ClientId"]) == 26
    assert len(client["ClientSecret"]) == 51
    assert client["RefreshTokenValidity"] == 30
    assert cognito("DescribeUserPoolClient", UserPoolId=pool, ClientId=client["ClientId"]) == made
    updated = cognito(
        "UpdateUserPoolClient", UserPoolId=pool, ClientId=client["ClientId"], RefreshTokenValidity=2
    )["UserPoolClient"]
    assert (updated["ClientName"], updated["RefreshTokenValidity"]) == ("web", 2)
    assert updated["ClientSecret"] == client["ClientSecret"]
    listed = cognito("ListUserPoolClients", UserPoolId=pool)["UserPoolClients"]
    assert listed == [{"ClientId": client["ClientId"], "UserPoolId": pool, "ClientName": "web"}]
    other = cognito.pool()
    assert cognito.fails("DescribeUserPoolClient", UserPoolId=other, ClientId=client["ClientId"]).code == (
        "ResourceNotFoundException"
    )


def test_an_invitation_carries_the_temporary_password(cognito: Driver) -> None:
    pool = cognito.pool()
    cognito(
        "AdminCreateUser",
        UserPoolId=pool,
        Username="ana",
        UserAttributes=[{"Name": "email", "Value": "a@example.com"}],
        DesiredDeliveryMediums=["EMAIL"],
    )
    message = cognito.service.messages()[-1]
    assert (message["purpose"], message["medium"]) == ("invitation", "EMAIL")
    challenge = cognito(
        "AdminInitiateAuth",
        UserPoolId=pool,
        ClientId=cognito.client(pool),
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ana", "PASSWORD": message["secret"]},
    )
    assert challenge["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    again = cognito.fails("AdminCreateUser", UserPoolId=pool, Username="ana")
    assert (again.code, again.message) == ("UsernameExistsException", "User account already exists")


def test_a_reset_forgets_pools_and_messages(cognito: Driver) -> None:
    pool = cognito.pool(AutoVerifiedAttributes=["email"])
    cognito("SignUp", ClientId=cognito.client(pool), Username="a", Password="Aa1!aaaa")
    cognito.service._forget()
    assert cognito("ListUserPools", MaxResults=1)["UserPools"] == []
    assert cognito.service.messages() == []


def test_every_operation_of_aws_is_offered_or_refused_by_name(cognito: Driver) -> None:
    from harness.emulator.services.cognito import inputs
    from harness.emulator.services.cognito.quotas import CATEGORY_OF

    assert set(CATEGORY_OF) <= inputs.operations()
    for operation in inputs.operations() - set(CATEGORY_OF):
        refused = cognito.fails(operation)
        assert (refused.status, operation in refused.message) == (501, True)
    assert cognito.fails("Nonsense").code == "UnknownOperationException"
