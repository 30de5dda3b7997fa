"""Cognito's flavour of SRP-6a, the server's half, and the password verifier that both kinds of sign-in use.

The group is the 3072-bit one of RFC 5054 with g = 2, the hash SHA-256. What AWS's clients do differently from
the RFC: numbers are hashed with a zero byte in front when their top bit is set, the identity is the pool's
name (the part of its id after `_`) and the username run together, and the session key is the first 16 bytes
of an HKDF with the info `Caldera Derived Key`.
docs: RFC 5054; amazon-cognito-identity-js, AuthenticationHelper (read 2026)

No password is kept. Powers of g are taken from a table of its powers, four to five times as fast as `pow` in
general.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import cache
from typing import NamedTuple

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
GENERATOR = 2
VERIFIER_BYTES = 384
SALT_BYTES = 16
_VERIFIER_AT = SALT_BYTES + 32
_EXPONENT_BITS = 256
_WINDOW_BITS = 6


def padded(number: int) -> bytes:
    """`number`, which is not negative, as its bytes with a zero byte in front when the top bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1)


K = int.from_bytes(hashlib.sha256(padded(N) + padded(GENERATOR)).digest())


@cache
def _powers_of_g() -> tuple[tuple[int, ...], ...]:
    """Row i holds g^(j * 2^(6 i)) for j of 0 to 63: about a megabyte, made at the first use."""
    rows = []
    base = GENERATOR
    for _ in range(-(-_EXPONENT_BITS // _WINDOW_BITS)):
        row = [1]
        for _ in range(2**_WINDOW_BITS - 1):
            row.append(row[-1] * base % N)
        rows.append(tuple(row))
        base = row[-1] * base % N
    return tuple(rows)


def power_of_g(exponent: int) -> int:
    """g^exponent mod N, for an exponent of at most 256 bits."""
    result = 1
    for row in _powers_of_g():
        digit = exponent & (2**_WINDOW_BITS - 1)
        if digit:
            result = result * row[digit] % N
        exponent >>= _WINDOW_BITS
    return result


def new_salt() -> bytes:
    """A salt whose hex digits every client reads alike: the first is neither 0 nor above 7, so that none is
    dropped by those that take it for a number, nor a byte put in front."""
    salt = bytearray(secrets.token_bytes(SALT_BYTES))
    salt[0] = 0x10 + salt[0] % 0x70
    return bytes(salt)


class KeptPassword(bytes):
    """What is kept of a password, in one piece: its salt, a digest of x to check a password by that comes in
    plain, and the verifier g^x for SRP. Neither lets anybody sign in."""

    __slots__ = ()

    @property
    def salt(self) -> bytes:
        """Of SALT_BYTES."""
        return self[:SALT_BYTES]

    @property
    def digest(self) -> bytes:
        """Of 32 bytes."""
        return self[SALT_BYTES:_VERIFIER_AT]

    @property
    def verifier(self) -> bytes:
        """Of VERIFIER_BYTES."""
        return self[_VERIFIER_AT:]


def keep(pool_name: str, username: str, password: str) -> KeptPassword:
    """What to keep of a new password."""
    salt = new_salt()
    x = _private_key(pool_name, username, password, salt)
    return KeptPassword(salt + _digest(x) + power_of_g(x).to_bytes(VERIFIER_BYTES))


def fits(kept: KeptPassword, pool_name: str, username: str, password: str) -> bool:
    """Whether `password` is the one that `kept` was made of."""
    return hmac.compare_digest(_digest(_private_key(pool_name, username, password, kept.salt)), kept.digest)


def _private_key(pool_name: str, username: str, password: str, salt: bytes) -> int:
    """SRP's x."""
    identity = hashlib.sha256(f"{pool_name}{username}:{password}".encode()).digest()
    return int.from_bytes(hashlib.sha256(salt + identity).digest())


def _digest(x: int) -> bytes:
    return hashlib.sha256(b"password" + x.to_bytes(32)).digest()


class ServerHalf(NamedTuple):
    """What the server holds between the two requests of a sign-in."""

    client_a: int
    secret_b: int
    public_b: int
    verifier: int


def begin(client_a: int, kept: bytes) -> ServerHalf:
    """Answer the client's public number A, for a user with the verifier `kept`.

    Raises ValueError when A is a multiple of N: anybody could sign in with it."""
    if client_a % N == 0:
        raise ValueError("A mod N must not be 0")
    number = int.from_bytes(kept)
    secret_b = secrets.randbits(_EXPONENT_BITS)
    return ServerHalf(client_a, secret_b, (K * number + power_of_g(secret_b)) % N, number)


def session_key(half: ServerHalf) -> bytes:
    """The key that both sides hold when the client knows the password, 16 bytes."""
    u = int.from_bytes(hashlib.sha256(padded(half.client_a) + padded(half.public_b)).digest())
    shared = pow(half.client_a * pow(half.verifier, u, N), half.secret_b, N)
    return hkdf(shared, u)


def hkdf(shared: int, u: int) -> bytes:
    """The session key of what both sides computed."""
    extracted = hmac.digest(padded(u), padded(shared), "sha256")
    return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]


def claim_signature(key: bytes, pool_name: str, user_id: str, secret_block: bytes, timestamp: str) -> bytes:
    """What the client sends to prove that it holds `key`."""
    message = pool_name.encode() + user_id.encode() + secret_block + timestamp.encode()
    return hmac.digest(key, message, "sha256")
