"""The service behind a real HTTP server, used by strangers: boto3, pycognito's SRP client, PyJWT."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import jwt
import pycognito
import pytest
from aiohttp import web
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP
from pycognito.exceptions import ForceChangePasswordException

from harness.aws.limits.profiles import NONE
from harness.emulator.services.base import AwsRequest, CallContext
from harness.emulator.services.cognito import CognitoService
from harness.measure.meters import Meters

from .conftest import PASSWORD, recycled_keys


async def serve(service: CognitoService, started: Any) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        asked = AwsRequest(request.method, request.path, "", headers, body, CallContext())
        response = await service.handle(asked)
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stop = asyncio.Event()
    started(runner.addresses[0][1], asyncio.get_running_loop(), stop)
    await stop.wait()
    await runner.cleanup()
    await service.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    service = CognitoService(meters=Meters(), limits=NONE, keys=recycled_keys())
    ready = threading.Event()
    running: list[Any] = []

    def started(*what: Any) -> None:
        running.extend(what)
        ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve(service, started)))
    thread.start()
    assert ready.wait(10)
    port, loop, stop = running
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


def boto(url: str, **config: Any) -> Any:
    return boto3.client(
        "cognito-idp",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, **config),
    )


@pytest.fixture(scope="module")
def client(url: str) -> Any:
    return boto(url)


@pytest.fixture
def pool(client: Any) -> str:
    made = client.create_user_pool(
        PoolName="riders",
        Schema=[{"Name": "account_id", "AttributeDataType": "String", "Mutable": False}],
        AutoVerifiedAttributes=["email"],
    )
    pool_id: str = made["UserPool"]["Id"]
    return pool_id


def app(client: Any, pool: str, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        **members,
    )
    return made["UserPoolClient"]


def user(client: Any, pool: str, name: str = "ana", *, permanent: bool = True) -> None:
    client.admin_create_user(
        UserPoolId=pool,
        Username=name,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "custom:account_id", "Value": "acct-1"}],
    )
    client.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=permanent)


def verified(url: str, pool: str, token: str, **checks: Any) -> dict[str, Any]:
    """The claims of a token, verified as any JWT library does it: by the pool's published keys."""
    key = jwt.PyJWKClient(f"{url}/{pool}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        issuer=f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
        **checks,
    )
    return claims


def test_a_whole_life_through_boto3_without_credentials(url: str, client: Any, pool: str) -> None:
    client_id = app(client, pool)["ClientId"]
    anybody = boto(url, signature_version=UNSIGNED)
    user(client, pool)
    client.create_group(UserPoolId=pool, GroupName="drivers")
    client.admin_add_user_to_group(UserPoolId=pool, Username="ana", GroupName="drivers")
    answer = anybody.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ana", "PASSWORD": PASSWORD},
    )
    tokens = answer["AuthenticationResult"]
    claims = verified(url, pool, tokens["IdToken"], audience=client_id)
    assert claims["custom:account_id"] == "acct-1"
    assert claims["cognito:groups"] == ["drivers"]
    assert verified(url, pool, tokens["AccessToken"])["client_id"] == client_id
    assert anybody.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ana"
    anybody.global_sign_out(AccessToken=tokens["AccessToken"])
    with pytest.raises(anybody.exceptions.NotAuthorizedException):
        anybody.get_user(AccessToken=tokens["AccessToken"])
    client.admin_delete_user(UserPoolId=pool, Username="ana")
    assert client.list_users(UserPoolId=pool)["Users"] == []
    client.delete_user_pool(UserPoolId=pool)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_user_pool(UserPoolId=pool)


@pytest.mark.parametrize("secret", [False, True])
def test_a_strangers_srp_client_signs_in(url: str, client: Any, pool: str, secret: bool) -> None:
    made = app(client, pool, GenerateSecret=secret)
    user(client, pool)
    stranger = AWSSRP(
        username="ana",
        password=PASSWORD,
        pool_id=pool,
        client_id=made["ClientId"],
        client=boto(url, signature_version=UNSIGNED),
        client_secret=made.get("ClientSecret"),
    )
    tokens = stranger.authenticate_user()["AuthenticationResult"]
    assert verified(url, pool, tokens["IdToken"], audience=made["ClientId"])["cognito:username"] == "ana"


