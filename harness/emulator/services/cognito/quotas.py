"""Request rate quotas: which operation draws on which category, and the buckets.

A category is an account's in a Region, over all its pools. Challenge responses have three times the rate of
sign-ins; what goes beyond that counts as sign-ins. One user may be read ten times a second and written ten
times. What is refused is TooManyRequestsException, and says nothing of when to come again.
docs: Quotas in Amazon Cognito, request rate categories, special request rate handling (read 2026)
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.aws.limits.profiles import Limits
from harness.aws.limits.token_bucket import TokenBucket
from harness.emulator.services.cognito.errors import too_many_requests

AUTHENTICATION = "user_authentication"
CHALLENGE = "challenge_response"
RECOVERY = "user_account_recovery"
_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    AUTHENTICATION: ("InitiateAuth", "AdminInitiateAuth", "GetTokensFromRefreshToken"),
    CHALLENGE: ("RespondToAuthChallenge", "AdminRespondToAuthChallenge"),
    "user_creation": ("SignUp", "ConfirmSignUp", "AdminCreateUser", "AdminConfirmSignUp"),
    RECOVERY: (
        *("ChangePassword", "ConfirmForgotPassword", "ForgotPassword", "AdminResetUserPassword"),
        "AdminSetUserPassword",
    ),
    "user_read": ("AdminGetUser", "GetUser"),
    "user_update": (
        *("AdminAddUserToGroup", "AdminDeleteUserAttributes", "AdminUpdateUserAttributes"),
        *("AdminDeleteUser", "AdminDisableUser", "AdminEnableUser", "VerifyUserAttribute", "DeleteUser"),
        *("DeleteUserAttributes", "UpdateUserAttributes", "AdminUserGlobalSignOut", "GlobalSignOut"),
        "AdminRemoveUserFromGroup",
    ),
    "user_token": ("RevokeToken",),
    "user_resource_read": (
        *("AdminListGroupsForUser", "GetUserAttributeVerificationCode", "ResendConfirmationCode"),
    ),
    "user_resource_update": (
        *("AdminSetUserMFAPreference", "AssociateSoftwareToken", "SetUserMFAPreference"),
        "VerifySoftwareToken",
    ),
    "user_list": ("ListUsers", "ListUsersInGroup"),
    "user_pool_read": ("DescribeUserPool", "ListUserPools"),
    "user_pool_update": ("CreateUserPool", "UpdateUserPool", "DeleteUserPool"),
    "user_pool_resource_read": ("GetGroup", "GetUserPoolMfaConfig", "ListGroups", "ListTagsForResource"),
    "user_pool_resource_update": (
        *("AddCustomAttributes", "CreateGroup", "DeleteGroup", "SetUserPoolMfaConfig", "UpdateGroup"),
        *("TagResource", "UntagResource"),
    ),
    "user_pool_client_read": ("DescribeUserPoolClient", "ListUserPoolClients"),
    "user_pool_client_update": ("CreateUserPoolClient", "DeleteUserPoolClient", "UpdateUserPoolClient"),
}
CATEGORY_OF: Mapping[str, str] = {
    operation: category for category, operations in _CATEGORIES.items() for operation in operations
}


class RequestQuotas:
    """The buckets of one account in one Region. A bucket holds one second's worth."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        rates = {
            category: getattr(limits, f"cognito_{category}_per_s")
            for category in _CATEGORIES
            if category != CHALLENGE
        }
        rates[CHALLENGE] = 3 * rates[AUTHENTICATION]
        self._buckets = {category: TokenBucket(rate, rate, now_s) for category, rate in rates.items()}

    def take(self, operation: str, now_s: float, *, sets_password: bool = False) -> None:
        """Take a request's share; `sets_password`: a challenge response that sets a new one. Raises AwsError
        TooManyRequestsException."""
        category = CATEGORY_OF[operation]
        if category == CHALLENGE:
            if sets_password:
                category = RECOVERY
            elif not self._buckets[CHALLENGE].take(now_s):
                return
            else:
                category = AUTHENTICATION
        if self._buckets[category].take(now_s):
            raise too_many_requests()


class UserQuotas:
    """How often each user may be read and written in a second of the clock."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._second = -1
        self._counts: dict[tuple[str, bool], int] = {}

    def take(self, sub: str, now_s: float, *, write: bool = False) -> None:
        """Count an operation on the user. Raises AwsError TooManyRequestsException."""
        if self._per_s == math.inf:
            return
        second = int(now_s)
        if second != self._second:
            self._second = second
            self._counts.clear()
        count = self._counts.get((sub, write), 0)
        if count >= self._per_s:
            raise too_many_requests()
        self._counts[sub, write] = count + 1
