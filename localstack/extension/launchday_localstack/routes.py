"""The paths that are no AWS API calls but belong to the companion's services, at LocalStack's own port:
AppSync's GraphQL endpoints, the keys and configuration of user pools, and who holds keys that LocalStack
issued.

LocalStack looks at these before it asks which service a request is for. What cannot be meant for AppSync, an
object in a bucket named `graphql`, is left to LocalStack.
"""

from __future__ import annotations

from localstack.http import Request, Response
from localstack.services.edge import ROUTER
from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule

from launchday_localstack import issued_keys
from launchday_localstack.companion import ISSUED_KEYS_PATH
from launchday_localstack.forwarding import forward_request
from launchday_localstack.settings import Settings

_HOST = "<api_id>.<regex('appsync-(realtime-)?api'):plane>.<regex('.*'):server>"
_POOL = "<regex('[a-z]{2}(-[a-z]+)+-[0-9]_[0-9A-Za-z]+'):pool_id>"
_GRAPHQL_METHODS = ("GET", "POST")
_added: list[Rule] = []


def add(settings: Settings) -> None:
    """Serve the paths of the parts that are turned on."""
    if "appsync" in settings.parts:
        _added.append(ROUTER.add("/graphql/<api_id>", _graphql))
        _added.append(ROUTER.add(ISSUED_KEYS_PATH, _issued_keys, methods=["POST"]))
        _added.append(ROUTER.add("/graphql", _graphql, host=_HOST))
    if "cognito" in settings.parts:
        _added.extend(
            ROUTER.add(f"/{_POOL}/.well-known/{document}", _published)
            for document in ("jwks.json", "openid-configuration")
        )


def remove() -> None:
    """Serve them no longer."""
    ROUTER.remove(_added)
    _added.clear()


def _graphql(request: Request, api_id: str, **_: str) -> Response:
    authorization = request.headers.get("authorization", "")
    elsewhere = authorization.startswith("AWS4-HMAC-SHA256") and "/appsync/aws4_request" not in authorization
    if elsewhere or request.method not in _GRAPHQL_METHODS:
        raise NotFound  # LocalStack goes on as if there were no such path
    query = request.query_string.decode("latin1")
    return forward_request(request, f"/graphql/{api_id}" + (f"?{query}" if query else ""))


def _issued_keys(request: Request, **_: str) -> Response:
    return issued_keys.answer(request)


def _published(request: Request, **_: str) -> Response:
    return forward_request(request, request.path)
