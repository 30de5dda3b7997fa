"""How an AWS API is reached, by the variables that every AWS tool honours.

For an endpoint: what `--endpoint-url` says goes before all; then `AWS_ENDPOINT_URL_<SERVICE>`, then
`AWS_ENDPOINT_URL`, then `endpoint_url` of the profile. Credentials are those of the environment or of
`AWS_PROFILE`, else the customary `test`; a machine's default profile is not taken, as it is of another AWS.
For AWS: no endpoint, and boto3's own chain of credentials.
docs: AWS SDKs and Tools Reference Guide, Service-specific endpoints; AWS CLI, Environment variables (2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError

from harness.errors import UsageError
from harness.pipeline import Cloud

DEFAULT_REGION: Final = "us-east-1"
_VARIABLE: Final = "AWS_ENDPOINT_URL"
_IGNORED: Final = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"

# Service ids of AWS's, as the variables have them, that are not boto3's names in capitals.
_SERVICES: Final[Mapping[str, str]] = {
    "API_GATEWAY": "apigateway",
    "CLOUDWATCH_LOGS": "logs",
    "COGNITO_IDENTITY": "cognito-identity",
    "COGNITO_IDENTITY_PROVIDER": "cognito-idp",
    "DYNAMODB_STREAMS": "dynamodbstreams",
    "EVENTBRIDGE": "events",
    "SECRETS_MANAGER": "secretsmanager",
    "SFN": "stepfunctions",
}
_HOSTS_OF_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws")
Environ = Mapping[str, str]


def region_of(environ: Environ, given: str | None) -> str:
    """The Region: as given, else of the environment, else of the profile."""
    named = given or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    return named or _profile(environ).get("region") or DEFAULT_REGION


def endpoint_cloud(environ: Environ, endpoint_url: str | None, region: str) -> Cloud:
    """The API at an endpoint. Raises UsageError when there is none for all services, so that no call strays
    to AWS itself; when one is no URL; and when one is AWS's."""
    endpoints = {"": endpoint_url} if endpoint_url else _configured(environ)
    if "" not in endpoints:
        raise UsageError(
            "The target endpoint needs an address.",
            f"Give --endpoint-url URL or set {_VARIABLE}; for AWS itself there is --target aws.",
        )
    for url in endpoints.values():
        _check(url)
    reached = {name: url.rstrip("/") for name, url in endpoints.items()}
    if environ.get("AWS_ACCESS_KEY_ID"):
        return Cloud(
            region,
            reached,
            access_key_id=environ["AWS_ACCESS_KEY_ID"],
            secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY", ""),
            session_token=environ.get("AWS_SESSION_TOKEN") or None,
        )
    if environ.get("AWS_PROFILE"):
        found = _session(environ).get_credentials()
        if found is None:
            raise UsageError(f"The profile '{environ['AWS_PROFILE']}' has no credentials.")
        frozen = found.get_frozen_credentials()
        return Cloud(
            region,
            reached,
            access_key_id=frozen.access_key,
            secret_access_key=frozen.secret_key,
            session_token=frozen.token,
        )
    return Cloud(region, reached, access_key_id="test", secret_access_key="test")


def aws_cloud(environ: Environ, endpoint_url: str | None, region: str) -> Cloud:
    """AWS itself. Raises UsageError when an endpoint is set, which boto3 would go to, and when there are no
    credentials."""
    elsewhere = {"": endpoint_url} if endpoint_url else _configured(environ)
    if elsewhere:
        raise UsageError(
            f"An endpoint is set ({next(iter(elsewhere.values()))}), so that it would not be AWS.",
            f"Unset {_VARIABLE} and its forms, or take --target endpoint.",
        )
    try:
        found = _session(environ).get_credentials()
    except BotoCoreError as why:
        raise UsageError(f"The credentials cannot be read: {why}.") from None
    if found is None:
        raise UsageError("There are no AWS credentials.", "Sign in, or set AWS_PROFILE.")
    return Cloud(region=region)


def _configured(environ: Environ) -> dict[str, str]:
    """Endpoints by boto3's name of the service; `""` is for all others."""
    if environ.get(_IGNORED, "").lower() == "true":
        return {}
    found = {"": url} if (url := _profile(environ).get("endpoint_url")) else {}
    for variable, url in environ.items():
        name, underscore, service = variable.partition(f"{_VARIABLE}_")
        if variable == _VARIABLE and url:
            found[""] = url
        elif not name and underscore and url:
            found[_SERVICES.get(service, service.lower().replace("_", "-"))] = url
    return found


def _profile(environ: Environ) -> Mapping[str, str]:
    """The profile's own settings; nothing when it cannot be read."""
    try:
        config: Mapping[str, Any] = _session(environ).get_scoped_config()
    except BotoCoreError:
        return {}
    return {name: value for name, value in config.items() if isinstance(value, str)}


def _session(environ: Environ) -> botocore.session.Session:
    return botocore.session.Session(profile=environ.get("AWS_PROFILE") or None)


def is_of_aws(url: str) -> bool:
    """Whether AWS itself answers at `url`."""
    return (urlsplit(url).hostname or "").endswith(_HOSTS_OF_AWS)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(
            f"'{url}' is not the address of an endpoint.", "Write it like http://127.0.0.1:4566."
        )
    if is_of_aws(url):
        raise UsageError(f"{url} is AWS itself.", "Take --target aws: a surge there is paid for.")
