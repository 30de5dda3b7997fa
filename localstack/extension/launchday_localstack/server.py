"""LocalStack's own server, listening where it was told to.

`GATEWAY_LISTEN=127.0.0.1:4566` makes LocalStack 4.14.0 listen on every interface all the same: its server
leaves the host of an IPv4 address out. Its API runs code for whoever asks, and so for the whole network.
`GATEWAY_SERVER=launchday` is that server with the host kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from localstack.aws.serving.twisted import TLSMultiplexerFactory
from localstack.config import HostAndPort
from localstack.runtime.server.core import RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import TwistedGateway
from twisted.internet import endpoints, reactor, ssl


class BoundServer(TwistedRuntimeServer):
    """Listens on the hosts that are given."""

    def register(
        self, gateway: Gateway, listen: Sequence[HostAndPort], ssl_creds: tuple[str, str] | None = None
    ) -> None:
        """Serve `gateway` on each of `listen`, with and without TLS when there is a certificate."""
        site = TwistedGateway(gateway)
        if ssl_creds:
            certificate, key = ssl_creds
            context_factory = ssl.DefaultOpenSSLContextFactory(key, certificate)
            context_factory.getContext().use_certificate_chain_file(certificate)
            site = TLSMultiplexerFactory(context_factory, False, site)
        for host, port in ((each.host, each.port) for each in listen):
            kind = endpoints.TCP6ServerEndpoint if ":" in host else endpoints.TCP4ServerEndpoint
            kind(reactor, port, interface=host).listen(site)


class LaunchdayServerPlugin(RuntimeServerPlugin):
    """`GATEWAY_SERVER=launchday`."""

    name = "launchday"

    def load(self, *_: object, **__: object) -> BoundServer:
        """The server."""
        return BoundServer()
