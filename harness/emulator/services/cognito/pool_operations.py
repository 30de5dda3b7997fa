"""Operations on pools: create, describe, update, delete, list; attributes of their own, tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.cognito import inputs
from harness.emulator.services.cognito.errors import invalid_parameter, not_offered
from harness.emulator.services.cognito.paging import page
from harness.emulator.services.cognito.pools import Registry, UserPool

Json = dict[str, Any]
_KEPT = (
    *("Policies", "DeletionProtection", "AutoVerifiedAttributes", "AliasAttributes", "UsernameAttributes"),
    *("SmsVerificationMessage", "EmailVerificationMessage", "EmailVerificationSubject"),
    *("VerificationMessageTemplate", "SmsAuthenticationMessage", "EmailConfiguration", "SmsConfiguration"),
    *("UserPoolTags", "AdminCreateUserConfig", "Schema", "UsernameConfiguration", "AccountRecoverySetting"),
    *("UserPoolTier", "UserPoolAddOns"),
)
_HANDLED = frozenset({*_KEPT, "MfaConfiguration", "PoolName", "UserPoolId"})


class PoolOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create_user_pool(self, body: Json, context: CallContext, now_s: float) -> Json:
        """Creates a pool. Its keys are made in the background."""
        _check_settings("CreateUserPool", body)
        if body.get("AliasAttributes") and body.get("UsernameAttributes"):
            raise invalid_parameter(
                "Only one of the aliasAttributes or usernameAttributes can be set in a user pool."
            )
        settings = {name: body[name] for name in _KEPT if body.get(name) is not None}
        pool = self._registry.create_pool(body["PoolName"], settings, context, now_s)
        return {"UserPool": _described(pool)}

    def describe_user_pool(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """Everything about a pool but what lives in it."""
        return {"UserPool": _described(self._registry.pool(body["UserPoolId"]))}

    def update_user_pool(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Replaces the settings that can change; what is not given goes back to its default, as on AWS."""
        pool = self._registry.pool(body["UserPoolId"])
        _check_settings("UpdateUserPool", body, software_token=pool.software_token_offered)
        pool.update({name: body[name] for name in _KEPT if body.get(name) is not None}, now_s)
        pool.mfa = body.get("MfaConfiguration") or "OFF"
        if body.get("PoolName"):
            self._registry.rename(pool, body["PoolName"])
        return {}

    def delete_user_pool(self, body: Json, _context: CallContext, _now_s: float) -> None:
        """Deletes a pool, unless it is protected."""
        pool = self._registry.pool(body["UserPoolId"])
        if pool.settings.get("DeletionProtection") == "ACTIVE":
            raise invalid_parameter(
                "The user pool cannot be deleted because deletion protection is activated. "
                "Deletion protection must be inactivated first."
            )
        self._registry.remove_pool(pool)

    def list_user_pools(self, body: Json, context: CallContext, _now_s: float) -> Json:
        """The pools of the Region."""
        pools = sorted(
            (pool for pool in self._registry.pools.values() if pool.region == context.region),
            key=lambda pool: pool.id,
        )
        found, token = page(pools, lambda pool: pool.id, body.get("NextToken"), body["MaxResults"])
        listed = [
            {
                "Id": pool.id,
                "Name": pool.name,
                "LambdaConfig": {},
                "LastModifiedDate": pool.modified_s,
                "CreationDate": pool.created_s,
            }
            for pool in found
        ]
        return {"UserPools": listed, **({"NextToken": token} if token else {})}

    def add_custom_attributes(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Adds to the schema; nothing when one of them cannot be added."""
        pool = self._registry.pool(body["UserPoolId"])
        before = dict(pool.schema.attributes)
        try:
            for item in body["CustomAttributes"]:
                pool.schema.add_custom(item)
        except Exception:
            pool.schema.attributes = before
            raise
        pool.modified_s = now_s
        return {}

    def tag_resource(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """Adds tags to a pool."""
        self._registry.pool_by_arn(body["ResourceArn"]).tags.update(body["Tags"])
        return {}

    def untag_resource(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """Takes tags from a pool."""
        tags = self._registry.pool_by_arn(body["ResourceArn"]).tags
        for key in body["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """A pool's tags."""
        return {"Tags": dict(self._registry.pool_by_arn(body["ResourceArn"]).tags)}


def _check_settings(operation: str, body: Mapping[str, Any], *, software_token: bool = False) -> None:
    """Raises AwsError NotImplemented, naming it, for a setting that would change what the pool does and that
    we do not have."""
    for name in inputs.members(operation) - _HANDLED:
        if body.get(name):
            raise not_offered(f"{name} ({operation})")
    if body.get("MfaConfiguration", "OFF") != "OFF" and not software_token:
        if not body.get("SmsConfiguration"):
            raise invalid_parameter(
                "SMS configuration and Auto verification for phone_number are required when MFA is "
                "required/optional"
            )
        raise not_offered("codes by SMS as a second factor (MfaConfiguration)")
    if (body.get("UserPoolAddOns") or {}).get("AdvancedSecurityMode", "OFF") != "OFF":
        raise not_offered("threat protection (UserPoolAddOns)")
    template = body.get("VerificationMessageTemplate") or {}
    if template.get("DefaultEmailOption", "CONFIRM_WITH_CODE") != "CONFIRM_WITH_CODE":
        raise not_offered("confirmation by link (VerificationMessageTemplate)")
    policies = body.get("Policies") or {}
    if (policies.get("PasswordPolicy") or {}).get("PasswordHistorySize"):
        raise not_offered("a password history (PasswordHistorySize)")
    factors = (policies.get("SignInPolicy") or {}).get("AllowedFirstAuthFactors") or ["PASSWORD"]
    if factors != ["PASSWORD"]:
        raise not_offered(f"first factors other than PASSWORD ({', '.join(factors)})")


def _described(pool: UserPool) -> Json:
    settings = {
        name: value for name, value in pool.settings.items() if name not in ("Schema", "UserPoolTags")
    }
    settings["Policies"] = {**settings.get("Policies", {}), "PasswordPolicy": pool.policy.describe()}
    return {
        "Id": pool.id,
        "Name": pool.name,
        "Arn": pool.arn,
        "DeletionProtection": "INACTIVE",
        "LambdaConfig": {},
        "MfaConfiguration": pool.mfa,
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 7},
        "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
        "LastModifiedDate": pool.modified_s,
        "CreationDate": pool.created_s,
        "EstimatedNumberOfUsers": len(pool.users),
        "SchemaAttributes": pool.schema.describe(),
        **settings,
        "UserPoolTier": pool.tier,
        "UserPoolTags": dict(pool.tags),
    }
