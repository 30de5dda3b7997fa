"""Operations on app clients."""

from __future__ import annotations

from typing import Any

from harness.emulator.services.base import CallContext
from harness.emulator.services.cognito.clients import AppClient, check_settings, new_client_id, new_secret
from harness.emulator.services.cognito.errors import not_offered
from harness.emulator.services.cognito.paging import page
from harness.emulator.services.cognito.pools import Registry

Json = dict[str, Any]


class ClientOperations:
    """The operations, by their names in snake case."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create_user_pool_client(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Creates a client, with a secret when it is asked for."""
        pool = self._registry.pool(body["UserPoolId"])
        for member in ("ClientSecret", "PublishSecretsInAWSSecretsManager"):
            if body.get(member):
                raise not_offered(f"{member} (CreateUserPoolClient)")
        check_settings(body, pool.schema)
        secret = new_secret() if body.get("GenerateSecret") else None
        client = AppClient(new_client_id(), pool.id, body, secret, now_s)
        self._registry.add_client(pool, client)
        return {"UserPoolClient": client.describe()}

    def describe_user_pool_client(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """Everything about a client, its secret too."""
        pool = self._registry.pool(body["UserPoolId"])
        return {"UserPoolClient": self._registry.client_of(pool, body["ClientId"]).describe()}

    def update_user_pool_client(self, body: Json, _context: CallContext, now_s: float) -> Json:
        """Replaces the settings; what is not given goes back to its default, as on AWS."""
        pool = self._registry.pool(body["UserPoolId"])
        client = self._registry.client_of(pool, body["ClientId"])
        check_settings(body, pool.schema)
        client.replace({"ClientName": client.settings["ClientName"], **_given(body)}, now_s)
        return {"UserPoolClient": client.describe()}

    def delete_user_pool_client(self, body: Json, _context: CallContext, _now_s: float) -> None:
        """Deletes a client; its users' tokens are of no use any more."""
        pool = self._registry.pool(body["UserPoolId"])
        self._registry.remove_client(pool, body["ClientId"])

    def list_user_pool_clients(self, body: Json, _context: CallContext, _now_s: float) -> Json:
        """The clients of a pool."""
        pool = self._registry.pool(body["UserPoolId"])
        clients = sorted(pool.clients.values(), key=lambda client: client.id)
        found, token = page(clients, lambda client: client.id, body.get("NextToken"), body.get("MaxResults"))
        listed = [
            {"ClientId": client.id, "UserPoolId": pool.id, "ClientName": client.settings["ClientName"]}
            for client in found
        ]
        return {"UserPoolClients": listed, **({"NextToken": token} if token else {})}


def _given(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}
