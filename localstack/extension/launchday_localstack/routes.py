"""The paths that are no AWS API calls but belong to the companion's services, at LocalStack's own port:
AppSync's GraphQL endpoints, and the keys and configuration of user pools.

LocalStack looks at these before it asks which service a request is for. A request that is signed for another
service (an object in a bucket named `graphql`) is left to LocalStack.
"""

from __future__ import annotations

from localstack.http import Request, Response
from localstack.services.edge import ROUTER
from werkzeug.exceptions import NotFound
from werkzeug.routing import Rule

from launchday_localstack.forwarding import forward_request
from launchday_localstack.settings import Settings

_HOST = "<api_id>.<regex('appsync-(realtime-)?api'):plane>.<regex('.*'):server>"
_POOL = "<regex('[a-z]{2}(-[a-z]+)+-[0-9]_[0-9A-Za-z]+'):pool_id>"
_GRAPHQL_METHODS = ["GET", "POST", "OPTIONS"]
_added: list[Rule] = []


def add(settings: Settings) -> None:
    """Serve the paths of the parts that are turned on."""
    if "appsync" in settings.parts:
        _added.append(ROUTER.add("/graphql/<api_id>", _graphql, methods=_GRAPHQL_METHODS))
        _added.append(ROUTER.add("/graphql", _graphql_by_host, host=_HOST, methods=_GRAPHQL_METHODS))
    if "cognito" in settings.parts:
        _added.extend(
            ROUTER.add(f"/{_POOL}/.well-known/{document}", _published, methods=["GET"])
            for document in ("jwks.json", "openid-configuration")
        )


def remove() -> None:
    """Serve them no longer."""
    ROUTER.remove(_added)
    _added.clear()


def _graphql(request: Request, **_: str) -> Response:
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("AWS4-HMAC-SHA256") and "/appsync/aws4_request" not in authorization:
        raise NotFound  # LocalStack goes on as if there were no such path
    return forward_request(request)


def _graphql_by_host(request: Request, **_: str) -> Response:
    return forward_request(request)


def _published(request: Request, **_: str) -> Response:
    return forward_request(request)
