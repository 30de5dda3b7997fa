"""User pools, and the registry that finds them and their clients."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from harness.aws.limits.profiles import Limits
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito import srp
from harness.emulator.services.cognito.clients import AppClient
from harness.emulator.services.cognito.codes import Codes, HourlyTries, Mailbox
from harness.emulator.services.cognito.errors import (
    invalid_parameter,
    no_such_client,
    no_such_pool,
    not_found,
)
from harness.emulator.services.cognito.keys import KeyMaker, PoolKeys
from harness.emulator.services.cognito.metering import PoolMeters
from harness.emulator.services.cognito.passwords import Lockouts, PasswordPolicy
from harness.emulator.services.cognito.quotas import RequestQuotas, UserQuotas
from harness.emulator.services.cognito.schema import Schema
from harness.emulator.services.cognito.tokens import GroupClaims, Revocations, Session
from harness.emulator.services.cognito.totp import SoftwareToken
from harness.emulator.services.cognito.users import User, Users
from harness.measure.meters import Gauge, Meters

MAX_POOLS = 1_000
MAX_CLIENTS_OF_POOL = 1_000
_NO_PRECEDENCE = 2**31


@dataclass(slots=True)
class Group:
    """A group of users. Who is in it is kept with the users."""

    name: str
    created_s: float
    modified_s: float
    description: str | None = None
    role_arn: str | None = None
    precedence: int | None = None

    def describe(self, pool_id: str) -> dict[str, Any]:
        """As GetGroup shows it."""
        shown = {
            "GroupName": self.name,
            "UserPoolId": pool_id,
            "Description": self.description,
            "RoleArn": self.role_arn,
            "Precedence": self.precedence,
            "LastModifiedDate": self.modified_s,
            "CreationDate": self.created_s,
        }
        return {name: value for name, value in shown.items() if value is not None}


class UserPool:
    """One pool: its settings, and all that lives in it. `settings` are the members of CreateUserPool that are
    kept as given."""

    def __init__(
        self,
        pool_id: str,
        name: str,
        context: CallContext,
        settings: Mapping[str, Any],
        keys: Future[PoolKeys],
        meters: PoolMeters,
        now_s: float,
    ) -> None:
        self.id = pool_id
        self.name = name
        self.region = context.region
        self.arn = f"arn:aws:cognito-idp:{context.region}:{context.account_id}:userpool/{pool_id}"
        self.issuer = f"https://cognito-idp.{context.region}.amazonaws.com/{pool_id}"
        self.created_s = self.modified_s = now_s
        self.settings = dict(settings)
        self.schema = Schema(settings.get("Schema") or ())
        self.tags: dict[str, str] = dict(settings.get("UserPoolTags") or {})
        self.users = Users(
            case_sensitive=(settings.get("UsernameConfiguration") or {}).get("CaseSensitive", True),
            sign_in_names=settings.get("UsernameAttributes") or (),
            aliases=settings.get("AliasAttributes") or (),
        )
        self.clients: dict[str, AppClient] = {}
        self.groups: dict[str, Group] = {}
        self.codes = Codes()
        self.lockouts = Lockouts()
        self.tries = HourlyTries()
        self.revocations = Revocations()
        self.mfa = "OFF"
        self.software_token_offered = False
        self.software_tokens: dict[str, SoftwareToken] = {}
        self.meters = meters
        self._keys = keys
        self._hidden_salt = secrets.token_bytes(32)
        self._no_password = srp.KeptPassword(secrets.token_bytes(srp.SALT_BYTES + 32))
        self._sessions = secrets.randbits(40)
        self.policy = self._policy()

    @property
    def keys(self) -> PoolKeys:
        """Its keys; waits while they are being made."""
        return self._keys.result()

    @property
    def short_name(self) -> str:
        """The part of the id that SRP calls the pool's name."""
        return self.id.partition("_")[2]

    @property
    def tier(self) -> str:
        """LITE, ESSENTIALS or PLUS."""
        return str(self.settings.get("UserPoolTier") or "ESSENTIALS")

    @property
    def auto_verified(self) -> tuple[str, ...]:
        """The attributes that Cognito sends codes to."""
        return tuple(self.settings.get("AutoVerifiedAttributes") or ())

    def update(self, settings: Mapping[str, Any], now_s: float) -> None:
        """Take new settings for those that can change; what is not among them goes back to its default."""
        fixed = ("Schema", "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
        kept = {name: self.settings[name] for name in fixed if name in self.settings}
        if settings.get("UserPoolTier") is None:
            kept["UserPoolTier"] = self.tier
        self.settings = {**settings, **kept}
        if settings.get("UserPoolTags") is not None:
            self.tags = dict(settings["UserPoolTags"])
        self.policy = self._policy()
        self.meters.set_tier(self.tier)
        self.modified_s = now_s

    def set_password(self, user: User, password: str, *, until_s: float | None = None) -> None:
        """Give `user` a password, which the caller has checked; a temporary one is good `until_s`."""
        user.password = srp.keep(self.short_name, user.username, password)
        user.password_until_s = until_s
        self.lockouts.succeeded(user.sub)

    def password_fits(self, user: User | None, password: str) -> bool:
        """Whether it is the user's. Takes as long for a user that does not exist, or has none."""
        kept = user.password if user is not None else None
        name = user.username if user is not None else ""
        return srp.fits(kept or self._no_password, self.short_name, name, password) and kept is not None

    def imaginary(self, username: str) -> tuple[str, bytes, bytes]:
        """An id, a salt and a verifier for a user that does not exist, always the same for one name."""
        digest = hmac.digest(self._hidden_salt, username.encode(), "sha256")
        salt = bytes([0x10 + digest[16] % 0x70]) + digest[17:32]
        verifier = b"\x01" + hashlib.shake_256(digest).digest(srp.VERIFIER_BYTES - 1)
        return str(uuid.UUID(bytes=digest[:16], version=4)), salt, verifier

    def begin_session(self, client: AppClient, now_s: float) -> Session:
        """A user of `client` signs in."""
        self._sessions += 1
        return Session.begin(self._sessions, client, now_s)

    def remove(self, user: User) -> None:
        """Let a user go, with all that is kept of the user."""
        self.users.remove(user)
        self.codes.forget(user.sub)
        self.software_tokens.pop(user.sub, None)

    def sign_out(self, user: User) -> None:
        """Void all tokens that the user holds."""
        user.signed_out_before = self._sessions + 1

    def voided(self, user: User, session_number: int) -> bool:
        """Whether tokens of that session of the user were revoked."""
        return session_number < user.signed_out_before or self.revocations.revoked(session_number)

    def group(self, name: str) -> Group:
        """Raises AwsError ResourceNotFoundException."""
        found = self.groups.get(name)
        if found is None:
            raise not_found("Group not found.")
        return found

    def groups_of(self, user: User) -> list[Group]:
        """The user's groups, the most important (lowest precedence) first."""
        groups = [self.groups[name] for name in user.groups]
        return sorted(groups, key=lambda group: (_rank(group), group.name))

    def group_claims(self, user: User) -> GroupClaims:
        """What the user's tokens say of groups. A role is preferred when it alone has the lowest
        precedence."""
        groups = self.groups_of(user)
        roles = [group for group in groups if group.role_arn]
        best = {group.role_arn for group in roles if _rank(group) == _rank(roles[0])}
        ranked = bool(roles) and roles[0].precedence is not None
        return GroupClaims(
            tuple(group.name for group in groups),
            tuple(dict.fromkeys(str(group.role_arn) for group in roles)),
            roles[0].role_arn if ranked and len(best) == 1 else None,
        )

    def _policy(self) -> PasswordPolicy:
        return PasswordPolicy.of((self.settings.get("Policies") or {}).get("PasswordPolicy"))


def _rank(group: Group) -> int:
    return _NO_PRECEDENCE if group.precedence is None else group.precedence


class Registry:
    """All pools of the account, by id and by client."""

    def __init__(self, *, meters: Meters, limits: Limits, keys: KeyMaker) -> None:
        self.pools: dict[str, UserPool] = {}
        self.mailbox = Mailbox()
        self._pool_of_client: dict[str, UserPool] = {}
        self._meters = meters
        self._limits = limits
        self._keys = keys
        self._quotas: dict[str, RequestQuotas] = {}
        self.user_quotas = UserQuotas(limits.cognito_operations_per_user_per_s)

    def quotas(self, region: str, now_s: float) -> RequestQuotas:
        """The request quotas of a Region."""
        found = self._quotas.get(region)
        if found is None:
            found = self._quotas[region] = RequestQuotas(self._limits, now_s)
        return found

    def create_pool(
        self, name: str, settings: Mapping[str, Any], context: CallContext, now_s: float
    ) -> UserPool:
        """A new pool; its keys are being made. Raises AwsError InvalidParameterException or
        LimitExceededException."""
        if sum(pool.region == context.region for pool in self.pools.values()) >= MAX_POOLS:
            raise AwsError("LimitExceededException", "The number of user pools exceeds the limit of 1000.")
        pool_id = f"{context.region}_{_random_id()}"
        tier = str(settings.get("UserPoolTier") or "ESSENTIALS")
        meters = PoolMeters(self._meters, name, tier)
        pool = UserPool(pool_id, name, context, settings, self._keys.begin(), meters, now_s)
        self.pools[pool_id] = pool
        return pool

    def rename(self, pool: UserPool, name: str) -> None:
        """Give a pool another name; from now on it is metered under that."""
        pool.name = name
        pool.meters = PoolMeters(self._meters, name, pool.tier)

    def pool(self, pool_id: str) -> UserPool:
        """Raises AwsError ResourceNotFoundException."""
        found = self.pools.get(pool_id)
        if found is None:
            raise no_such_pool(pool_id)
        return found

    def pool_by_arn(self, arn: str) -> UserPool:
        """Raises AwsError ResourceNotFoundException or InvalidParameterException."""
        _, slash, pool_id = arn.partition(":userpool/")
        if not slash:
            raise invalid_parameter("Invalid resource ARN")
        return self.pool(pool_id)

    def client(self, client_id: str) -> tuple[UserPool, AppClient]:
        """A client and its pool. Raises AwsError ResourceNotFoundException."""
        pool = self._pool_of_client.get(client_id)
        if pool is None:
            raise no_such_client(client_id)
        return pool, pool.clients[client_id]

    def client_of(self, pool: UserPool, client_id: str) -> AppClient:
        """A client of that pool. Raises AwsError ResourceNotFoundException."""
        found = pool.clients.get(client_id)
        if found is None:
            raise no_such_client(client_id)
        return found

    def add_client(self, pool: UserPool, client: AppClient) -> None:
        """Take a new client in. Raises AwsError LimitExceededException."""
        if len(pool.clients) >= MAX_CLIENTS_OF_POOL:
            raise AwsError("LimitExceededException", "The number of app clients exceeds the limit of 1000.")
        pool.clients[client.id] = client
        self._pool_of_client[client.id] = pool

    def remove_client(self, pool: UserPool, client_id: str) -> None:
        """Let a client go."""
        self.client_of(pool, client_id)
        del pool.clients[client_id]
        del self._pool_of_client[client_id]

    def remove_pool(self, pool: UserPool) -> None:
        """Let a pool go, and all in it."""
        for client_id in pool.clients:
            del self._pool_of_client[client_id]
        del self.pools[pool.id]

    def reset(self) -> None:
        """Forget everything."""
        self.pools.clear()
        self._pool_of_client.clear()
        self._quotas.clear()
        self.mailbox.clear()

    def gauges(self) -> Iterable[Gauge]:
        """How many users each pool has."""
        return [Gauge("cognito-idp", pool.name, "users", len(pool.users)) for pool in self.pools.values()]


def _random_id() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(9))
