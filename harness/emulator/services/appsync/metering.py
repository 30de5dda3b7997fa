"""What is counted of each API, by its name.

AWS bills a query or mutation once for each request that is executed, whatever it is answered with. One token
a request is AWS's own count up to 1,500 KB-seconds, which a request here is never seen to pass.
docs: AppSync Developer Guide, Monitoring, TokensConsumed; aws.amazon.com/appsync/pricing (read 2026-11)
"""

from __future__ import annotations

from harness.emulator.services.appsync.contract import RequestRefused
from harness.measure.meters import Counter, Meters

SERVICE = "appsync"


class ApiMeters:
    """The counters of one API. `received` are all requests over HTTP, `requests` those that were executed;
    `client_errors` and `server_errors` are answered with 4xx and 5xx or do not validate, `graphql_errors` are
    answers with `errors` beside their data."""

    def __init__(self, meters: Meters, name: str) -> None:
        def counter(unit: str) -> Counter:
            return meters.counter(SERVICE, name, unit)

        self._meters, self._name = meters, name
        self.received = counter("received")
        self.requests = counter("requests")
        self.tokens = counter("tokens")
        self.throttled = counter("throttled")
        self.unauthorized = counter("unauthorized")
        self.client_errors = counter("client_errors")
        self.server_errors = counter("server_errors")
        self.graphql_errors = counter("graphql_errors")
        self.resolvers = counter("resolvers")
        self.latency_ms = counter("latency_ms")

    def called(self, trace_id: str | None) -> None:
        """Note a request that a function made."""
        self._meters.call(trace_id, SERVICE, "GraphQL", self._name)

    def refused(self, refusal: RequestRefused) -> None:
        """Count a refused request."""
        if refusal.status == 429:
            self.throttled.value += 1
        elif refusal.status in (401, 403):
            self.unauthorized.value += 1
        elif refusal.status >= 500:
            self.server_errors.value += 1
        else:
            self.client_errors.value += 1
