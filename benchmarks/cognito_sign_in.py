"""Sign-ins a second with Cognito user pools: the embedded AWS beside moto's own server.

    python benchmarks/cognito_sign_in.py

By password, wrk sends the same InitiateAuth over 32 connections. With SRP a client proves the password in
two requests, one sign-in after the other; its own arithmetic, as much again, is not counted. moto computes
nothing for SRP and looks at no proof, so there its figure is that of two answers and two signatures. Needs
wrk.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from side_by_side import (
    CannotMeasure,
    Measurement,
    Request,
    Server,
    compare,
    free_port,
    pin_server,
    report,
    run,
    wrk,
    wrk_script,
)

from harness.aws.limits.profiles import NONE
from harness.emulator.launch import EmbeddedAws
from harness.emulator.services.cognito import srp

PASSWORD = "Correct-Horse-1"
USER = "ana"
SRP_SIGN_INS = 40
FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


CREDENTIALS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, "
    f"SignedHeaders=content-type;host;x-amz-target, Signature={'0' * 64}",
}
"""Neither server checks the signature."""


def headers(operation: str) -> dict[str, str]:
    """What an SDK sends where no credentials are needed."""
    return {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
    }


class Caller:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def __call__(self, operation: str, **members: Any) -> dict[str, Any]:
        self._connection.request("POST", "/", json.dumps(members), headers(operation) | CREDENTIALS)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise CannotMeasure(f"{operation} was answered {response.status}: {body[:300]!r}")
        answer: dict[str, Any] = json.loads(body) if body else {}
        return answer


def stand_up(url: str) -> tuple[str, str]:
    """A pool with one user: its id, and a client's."""
    call = Caller(url)
    pool: str = call("CreateUserPool", PoolName="riders")["UserPool"]["Id"]
    made = call("CreateUserPoolClient", UserPoolId=pool, ClientName="app", ExplicitAuthFlows=FLOWS)
    call("AdminCreateUser", UserPoolId=pool, Username=USER, MessageAction="SUPPRESS")
    call("AdminSetUserPassword", UserPoolId=pool, Username=USER, Password=PASSWORD, Permanent=True)
    client: str = made["UserPoolClient"]["ClientId"]
    return pool, client


@contextmanager
def by_password(url: str, client: str) -> Iterator[Callable[[], Measurement]]:
    """Measures sign-ins by password."""
    body = {
        "ClientId": client,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": USER, "PASSWORD": PASSWORD},
    }
    with wrk_script([Request("/", headers("InitiateAuth"), json.dumps(body))]) as script:
        yield lambda: wrk(url, script)


def by_srp(url: str, pool: str, client: str) -> Callable[[], Measurement]:
    """Measures sign-ins with SRP, by the time that the requests take."""
    call = Caller(url)

    def measure() -> Measurement:
        times_s = [srp_sign_in(call, pool, client) for _ in range(SRP_SIGN_INS)]
        ordered = sorted(times_s)
        return Measurement(
            per_s=SRP_SIGN_INS / sum(times_s),
            p50_ms=statistics.median(times_s) * 1e3,
            p99_ms=ordered[int(0.99 * (len(ordered) - 1))] * 1e3,
            requests=2 * SRP_SIGN_INS,
            errors=0,
        )

    return measure


def srp_sign_in(call: Caller, pool: str, client: str) -> float:
    """One sign-in; the seconds that its two requests took."""
    a = secrets.randbits(256)
    public_a = srp.power_of_g(a)
    began = time.perf_counter()
    challenge = call(
        "InitiateAuth",
        ClientId=client,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": USER, "SRP_A": f"{public_a:x}"},
    )
    took_s = time.perf_counter() - began
    given = challenge["ChallengeParameters"]
    responses = proof(pool, a, public_a, given)
    began = time.perf_counter()
    answer = call(
        "RespondToAuthChallenge",
        ClientId=client,
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses=responses,
    )
    took_s += time.perf_counter() - began
    if "IdToken" not in answer.get("AuthenticationResult", {}):
        raise CannotMeasure(f"Nobody was signed in: {answer}")
    return took_s


def proof(pool: str, a: int, public_a: int, given: dict[str, str]) -> dict[str, str]:
    """The client's half of SRP."""
    name, user = pool.partition("_")[2], given["USER_ID_FOR_SRP"]
    public_b = int(given["SRP_B"], 16)
    u = int.from_bytes(hashlib.sha256(srp.padded(public_a) + srp.padded(public_b)).digest())
    identity = hashlib.sha256(f"{name}{user}:{PASSWORD}".encode()).digest()
    x = int.from_bytes(hashlib.sha256(bytes.fromhex(given["SALT"]) + identity).digest())
    shared = pow(public_b - srp.K * srp.power_of_g(x), a + u * x, srp.N)
    key = srp.hkdf(shared, u)
    timestamp = "Tue Nov 24 12:00:00 UTC 2026"
    block = given["SECRET_BLOCK"]
    signature = srp.claim_signature(key, name, user, _bytes(block), timestamp)
    return {
        "USERNAME": given["USERNAME"],
        "PASSWORD_CLAIM_SECRET_BLOCK": block,
        "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signature).decode(),
        "TIMESTAMP": timestamp,
    }


def _bytes(block: str) -> bytes:
    """moto's is no base64; it does not look at the proof either."""
    return base64.b64decode(block.replace("-", "") + "=" * (-len(block.replace("-", "")) % 4))


def benchmark() -> None:
    port = free_port()
    peer = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with EmbeddedAws(port=0, limits=NONE) as aws, Server(command, port):
        pin_server(aws.pid)
        ours = aws.endpoints[""].rstrip("/")
        (our_pool, our_client), (peer_pool, peer_client) = stand_up(ours), stand_up(peer)
        with by_password(ours, our_client) as our_runs, by_password(peer, peer_client) as peer_runs:
            report(compare("cognito_sign_in_password", {"launchday": our_runs, "moto": peer_runs}))
        report(
            compare(
                "cognito_sign_in_srp",
                {
                    "launchday": by_srp(ours, our_pool, our_client),
                    "moto (proof not checked)": by_srp(peer, peer_pool, peer_client),
                },
                details={"sign_ins_a_run": SRP_SIGN_INS, "connections": 1},
            )
        )


if __name__ == "__main__":
    sys.exit(run(benchmark))
