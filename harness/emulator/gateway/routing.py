"""Which service a request is for, decided as AWS and its local stand-ins decide it.

AWS has a host name for each service; a local endpoint has one for all, so the signature's credential scope,
the X-Amz-Target header and a few paths say it as well. Rules, the first that fits:

1. `/_launchday/…`, `/_localstack/…` and `/moto-api/…` are this emulator's own.
2. `/restapis/{id}/{stage}/_user_request_/…` and `/_aws/execute-api/{id}/{stage}/…` enter a deployed API,
   as does the host `{id}.execute-api.…`, whose first path segment is the stage.
3. `/graphql` at the hosts `{id}.appsync-api.…` and `{id}.appsync-realtime-api.…` is AppSync's data plane, and
   the API goes into the path: `/graphql/{id}`.
4. A host that names a bucket is S3, and the bucket goes to the front of the path.
5. `/graphql/{id}…`, unless it is signed for another service, is AppSync's, over HTTP and WebSocket.
6. The credential scope of Authorization, or of a presigned query.
7. The prefix of X-Amz-Target. 8. A host that names a service. 9. Lambda's and API Gateway's paths, and the
   links in SNS's messages.
10. What is left is S3, the one service that anonymous clients use by plain paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from harness.emulator.gateway.hosts import Host, parse_host

DEFAULT_REGION = "us-east-1"
OWN = "launchday"
EXECUTE_API = "execute-api"
APPSYNC = "appsync"
_GRAPHQL = "/graphql"

_NO_HOST = Host()
_LAMBDA_PATH = re.compile(
    r"/20\d\d-\d\d-\d\d/(functions|event-source-mappings|layers|account-settings|tags"
    r"|code-signing-configs|event-source-mapping|layers-by-arn)(/|$)"
)
_QUERY_CREDENTIAL = re.compile(r"(?:^|&)X-Amz-Credential=([^&]+)", re.IGNORECASE)
_SNS_LINKS = ("Action=ConfirmSubscription&", "Action=Unsubscribe&")
_TARGETS: Mapping[str, str] = {
    "amazonsqs": "sqs",
    "amazonssm": "ssm",
    "awscognitoidentityproviderservice": "cognito-idp",
    "awscognitoidentityservice": "cognito-identity",
    "awsevents": "events",
    "awsstepfunctions": "states",
    "dynamodb": "dynamodb",
    "dynamodbstreams": "dynamodb",
    "firehose": "firehose",
    "graniteserviceversion20100801": "monitoring",
    "kinesis": "kinesis",
    "logs": "logs",
    "secretsmanager": "secretsmanager",
    "trentservice": "kms",
}


class Route(NamedTuple):
    """Where a request goes. `service` is a credential-scope name, `launchday` or `execute-api`; for the
    latter `api_id` and `stage` are set and `path` is the path below the stage, else the path as the service
    is to see it (a bucket in front)."""

    service: str
    region: str
    path: str
    api_id: str = ""
    stage: str = ""


def route(path: str, query: str, headers: Mapping[str, str], default_region: str = DEFAULT_REGION) -> Route:
    """The route of a request; `path` is raw, header names are lower case. Knows no service's state.
    `default_region` is the Region of what names none."""
    if path.startswith(("/restapis/", "/_aws/")):
        found = _execute_path(path, default_region)
        if found is not None:
            return found
    elif path.startswith(("/_launchday/", "/_localstack/", "/moto-api/")):
        return Route(OWN, default_region, path)
    host = parse_host(headers.get("host", "")) or _NO_HOST
    if host.service == APPSYNC and host.api_id:
        if path == _GRAPHQL or path.startswith(_GRAPHQL + "/"):
            path = _with_api(host.api_id, path)
        return Route(APPSYNC, host.region or default_region, path)
    if host.api_id:
        stage, _, rest = path[1:].partition("/")
        return Route(EXECUTE_API, host.region or default_region, "/" + rest, host.api_id, stage)
    scope = credential_scope(headers.get("authorization"), query)
    if host.bucket:
        return Route("s3", scope.region or host.region or default_region, f"/{host.bucket}{path}")
    if path.startswith(_GRAPHQL + "/") and scope.service in ("", APPSYNC):
        return Route(APPSYNC, scope.region or default_region, path)
    service = (
        scope.service
        or _target_service(headers.get("x-amz-target"))
        or host.service
        or _path_service(path, query)
    )
    return Route(service, scope.region or host.region or default_region, path)


def _with_api(api_id: str, path: str) -> str:
    """`/graphql…` with the API in it, once: a process that is handed the request routes it again, by the same
    host, which the caller's signature covers."""
    own = f"{_GRAPHQL}/{api_id}"
    if path == own or path.startswith(own + "/"):
        return path
    return own + path[len(_GRAPHQL) :]


class Scope(NamedTuple):
    """A SigV4 credential scope; empty strings when the request is not signed so."""

    access_key: str = ""
    region: str = ""
    service: str = ""


_UNSIGNED = Scope()


def credential_scope(authorization: str | None, query: str) -> Scope:
    """Who signed, for which Region and service: from the Authorization header, else a presigned query."""
    if authorization:
        start = authorization.find("Credential=")
        if start >= 0:
            end = authorization.find(",", start)
            return _scope(authorization[start + 11 : end if end >= 0 else None].strip())
    elif "redential=" in query:
        found = _QUERY_CREDENTIAL.search(query)
        if found:
            return _scope(unquote(found[1]))
    return _UNSIGNED


@lru_cache(maxsize=4096)
def _scope(credential: str) -> Scope:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        return _UNSIGNED
    access_key, _date, region, service, _terminator = parts
    return Scope(access_key, region, service.lower())


def _execute_path(path: str, region: str) -> Route | None:
    parts = path.split("/", 5)
    if len(parts) < 5:
        return None
    rest = "/" + (parts[5] if len(parts) > 5 else "")
    if parts[1] == "restapis" and parts[4] == "_user_request_":
        return Route(EXECUTE_API, region, rest, parts[2], parts[3])
    if parts[1] == "_aws" and parts[2] == "execute-api":
        return Route(EXECUTE_API, region, rest, parts[3], parts[4])
    return None


def _target_service(target: str | None) -> str:
    """The service that `DynamoDB_20120810.GetItem` names, or nothing."""
    if not target:
        return ""
    return _TARGETS.get(target.partition(".")[0].partition("_")[0].lower(), "")


def _path_service(path: str, query: str) -> str:
    if (path == "/" and query.startswith(_SNS_LINKS)) or path.startswith("/SimpleNotificationService-"):
        return "sns"
    if _LAMBDA_PATH.match(path):
        return "lambda"
    if path == "/restapis" or path.startswith("/restapis/"):
        return "apigateway"
    if path.endswith(("/.well-known/jwks.json", "/.well-known/openid-configuration")):
        return "cognito-idp"
    return "s3"
