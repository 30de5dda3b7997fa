"""SRP: the arithmetic, and what the service makes of bad answers."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.emulator.services.cognito import srp

from .conftest import PASSWORD, Driver


@given(st.integers(min_value=0, max_value=2**256 - 1))
@settings(max_examples=30, deadline=None)
def test_powers_of_g_are_powers(exponent: int) -> None:
    assert srp.power_of_g(exponent) == pow(2, exponent, srp.N)


@pytest.mark.parametrize(
    ("number", "hexadecimal"),
    [(0, "00"), (1, "01"), (0x7F, "7f"), (0x80, "0080"), (0x7FFF, "7fff"), (0x8000, "008000")],
)
def test_numbers_are_padded_as_the_clients_pad_them(number: int, hexadecimal: str) -> None:
    assert srp.padded(number).hex() == hexadecimal


def test_salts_read_the_same_as_text_and_as_numbers() -> None:
    for _ in range(300):
        text = srp.new_salt().hex()
        assert f"{int(text, 16):x}" == text
        assert text[0] in "1234567"


def client_key(name: str, user: str, password: str, salt: bytes, a: int, public_b: int) -> bytes:
    """The client's half as RFC 5054 has it, with Cognito's hashing."""
    public_a = pow(2, a, srp.N)
    u = int.from_bytes(hashlib.sha256(srp.padded(public_a) + srp.padded(public_b)).digest())
    identity = hashlib.sha256(f"{name}{user}:{password}".encode()).digest()
    x = int.from_bytes(hashlib.sha256(salt + identity).digest())
    shared = pow(public_b - srp.K * pow(2, x, srp.N), a + u * x, srp.N)
    extracted = srp.hmac.digest(srp.padded(u), srp.padded(shared), "sha256")
    return srp.hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]


def test_both_sides_hold_one_key_only_when_the_password_is_right() -> None:
    kept = srp.keep("AbC", "ana", PASSWORD)
    a = secrets.randbits(1024)
    half = srp.begin(pow(2, a, srp.N), kept.verifier)
    key = srp.session_key(half)
    assert key == client_key("AbC", "ana", PASSWORD, kept.salt, a, half.public_b)
    assert key != client_key("AbC", "ana", "Wrong-Horse-1", kept.salt, a, half.public_b)


def test_a_password_in_plain_fits_only_what_was_kept_of_it() -> None:
    kept = srp.keep("AbC", "ana", PASSWORD)
    assert srp.fits(kept, "AbC", "ana", PASSWORD)
    for pool, user, password in (("AbD", "ana", PASSWORD), ("AbC", "bo", PASSWORD), ("AbC", "ana", "x")):
        assert not srp.fits(kept, pool, user, password)
    again = srp.keep("AbC", "ana", PASSWORD)
    for part in ("salt", "digest", "verifier"):
        assert getattr(kept, part) != getattr(again, part), "every password has a salt of its own"
    assert (len(kept.salt), len(kept.digest), len(kept.verifier)) == (16, 32, 384)
    assert PASSWORD.encode() not in kept


@pytest.mark.parametrize("multiple", [0, 1, 2])
def test_a_client_number_that_is_0_mod_n_is_refused(multiple: int) -> None:
    with pytest.raises(ValueError, match="must not be 0"):
        srp.begin(multiple * srp.N, b"\x01")


def start(cognito: Driver, client_id: str, srp_a: str, name: str = "ana") -> Any:
    return {
        "ClientId": client_id,
        "AuthFlow": "USER_SRP_AUTH",
        "AuthParameters": {"USERNAME": name, "SRP_A": srp_a},
    }


@pytest.mark.parametrize("srp_a", ["0", f"{srp.N:x}", "no number", "f" * 1025, "zz"])
def test_a_bad_srp_a_is_an_invalid_parameter(cognito: Driver, srp_a: str) -> None:
    pool = cognito.pool()
    client = cognito.client(pool)
    cognito.user(pool)
    assert cognito.fails("InitiateAuth", **start(cognito, client, srp_a)).code == "InvalidParameterException"


def answer(challenge: Any, client_id: str, signature: str, **changed: str) -> Any:
    parameters = challenge["ChallengeParameters"]
    return {
        "ClientId": client_id,
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": {
            "USERNAME": parameters["USERNAME"],
            "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": signature,
            "TIMESTAMP": "Tue Nov 24 12:00:00 UTC 2026",
            **changed,
        },
    }


def test_a_proof_can_be_given_once_and_in_time(cognito: Driver) -> None:
    pool = cognito.pool()
    client, other = cognito.client(pool), cognito.client(pool)
    cognito.user(pool)
    srp_a = f"{pow(2, 12345, srp.N):x}"
    for told in ("AAAA", "not base64", ""):
        challenge = cognito("InitiateAuth", **start(cognito, client, srp_a))
        refused = cognito.fails("RespondToAuthChallenge", **answer(challenge, client, told))
        assert refused.code == ("NotAuthorizedException" if told else "InvalidParameterException")
    challenge = cognito("InitiateAuth", **start(cognito, client, srp_a))
    assert "session" in cognito.fails("RespondToAuthChallenge", **answer(challenge, other, "AAAA")).message
    assert "once" in cognito.fails("RespondToAuthChallenge", **answer(challenge, client, "AAAA")).message
    challenge = cognito("InitiateAuth", **start(cognito, client, srp_a))
    cognito.advance(180)
    assert "expired" in cognito.fails("RespondToAuthChallenge", **answer(challenge, client, "AAAA")).message


def test_an_unknown_user_is_asked_like_a_known_one_where_users_are_hidden(cognito: Driver) -> None:
    pool = cognito.pool()
    hiding = cognito.client(pool, PreventUserExistenceErrors="ENABLED")
    cognito.user(pool)
    srp_a = f"{pow(2, 12345, srp.N):x}"
    known = cognito("InitiateAuth", **start(cognito, hiding, srp_a))["ChallengeParameters"]
    first = cognito("InitiateAuth", **start(cognito, hiding, srp_a, "nobody"))
    again = cognito("InitiateAuth", **start(cognito, hiding, srp_a, "nobody"))["ChallengeParameters"]
    parameters = first["ChallengeParameters"]
    assert parameters.keys() == known.keys()
    assert (parameters["SALT"], parameters["USER_ID_FOR_SRP"]) == (again["SALT"], again["USER_ID_FOR_SRP"])
    assert len(parameters["SALT"]) == len(known["SALT"])
    assert (known["USER_ID_FOR_SRP"], parameters["USER_ID_FOR_SRP"]) == ("ana", "nobody")
    refused = cognito.fails("RespondToAuthChallenge", **answer(first, hiding, "AAAA"))
    assert (refused.code, refused.message) == ("NotAuthorizedException", "Incorrect username or password.")
    open_client = cognito.client(pool)
    assert cognito.fails("InitiateAuth", **start(cognito, open_client, srp_a, "nobody")).code == (
        "UserNotFoundException"
    )
