"""Cognito as users of the whole embedded AWS meet it: through the edge, unsigned where AWS's clients are."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from pycognito.aws_srp import AWSSRP

from harness.aws.limits.profiles import ESTABLISHED
from harness.emulator.launch import EmbeddedAws
from harness.targets.local import local_cloud
from tests.emulator import npm

pytestmark = pytest.mark.slow
PASSWORD = "Correct-Horse-1"
JAVASCRIPT_CLIENT = "amazon-cognito-identity-js@6.3.16"
SCRIPT = Path(__file__).with_name("javascript") / "sign_in.cjs"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    folder = tmp_path_factory.mktemp("embedded")
    with EmbeddedAws(port=0, data_dir=folder, limits=ESTABLISHED) as running:
        yield running


def get(aws: EmbeddedAws, path: str) -> Any:
    with urllib.request.urlopen(aws.endpoints[""] + path, timeout=20) as answer:
        return json.load(answer)


def test_a_user_signs_up_is_confirmed_and_signs_in_through_the_edge(aws: EmbeddedAws) -> None:
    admin = local_cloud({"": aws.endpoints[""]}).client("cognito-idp")
    pool = admin.create_user_pool(PoolName="riders", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    client = admin.create_user_pool_client(
        UserPoolId=pool, ClientName="web", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
    )["UserPoolClient"]["ClientId"]
    anybody = boto3.client(
        "cognito-idp",
        endpoint_url=aws.endpoints[""],
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED),
    )
    anybody.sign_up(
        ClientId=client,
        Username="ana",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "ana@example.com"}],
    )
    (message,) = get(aws, "/_launchday/cognito/messages")
    assert (message["user_pool_id"], message["destination"]) == (pool, "ana@example.com")
    anybody.confirm_sign_up(ClientId=client, Username="ana", ConfirmationCode=message["secret"])
    tokens = AWSSRP("ana", PASSWORD, pool, client, client=anybody).authenticate_user()
    token = tokens["AuthenticationResult"]["IdToken"]
    keys = jwt.PyJWKClient(get(aws, f"/{pool}/.well-known/openid-configuration")["jwks_uri"])
    said = jwt.decode(token, keys.get_signing_key_from_jwt(token), algorithms=["RS256"], audience=client)
    assert (said["email"], said["email_verified"]) == ("ana@example.com", True)

    usage = {tuple(row[:3]): row[3] for row in get(aws, "/_launchday/observation")["usage"]}
    assert usage["cognito-idp", "riders", "essentials_monthly_active_users"] == 1
    assert usage["cognito-idp", "riders", "sign_ins"] == 1

    direct = local_cloud({"": aws.endpoints["cognito-idp"]}).client("cognito-idp")
    assert [found["Id"] for found in direct.list_user_pools(MaxResults=5)["UserPools"]] == [pool]
    urllib.request.urlopen(
        urllib.request.Request(aws.endpoints[""] + "/_launchday/reset", method="POST"), timeout=20
    ).close()
    assert admin.list_user_pools(MaxResults=5)["UserPools"] == []
    assert get(aws, "/_launchday/cognito/messages") == []


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's JavaScript client, installed from npm."""
    return npm.installed(tmp_path_factory.mktemp("npm"), JAVASCRIPT_CLIENT)


def test_awss_javascript_client_signs_in_changes_its_password_and_refreshes(
    aws: EmbeddedAws, packages: Path
) -> None:
    admin = local_cloud({"": aws.endpoints[""]}).client("cognito-idp")
    pool = admin.create_user_pool(PoolName="javascript")["UserPool"]["Id"]
    client = admin.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    admin.admin_create_user(UserPoolId=pool, Username="ana", TemporaryPassword="Temp-Horse-1")

    def sign_in(*passwords: str) -> Any:
        command = ["node", str(SCRIPT), str(packages), aws.endpoints[""], pool, client, "ana", *passwords]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(said.stdout)

    assert sign_in("Wrong-Horse-1")["error"] == "NotAuthorizedException"
    assert sign_in("Temp-Horse-1", PASSWORD)["claims"]["cognito:username"] == "ana"
    said = sign_in(PASSWORD)
    assert said["claims"]["aud"] == client
    assert said["refreshed"]["origin_jti"] == said["claims"]["origin_jti"]
