"""Verifies an AWS Signature Version 4 in the Authorization header.

docs: IAM User Guide, Create a signed AWS API request; Troubleshoot Signature Version 4 signing (read 2026).
The signature is computed anew from the request and compared in constant time. Its date must be within five
minutes of ours, its scope must name the service and Region, and `host` and `x-amz-date` must be signed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from harness.emulator.services.appsync.auth.refusals import bad_signature, incomplete_signature, unknown_key
from harness.emulator.services.credentials import KeyRing, Principal

SCHEME = "AWS4-HMAC-SHA256"
MAX_SKEW_S = 300.0
_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SPACES = re.compile(r" +")
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Signature:
    """The parts of an Authorization header: `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What was signed. Header names are lower case; `paths` are the raw paths that the client may have
    meant, the first of which its signature fits counts; `query` is raw."""

    method: str
    paths: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    body: bytes


async def verify(
    request: SignedRequest, *, keys: KeyRing, region: str, service: str, now_s: float
) -> Principal:
    """Who signed `request`. Raises RequestRefused (403) when nobody we know did, now, for this."""
    signature = parse(request.headers.get("authorization", ""))
    if signature.service != service:
        raise bad_signature(f"Credential should be scoped to correct service: '{service}'. ")
    if signature.region != region:
        raise bad_signature(f"Credential should be scoped to a valid Region, not '{signature.region}'. ")
    sent_at = request.headers.get("x-amz-date", "")
    _check_date(sent_at, signature.date, now_s)
    if "host" not in signature.signed_headers or "x-amz-date" not in signature.signed_headers:
        raise bad_signature("'Host' and 'X-Amz-Date' must be 'SignedHeaders' in the AWS Authorization.")
    token = request.headers.get("x-amz-security-token")
    if token is not None and "x-amz-security-token" not in signature.signed_headers:
        raise bad_signature(_MISMATCH)
    principal = await keys.find(signature.access_key, token)
    if principal is None:
        raise unknown_key()
    key = _signing_key(principal.secret_key, signature.date, signature.region, signature.service)
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    for path in request.paths:
        canonical = hashlib.sha256(_canonical(request, path, signature.signed_headers)).hexdigest()
        to_sign = f"{SCHEME}\n{sent_at}\n{scope}\n{canonical}"
        expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected.encode(), signature.signature.encode()):
            return principal
    raise bad_signature(_MISMATCH)


def parse(authorization: str) -> Signature:
    """The parts of the header. Raises RequestRefused (IncompleteSignatureException, 403)."""
    fields = dict(_fields(authorization.removeprefix(SCHEME)))
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise incomplete_signature(f"Authorization header requires '{name}' parameter.")
    scope = fields["Credential"].rsplit("/", 4)
    if len(scope) != 5 or scope[4] != "aws4_request":
        raise incomplete_signature("Credential must have exactly 5 slash-delimited elements.")
    access_key, date, region, service, _ = scope
    headers = tuple(fields["SignedHeaders"].lower().split(";"))
    return Signature(access_key, date, region, service, headers, fields["Signature"])


def _fields(text: str) -> Iterable[tuple[str, str]]:
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if equals:
            yield name, value.strip()


def _check_date(sent_at: str, scope_date: str, now_s: float) -> None:
    if not _DATE.fullmatch(sent_at):
        raise incomplete_signature("Authorization header requires the 'X-Amz-Date' header.")
    try:
        sent_s = datetime.strptime(sent_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise incomplete_signature(f"'{sent_at}' is not a date.") from None
    if not sent_at.startswith(scope_date):
        raise bad_signature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.")
    now = _stamp(now_s)
    if sent_s < now_s - MAX_SKEW_S:
        limit = _stamp(now_s - MAX_SKEW_S)
        raise bad_signature(f"Signature expired: {sent_at} is now earlier than {limit} ({now} - 5 min.)")
    if sent_s > now_s + MAX_SKEW_S:
        limit = _stamp(now_s + MAX_SKEW_S)
        raise bad_signature(
            f"Signature not yet current: {sent_at} is still later than {limit} ({now} + 5 min.)"
        )


def _stamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def _canonical(request: SignedRequest, path: str, signed_headers: tuple[str, ...]) -> bytes:
    headers = "".join(
        f"{name}:{_SPACES.sub(' ', request.headers.get(name, '').strip())}\n" for name in signed_headers
    )
    payload = hashlib.sha256(request.body).hexdigest()
    text = "\n".join(
        (
            request.method,
            quote(path or "/", safe="/-_.~"),
            "&".join(sorted(_pairs(request.query))),
            headers,
            ";".join(signed_headers),
            payload,
        )
    )
    return text.encode("utf-8", "surrogateescape")


def _pairs(query: str) -> Iterable[str]:
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield f"{name}={value}"


@lru_cache(maxsize=1024)
def _signing_key(secret_key: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key
