"""Signatures of messages, with a key and a certificate that are made when the first is needed.

RSA takes a third of a millisecond: it is done in a thread of its own, and once for a message, as what is
signed does not name the subscription.
docs: SNS Developer Guide, Verifying the signatures of Amazon SNS messages (read 2026)
"""

from __future__ import annotations

import asyncio
import base64
import datetime
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY_BITS: Final = 2048
_VALID_DAYS: Final = 365
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def text_to_sign(fields: Mapping[str, str]) -> str:
    """The members of a message that are signed, in AWS's order and form."""
    names = _NOTIFICATION if fields["Type"] == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)


class Signer:
    """Signs with SHA-1 (SignatureVersion 1) or SHA-256 (2). Nothing of cryptography is imported before."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sns-signer")
        self._key: RSAPrivateKey | None = None
        self._certificate = b""

    async def sign(self, text: str, version: str) -> str:
        """The signature of `text`, in base64."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._sign, text, version)

    async def certificate(self) -> bytes:
        """The certificate that signatures are verified with, in PEM."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._ready_key)
        return self._certificate

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _sign(self, text: str, version: str) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        # SHA-1 is what AWS signs with by default; it is SHA-256 that a topic can ask for.
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()
        signature = self._ready_key().sign(text.encode(), padding.PKCS1v15(), digest)
        return base64.b64encode(signature).decode()

    def _ready_key(self) -> RSAPrivateKey:
        """The key; it and its certificate are made the first time."""
        if self._key is not None:
            return self._key
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.x509.oid import NameOID

        key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._certificate = certificate.public_bytes(serialization.Encoding.PEM)
        self._key = key
        return key