def test_a_strangers_srp_client_with_a_wrong_password_is_refused(url: str, client: Any, pool: str) -> None:
    client_id = app(client, pool)["ClientId"]
    user(client, pool)
    stranger = AWSSRP("ana", "Wrong-Horse-1", pool, client_id, client=boto(url))
    with pytest.raises(client.exceptions.NotAuthorizedException, match="Incorrect username or password"):
        stranger.authenticate_user()


def test_a_strangers_srp_client_sets_the_password_it_is_forced_to(url: str, client: Any, pool: str) -> None:
    client_id = app(client, pool)["ClientId"]
    user(client, pool, permanent=False)
    stranger = AWSSRP("ana", PASSWORD, pool, client_id, client=boto(url))
    with pytest.raises(ForceChangePasswordException):
        stranger.authenticate_user()
    stranger = AWSSRP("ana", PASSWORD, pool, client_id, client=boto(url))
    assert "AccessToken" in stranger.set_new_password_challenge("Better-Horse-2")["AuthenticationResult"]
    again = AWSSRP("ana", "Better-Horse-2", pool, client_id, client=boto(url))
    assert "IdToken" in again.authenticate_user()["AuthenticationResult"]


def test_pycognito_verifies_its_tokens_and_renews_them(
    url: str, client: Any, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id = app(client, pool)["ClientId"]
    user(client, pool)
    with urllib.request.urlopen(f"{url}/{pool}/.well-known/jwks.json", timeout=10) as answer:
        monkeypatch.setenv("COGNITO_JWKS", answer.read().decode())
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    stranger = pycognito.Cognito(pool, client_id, user_pool_region="us-east-1", username="ana")
    stranger.authenticate(PASSWORD)
    before = stranger.access_token
    stranger.renew_access_token()
    assert stranger.access_token != before
    assert stranger.id_claims["custom:account_id"] == "acct-1"
    assert stranger.get_user().sub == stranger.id_claims["sub"]
    stranger.logout()


def test_a_pool_publishes_its_own_keys_and_where_they_are(url: str, client: Any, pool: str) -> None:
    def get(path: str) -> Any:
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            return json.load(answer)

    keys = get(f"/{pool}/.well-known/jwks.json")["keys"]
    assert len({key["kid"] for key in keys}) == 2
    for key in keys:
        assert key.keys() == {"alg", "e", "kid", "kty", "n", "use"}
    other = client.create_user_pool(PoolName="other")["UserPool"]["Id"]
    others = get(f"/{other}/.well-known/jwks.json")["keys"]
    assert not {key["n"] for key in keys} & {key["n"] for key in others}
    said = get(f"/{pool}/.well-known/openid-configuration")
    assert said["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
    assert said["jwks_uri"] == f"{url}/{pool}/.well-known/jwks.json"
    for path in ("/us-east-1_nothing00/.well-known/jwks.json", f"/x/{pool}/.well-known/jwks.json"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(path)
        assert caught.value.code == 404


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("create_user_pool_domain", {"Domain": "riders", "UserPoolId": "us-east-1_AbCdEfGhI"}),
        ("list_devices", {"AccessToken": "x"}),
    ],
)
def test_what_is_not_offered_is_refused_by_name(client: Any, operation: str, members: Any) -> None:
    with pytest.raises(ClientError, match="does not offer") as caught:
        getattr(client, operation)(**members)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def post(url: str, target: str, body: bytes) -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        body,
        {
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{target}",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize(
    ("target", "body", "status", "code"),
    [
        ("InitiateAuth", b"{", 400, "SerializationException"),
        ("InitiateAuth", b"[]", 400, "SerializationException"),
        ("InitiateAuth", b"\xff\xfe", 400, "SerializationException"),
        ("InitiateAuth", b"{}", 400, "InvalidParameterException"),
        ("InitiateAuth", b'{"ClientId": 3, "AuthFlow": {}}', 400, "SerializationException"),
        ("GetUser", b'{"AccessToken": true}', 400, "SerializationException"),
        ("SignUp", b'{"ClientId": "a b", "Username": "x"}', 400, "InvalidParameterException"),
        ("Nothing", b"{}", 400, "UnknownOperationException"),
        ("AdminGetUser", b"{}", 400, "MissingAuthenticationTokenException"),
        ("ListUserPools", b'{"MaxResults": 1}', 400, "MissingAuthenticationTokenException"),
    ],
)
def test_malformed_requests_are_refused(url: str, target: str, body: bytes, status: int, code: str) -> None:
    answered, said = post(url, target, body)
    assert (answered, said["__type"]) == (status, code)
