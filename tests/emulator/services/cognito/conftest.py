from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from harness.aws.limits.profiles import FRESH, NONE, Limits
from harness.emulator.services.base import AwsError, CallContext
from harness.emulator.services.cognito import CognitoService
from harness.emulator.services.cognito.keys import KeyMaker, new_rsa_key
from harness.measure.meters import Meters

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

START_S = 1_700_000_000.0
PASSWORD = "Correct-Horse-1"


@cache
def _key(number: int) -> RSAPrivateKey:
    return new_rsa_key()


def recycled_keys() -> KeyMaker:
    """Keys of pools that differ within a test and are used again in the next: making them takes long."""
    numbers = count()
    return KeyMaker(lambda: _key(next(numbers) % 6))


class Driver:
    """A service under a clock that only the test moves."""

    def __init__(self, limits: Limits) -> None:
        self.now_s = START_S
        self.meters = Meters()
        self.context = CallContext(account_id="123456789012")
        self.service = CognitoService(
            meters=self.meters, limits=limits, clock=lambda: self.now_s, keys=recycled_keys()
        )

    def __call__(self, operation: str, **members: Any) -> Any:
        answer = self.service.answer(operation, orjson.dumps(members), self.context)
        return orjson.loads(answer) if answer else None

    def fails(self, operation: str, **members: Any) -> AwsError:
        with pytest.raises(AwsError) as caught:
            self(operation, **members)
        return caught.value

    def advance(self, seconds: float) -> None:
        self.now_s += seconds

    def pool(self, **members: Any) -> str:
        pool_id: str = self("CreateUserPool", **{"PoolName": "riders", **members})["UserPool"]["Id"]
        return pool_id

    def client(self, pool_id: str, **members: Any) -> str:
        members.setdefault(
            "ExplicitAuthFlows",
            [
                *("ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
                "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            ],
        )
        made = self("CreateUserPoolClient", UserPoolId=pool_id, ClientName="app", **members)
        client_id: str = made["UserPoolClient"]["ClientId"]
        return client_id

    def user(
        self, pool_id: str, username: str = "ana", /, password: str = PASSWORD, **attributes: str
    ) -> None:
        self(
            "AdminCreateUser",
            UserPoolId=pool_id,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
        )
        self("AdminSetUserPassword", UserPoolId=pool_id, Username=username, Password=password, Permanent=True)

    def sign_in(self, client_id: str, name: str = "ana", password: str = PASSWORD) -> dict[str, Any]:
        answer: dict[str, Any] = self("InitiateAuth", **password_auth(client_id, name, password))
        return answer["AuthenticationResult"]

    def code(self) -> str:
        secret: str = self.service.messages()[-1]["secret"]
        return secret

    def used(self, unit: str, pool: str = "riders") -> float:
        return self.meters.counter("cognito-idp", pool, unit).value


def password_auth(client_id: str, name: str = "ana", password: str = PASSWORD) -> dict[str, Any]:
    """The input of InitiateAuth by password."""
    return {
        "ClientId": client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": name, "PASSWORD": password},
    }


def refresh_auth(client_id: str, token: str, **parameters: str) -> dict[str, Any]:
    """The input of InitiateAuth by refresh token."""
    return {
        "ClientId": client_id,
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": {"REFRESH_TOKEN": token, **parameters},
    }


@pytest.fixture
def drive() -> Callable[..., Driver]:
    """Makes a service: `drive(limits=FRESH)`; without limits by default."""
    return lambda limits=NONE: Driver(limits)


@pytest.fixture
def cognito(drive: Callable[..., Driver]) -> Driver:
    """A service without limits."""
    return drive()


@pytest.fixture
def limited(drive: Callable[..., Driver]) -> Driver:
    """A service under AWS's own limits."""
    return drive(FRESH)
