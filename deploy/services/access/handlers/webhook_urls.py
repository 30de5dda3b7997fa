"""Which URLs may be a webhook: nothing that leads back inside.

1. http or https, a host, no user name, no fragment, ASCII, at most 2,048 characters.
2. An address must be public (`ipaddress`' `is_global`), in whatever notation it comes: 127.1, 0x7f000001 and
   ::ffff:127.0.0.1 are all one. So must every address that a name has when it is asked for.
3. Names without a dot, and those that are local by definition, are refused (RFC 6761, RFC 6762, RFC 8375).
4. A deployment whose `WEBHOOK_HOSTS` is `loopback` takes addresses of the loopback as well, and nothing else
   that is not public: so that a rehearsal can watch.

A name may get another address later. SNS delivers from AWS's network and not from ours, so that such a name
leads nowhere inside; these rules keep out what is wrong or hostile from the start.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from .problems import Problem, invalid

PUBLIC = "public"
LOOPBACK = "loopback"
MAX_URL_CHARACTERS = 2048

_ALLOWED = re.compile(r"[!-~]+")
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.I)
_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa", ".localdomain", ".test", ".invalid")
_NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], Iterable[str]]


def resolve(name: str) -> list[str]:
    """The addresses of a name. Raises OSError when it has none."""
    return [str(each[4][0]) for each in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


def check(url: str, hosts: str, resolve: Resolve = resolve) -> None:
    """Raises Problem 400 when `url` may not be a webhook of a deployment with this `WEBHOOK_HOSTS`."""
    host = _host(url)
    try:
        addresses = _addresses(host, resolve)
    except OSError:
        raise invalid("invalid_url", f"The host of the URL, {host}, cannot be found.") from None
    for address in addresses:
        if not _may_be_called(address, hosts):
            raise _forbidden(host)


def _host(url: str) -> str:
    if not 0 < len(url) <= MAX_URL_CHARACTERS or _ALLOWED.fullmatch(url) is None or "\\" in url:
        raise invalid("invalid_url", "The URL holds characters that it may not, or too many.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise invalid("invalid_url", "The URL is not one.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise invalid("invalid_url", "The URL must begin with https:// or http:// and a host.")
    if "@" in parts.netloc or "#" in url or port == 0:
        raise invalid("invalid_url", "The URL may hold no user name, no fragment and no port 0.")
    return host


def _addresses(host: str, resolve: Resolve) -> list[Address]:
    literal = _literal(host)
    if literal is not None:
        return [literal]
    if _NAME.fullmatch(host) is None or len(host) > 253 or host.lower().endswith(_LOCAL_ENDINGS):
        raise _forbidden(host)
    addresses = [ip_address(each.partition("%")[0]) for each in resolve(host)]
    if not addresses:
        raise OSError(host)
    return addresses


def _literal(host: str) -> Address | None:
    """The address that a host is, in any notation that a C library takes."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _may_be_called(address: Address, hosts: str) -> bool:
    inner = _inner(address)
    if hosts == LOOPBACK and inner.is_loopback:
        return True
    return inner.is_global and not inner.is_multicast


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries."""
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if carried is not None:
            return carried
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _forbidden(host: str) -> Problem:
    return invalid("forbidden_host", f"{host} is not a public host.")
