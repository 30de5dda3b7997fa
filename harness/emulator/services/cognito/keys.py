"""The keys that a pool signs and seals with: its own, generated when the pool is created.

A pool has two RSA keys, one for ID and one for access tokens, as on AWS, and a symmetric one for what only
itself reads: refresh tokens. RSA keys take some tenths of a second, so a thread of its own makes them
(OpenSSL lets the others run meanwhile); the first that needs them waits.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from joserfc.jwk import OctKey, RSAKey

RSA_BITS = 2048


def new_rsa_key() -> RSAPrivateKey:
    """A fresh key."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


class PoolKeys:
    """The keys of one pool; `jwks` is what everybody may know of them."""

    def __init__(self, id_key: RSAPrivateKey, access_key: RSAPrivateKey) -> None:
        from joserfc.jwk import OctKey

        self.id_token: RSAKey = _jwk(id_key)
        self.access_token: RSAKey = _jwk(access_key)
        self.sealing: OctKey = OctKey.import_key(secrets.token_bytes(32))
        self.jwks: dict[str, Any] = {
            "keys": [key.as_dict(private=False) for key in (self.id_token, self.access_token)]
        }


class KeyMaker:
    """Makes the keys of pools in the background."""

    def __init__(self, new_key: Callable[[], RSAPrivateKey] = new_rsa_key) -> None:
        self._new_key = new_key
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cognito-keys")

    def begin(self) -> Future[PoolKeys]:
        """Keys of a new pool, once they are made."""
        return self._thread.submit(self._make)

    def close(self) -> None:
        """Make no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _make(self) -> PoolKeys:
        return PoolKeys(self._new_key(), self._new_key())


def _jwk(key: RSAPrivateKey) -> RSAKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from joserfc.jwk import RSAKey

    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kid = base64.b64encode(hashlib.sha256(der).digest()).decode()
    return RSAKey.import_key(key, {"alg": "RS256", "kid": kid, "use": "sig"})
