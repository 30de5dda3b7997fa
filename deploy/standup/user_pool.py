"""The Cognito user pool of the front ends' users, its app client, and the users themselves.

Whose user somebody is stands in the attribute `custom:account_id`, which is set when the user is made and can
be changed by nobody afterwards; users cannot sign themselves up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy.accounts import account_id, password, username
from deploy.standup.engine import Clients, Facts, Journal, Known
from deploy.standup.parameters import read
from deploy.standup.waiting import code_of, found, once_possible

CLAIM = "custom:account_id"
ID_TOKEN_HOURS = 24  # the longest that Cognito gives

_MISSING = ("ResourceNotFoundException",)
_THREADS = 8
_POOL: Mapping[str, Any] = {
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
    "Policies": {
        "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireUppercase": True,
            "RequireLowercase": True,
            "RequireNumbers": True,
            "RequireSymbols": True,
        }
    },
}
_CLIENT: Mapping[str, Any] = {
    "ExplicitAuthFlows": [
        "ALLOW_REFRESH_TOKEN_AUTH",
        "ALLOW_USER_PASSWORD_AUTH",
        "ALLOW_USER_SRP_AUTH",
    ],
    "IdTokenValidity": ID_TOKEN_HOURS,
    "TokenValidityUnits": {"IdToken": "hours"},
    "PreventUserExistenceErrors": "ENABLED",
    "ReadAttributes": [CLAIM, "email"],
    "WriteAttributes": ["email"],
}


@dataclass(frozen=True)
class UserPool:
    """A pool with one app client, both found by name."""

    clients: Clients
    name: str
    pool_name: str
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:  # noqa: ARG002
        """Create pool and client, or bring the client to what is described."""
        cognito = self.clients("cognito-idp")
        pool_id = self._find()
        if pool_id is None:
            own = {"Name": "account_id", "AttributeDataType": "String", "Mutable": False}
            made = cognito.create_user_pool(PoolName=self.pool_name, Schema=[own], **_POOL)
            pool_id = made["UserPool"]["Id"]
            journal.note(f"created the user pool {self.pool_name}", self.take_down)
        return {"id": pool_id, "client_id": self._client(pool_id, journal)}

    def _client(self, pool_id: str, journal: Journal) -> str:
        cognito = self.clients("cognito-idp")
        pages = cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool_id)
        ids = [
            each["ClientId"]
            for page in pages
            for each in page["UserPoolClients"]
            if each["ClientName"] == self.pool_name
        ]
        if not ids:
            made = cognito.create_user_pool_client(
                UserPoolId=pool_id, ClientName=self.pool_name, GenerateSecret=False, **_CLIENT
            )["UserPoolClient"]
            client_id: str = made["ClientId"]
            journal.note(
                f"created the app client of {self.pool_name}",
                lambda: found(
                    lambda: cognito.delete_user_pool_client(UserPoolId=pool_id, ClientId=client_id),
                    missing=_MISSING,
                ),
            )
            return client_id
        client_id = min(ids)
        there = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
        before = {name: there.get(name) for name in _CLIENT}
        if _ordered(before) != _ordered(_CLIENT):
            self._set(pool_id, client_id, _CLIENT)
            journal.note(
                f"changed the app client of {self.pool_name}", lambda: self._set(pool_id, client_id, before)
            )
        return client_id

    def _set(self, pool_id: str, client_id: str, settings: Mapping[str, Any]) -> None:
        given = {name: value for name, value in settings.items() if value is not None}
        self.clients("cognito-idp").update_user_pool_client(
            UserPoolId=pool_id, ClientId=client_id, ClientName=self.pool_name, **given
        )

    def _find(self) -> str | None:
        pages = self.clients("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
        ids = [each["Id"] for page in pages for each in page["UserPools"] if each["Name"] == self.pool_name]
        return min(ids, default=None)

    def take_down(self) -> None:
        """Delete the pool with its users."""
        pool_id = self._find()
        if pool_id is not None:
            cognito = self.clients("cognito-idp")
            found(lambda: cognito.delete_user_pool(UserPoolId=pool_id), missing=_MISSING)


def _ordered(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Cognito gives lists back in an order of its own, and units that nobody asked for."""
    units = settings.get("TokenValidityUnits") or {}
    plain = {name: sorted(value) if isinstance(value, list) else value for name, value in settings.items()}
    return {**plain, "TokenValidityUnits": units.get("IdToken")}


@dataclass(frozen=True)
class Users:
    """A user for each of the first `count` accounts. How many there are is kept in SSM, so that a second
    stand-up makes only those that are missing."""

    clients: Clients
    name: str
    count: int
    count_parameter: str
    pool: str
    accounts: str
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Make the users that are not there yet."""
        pool_id, seed = known[self.pool]["id"], known[self.accounts]["seed"]
        kept = read(self.clients, [self.count_parameter]).get(self.count_parameter, f"{pool_id} 0")
        of, _, number = kept.partition(" ")
        made = int(number) if of == pool_id else 0  # those of a pool that is gone went with it
        if made < self.count:
            with ThreadPoolExecutor(_THREADS) as threads:
                for _ in threads.map(self._maker(pool_id, seed), range(made, self.count)):
                    pass
            self._put(f"{pool_id} {self.count}")
            journal.note(
                f"made {self.count - made} users",
                # Users beyond the number that is kept harm nobody, and are taken over the next time.
                lambda: self._put(f"{pool_id} {made}") if made else self.take_down(),
            )
        return {"count": str(max(self.count, made))}

    def _maker(self, pool_id: str, seed: str) -> Callable[[int], None]:
        cognito = self.clients("cognito-idp")

        def make(number: int) -> None:
            account = account_id(number)
            who = {"UserPoolId": pool_id, "Username": username(account)}
            once_possible(lambda: _create(cognito, who, account), _throttled)
            once_possible(
                lambda: cognito.admin_set_user_password(
                    **who, Password=password(seed, account), Permanent=True
                ),
                _throttled,
            )

        return make

    def _put(self, value: str) -> None:
        self.clients("ssm").put_parameter(
            Name=self.count_parameter, Value=value, Type="String", Overwrite=True
        )

    def take_down(self) -> None:
        """Forget their number; the users go with their pool."""
        self.clients("ssm").delete_parameters(Names=[self.count_parameter])


def _create(cognito: Any, who: Mapping[str, str], account: str) -> None:
    attributes = [{"Name": CLAIM, "Value": account}]
    found(
        lambda: cognito.admin_create_user(**who, MessageAction="SUPPRESS", UserAttributes=attributes),
        missing=("UsernameExistsException",),
    )


def _throttled(error: ClientError) -> bool:
    return code_of(error) == "TooManyRequestsException"
