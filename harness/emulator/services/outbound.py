"""Where services may send: this machine's loopback, except the emulator itself, and hosts that were allowed.

Anybody may subscribe any URL, and a service would post to it from within the network: to a cloud's metadata
address, to a router, to the emulator's own APIs. A name is resolved once for a connection, and it is the
resolved address that is judged and connected to, so no name can point elsewhere in between.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection
from functools import cached_property
from typing import NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
RESOLVE_TIMEOUT_S = 5.0
_PORTS = {"http": 80, "https": 443}


class Refused(OSError):
    """A delivery may not go there. The message says why, as part of a sentence."""


class Endpoint(NamedTuple):
    """An endpoint's URL, taken apart."""

    url: URL
    host: str
    port: int
    address: Address | None
    """When the host is one."""


def parse_endpoint(text: str) -> Endpoint:
    """The parts of an http(s) URL. Raises ValueError, saying what is wrong with it."""
    if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        raise ValueError("it has characters that no URL may have")
    try:
        url = URL(text, encoded=True)
        host, port = url.host, url.port
    except ValueError as error:
        raise ValueError(f"it is no URL: {error}") from None
    if url.scheme not in _PORTS or not host or not port:
        raise ValueError("it is no http or https URL with a host")
    host = host.rstrip(".").lower()
    address = _address(host)
    if address is None and _looks_numeric(host):
        raise ValueError(f"{host} is no address in its usual form")
    return Endpoint(url, host, port, address)


class DeliveryAddresses:
    """The rules. `allowed_hosts` are names or addresses that the user lets deliveries go to; `own_ports` are
    those on which the emulator's processes listen."""

    def __init__(
        self,
        *,
        allowed_hosts: Collection[str] = (),
        own_ports: Collection[int] = (),
        resolve: Resolve | None = None,
    ) -> None:
        self._allowed = frozenset(host.strip("[]").rstrip(".").lower() for host in allowed_hosts)
        self._own_ports = frozenset(own_ports)
        self._resolve = resolve or _resolve

    def refusal(self, host: str, address: Address, port: int) -> str | None:
        """Why nothing is delivered to `address` under the name `host`, or None when it may be."""
        address = getattr(address, "ipv4_mapped", None) or address
        own = address.is_loopback or address.is_unspecified or address in self._machine
        if own and port in self._own_ports:
            return f"{host}:{port} is the emulator itself"
        if address.is_loopback or host in self._allowed or str(address) in self._allowed:
            return None
        return (
            f"{host} is {address}: the emulator delivers to this machine's loopback only. "
            "Start it with --allow-delivery to let a host in"
        )

    async def check(self, endpoint: Endpoint) -> str | None:
        """Why nothing is delivered to `endpoint`, or None when it may be."""
        if endpoint.address is not None:
            return self.refusal(endpoint.host, endpoint.address, endpoint.port)
        try:
            await self.addresses(endpoint.host, endpoint.port)
        except Refused as error:
            return str(error)
        except OSError as error:
            return f"{endpoint.host} cannot be resolved: {error.strerror or error}"
        return None

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be connected to. Raises Refused when it has others too, OSError
        when it has none."""
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise OSError(f"no answer within {RESOLVE_TIMEOUT_S:.0f} s") from None
        if not found:
            raise OSError("it has no address")
        for each in found:
            reason = self.refusal(host, ipaddress.ip_address(each.partition("%")[0]), port)
            if reason is not None:
                raise Refused(reason)
        return found

    @cached_property
    def _machine(self) -> frozenset[Address]:
        """This machine's own addresses."""
        import psutil

        texts = {row.address for rows in psutil.net_if_addrs().values() for row in rows}
        return frozenset(a for a in (_address(t.partition("%")[0]) for t in texts) if a is not None)


class CheckedResolver(AbstractResolver):
    """Resolves names for aiohttp's connector, which connects to what it is given."""

    def __init__(self, addresses: DeliveryAddresses) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - both are tried
    ) -> list[ResolveResult]:
        """The addresses of `host` that may be connected to. Raises OSError."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._addresses.addresses(host, port)
        ]

    async def close(self) -> None:
        """Nothing to release."""


async def _resolve(host: str, port: int) -> list[str]:
    rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _looks_numeric(host: str) -> bool:
    """Whether the C library would take `host` for an address: `127.1`, `0x7f000001`, `2130706433`."""
    last = host.rpartition(".")[2]
    return last.isdecimal() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:]))
