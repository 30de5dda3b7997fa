"""What a deployment yields: names, addresses, and what to authenticate with."""

from __future__ import annotations

from typing import Any

from deploy.accounts import DISABLED, account_id, password, publishable_key, secret_key, username
from deploy.sign_in import id_tokens, parameters
from deploy.standup.engine import Known
from deploy.standup.names import Names
from harness.pipeline import Cloud, Outputs

_FUNCTIONS = ("authorizer", "processor", "archiver", "access_authorizer", "access_api", "fanout")


def outputs_of(cloud: Cloud, names: Names, known: Known) -> Outputs:
    """What others need of a deployment that stands. The users are signed in. Raises TargetError."""
    seed, api, access = known["accounts"]["seed"], known["api ingest"], known["api access"]
    return {
        "stage": names.stage,
        "region": names.region,
        "ingest": {
            "url": _stage_url(cloud, api["id"], api["stage"]),
            "api_id": api["id"],
            "stage": api["stage"],
            "sample_account": account_id(0),
            "sample_publishable_key": publishable_key(seed, account_id(0)),
            "disabled_publishable_key": publishable_key(seed, DISABLED),
        },
        "access": {
            "url": _stage_url(cloud, access["id"], access["stage"]),
            "api_id": access["id"],
            "stage": access["stage"],
            "sample_account": account_id(0),
            "sample_secret_key": secret_key(seed, account_id(0)),
        },
        "accounts": {
            "table": known["table accounts"]["name"],
            "count": int(known["accounts"]["count"]),
            "seed": seed,
        },
        "events": {
            "stream": known["stream events"]["name"],
            "stream_arn": known["stream events"]["arn"],
            "endpoint": cloud.endpoint("kinesis") or f"https://kinesis.{names.region}.amazonaws.com",
            "dead_letters_url": known["queue events"]["url"],
        },
        "devices": {"table": known["table devices"]["name"]},
        "archive": {
            "bucket": known["bucket archive"]["name"],
            "dead_letters_url": known["queue archive"]["url"],
        },
        "device_events": {"topic_arn": known["topic device_events"]["arn"]},
        "webhooks": {
            "table": known["table webhooks"]["name"],
            "dead_letters_url": known["queue webhooks"]["url"],
        },
        "functions": {key: known[f"function {key}"]["name"] for key in _FUNCTIONS},
        "live": _live(cloud, names, known),
        "credentials": _credentials(cloud),
    }


def _live(cloud: Cloud, names: Names, known: Known) -> dict[str, Any]:
    """The GraphQL API, and who may ask it: ID tokens last a day."""
    seed, client_id = known["accounts"]["seed"], known["users pool"]["client_id"]
    url = cloud.endpoint("cognito-idp") or f"https://cognito-idp.{names.region}.amazonaws.com"
    users = int(known["users"]["count"])
    cognito = cloud.client("cognito-idp", max_pool_connections=8)

    def sign_in(account: str) -> str:
        answer = cognito.initiate_auth(**parameters(client_id, seed, account))
        return str(answer["AuthenticationResult"]["IdToken"])

    return {
        "api_id": known["graphql live"]["id"],
        "graphql_url": known["graphql live"]["graphql_url"],
        "realtime_url": known["graphql live"]["realtime_url"],
        "user_pool_id": known["users pool"]["id"],
        "client_id": client_id,
        "sign_in_url": url,
        "users": users,
        "sample_user": username(account_id(0)),
        "sample_password": password(seed, account_id(0)),
        "tokens": id_tokens(sign_in, map(account_id, range(users))),
    }


def _stage_url(cloud: Cloud, api_id: str, stage: str) -> str:
    endpoint = cloud.endpoint("apigateway")
    if endpoint is None:
        return f"https://{api_id}.execute-api.{cloud.region}.amazonaws.com/{stage}"
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/{stage}"


def _credentials(cloud: Cloud) -> dict[str, str] | None:
    """Those of a local AWS, which are no secret; on AWS, whoever enters has credentials of its own."""
    if cloud.endpoint("kinesis") is None or cloud.access_key_id is None:
        return None
    token = {"session_token": cloud.session_token} if cloud.session_token else {}
    return {"access_key_id": cloud.access_key_id, "secret_access_key": cloud.secret_access_key or "", **token}
