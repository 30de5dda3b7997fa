"""Signing in as users of the front ends, as a front end does: Cognito's InitiateAuth with a password.

Tokens are minted at deployment, and stand in its outputs: entrances are made in several processes, and a
generator must not wait for a sign-in while it should be sending. An ID token lasts a day; who finds it too
old (`launchday up` of the day before) signs in again, all users at once.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from deploy.accounts import account_id, password, username
from harness.errors import TargetError

TARGET = "AWSCognitoIdentityProviderService.InitiateAuth"
HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": TARGET}

_THREADS = 8
_TIMEOUT_S = 30.0
_FRESH_S = 600.0


def parameters(client_id: str, seed: str, account: str) -> dict[str, Any]:
    """What InitiateAuth is given for the user of `account`."""
    credentials = {"USERNAME": username(account), "PASSWORD": password(seed, account)}
    return {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client_id, "AuthParameters": credentials}


def id_token(endpoint: str, client_id: str, seed: str, account: str) -> str:
    """A new ID token of the user of `account`. Raises TargetError."""
    body = orjson.dumps(parameters(client_id, seed, account))
    request = urllib.request.Request(endpoint, body, HEADERS)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            token: str = json.load(answer)["AuthenticationResult"]["IdToken"]
    except urllib.error.HTTPError as refusal:
        why = refusal.read()[:300].decode(errors="replace")
        raise TargetError(
            f"The user of {account} cannot sign in: {why}.", "Deploy with `--set users=N` for N users."
        ) from None
    except (OSError, KeyError, ValueError) as why:
        raise TargetError(f"The user of {account} cannot sign in: {why}.") from why
    return token


def id_tokens(sign_in: Callable[[str], str], accounts: Iterable[str]) -> dict[str, str]:
    """A new ID token for each of `accounts`, from `sign_in`, several at once. Raises what it raises."""
    wanted = list(accounts)
    with ThreadPoolExecutor(_THREADS) as threads:
        return dict(zip(wanted, threads.map(sign_in, wanted), strict=True))


class Tokens:
    """The ID tokens of a deployment's users: those of its outputs as long as they last."""

    def __init__(self, outputs: Mapping[str, Any], now_s: float | None = None) -> None:
        live = outputs["live"]
        self._endpoint: str = live["sign_in_url"]
        self._client_id: str = live["client_id"]
        self._seed: str = outputs["accounts"]["seed"]
        self._kept: dict[str, str] = dict(live["tokens"])
        ends_s = min(map(expires_s, self._kept.values()), default=0.0)
        if self._kept and ends_s < (time.time() if now_s is None else now_s) + _FRESH_S:
            self._kept = id_tokens(self._sign_in, self._kept)

    def kept(self, account: int) -> str | None:
        """The token of account number `account`; None where no user of it was made."""
        return self._kept.get(account_id(account))

    def of(self, account: int) -> str:
        """The same, from a sign-in where it is not kept. Raises TargetError; may block."""
        name = account_id(account)
        if name not in self._kept:
            self._kept[name] = self._sign_in(name)
        return self._kept[name]

    def _sign_in(self, account: str) -> str:
        return id_token(self._endpoint, self._client_id, self._seed, account)


def expires_s(token: str) -> float:
    """When a JWT ends, in seconds since the epoch; its signature is not looked at."""
    claims = token.split(".")[1]
    return float(json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
