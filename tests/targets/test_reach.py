"""How an AWS is reached, by the variables that every AWS tool honours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from harness.errors import UsageError
from harness.targets.reach import aws_cloud, endpoint_cloud, region_of

URL = "http://127.0.0.1:4566"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}


@pytest.fixture(autouse=True)
def _no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of somebody without an account, as botocore reads it too."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", *KEYS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_the_option_goes_before_every_variable() -> None:
    environ = {"AWS_ENDPOINT_URL": "http://other:1", "AWS_ENDPOINT_URL_KINESIS": "http://other:2"}
    assert endpoint_cloud(environ, URL + "/", "eu-west-1").endpoints == {"": URL}


def test_a_service_of_its_own_goes_before_the_one_for_all() -> None:
    environ = {
        "AWS_ENDPOINT_URL": URL,
        "AWS_ENDPOINT_URL_KINESIS": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": "http://127.0.0.1:2",
        "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": "http://127.0.0.1:3",
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://127.0.0.1:4",
    }
    cloud = endpoint_cloud(environ, None, "us-east-1")
    asked = ("kinesis", "dynamodbstreams", "cognito-idp", "logs", "s3")
    assert [cloud.endpoint(name) for name in asked] == [*(f"http://127.0.0.1:{n}" for n in range(1, 5)), URL]


def test_the_profiles_endpoint_serves_where_no_variable_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(f"[profile local]\nregion = eu-west-1\nendpoint_url = {URL}\n")
    (tmp_path / "credentials").write_text("[local]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_PROFILE", "local")
    cloud = endpoint_cloud({"AWS_PROFILE": "local"}, None, "eu-west-1")
    assert (cloud.endpoints, cloud.access_key_id, cloud.secret_access_key) == ({"": URL}, "a", "b")
    assert region_of({"AWS_PROFILE": "local"}, None) == "eu-west-1"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_ENDPOINT_URL_KINESIS": URL},  # the rest would go to AWS itself
        {"AWS_ENDPOINT_URL": URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    ],
)
def test_without_an_address_for_all_services_there_is_no_target(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="needs an address"):
        endpoint_cloud(environ, None, "us-east-1")


@pytest.mark.parametrize("url", ["localhost:4566", "ftp://x", "http://", "http://x:port", "http://x:0"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(UsageError, match="is not the address"):
        endpoint_cloud({}, url, "us-east-1")


@pytest.mark.parametrize(
    "url", ["https://kinesis.us-east-1.amazonaws.com", "https://lambda.us-east-1.api.aws"]
)
def test_aws_is_not_an_endpoint_like_others(url: str) -> None:
    with pytest.raises(UsageError, match="--target aws"):
        endpoint_cloud({"AWS_ENDPOINT_URL": URL, "AWS_ENDPOINT_URL_KINESIS": url}, None, "us-east-1")


def test_credentials_are_those_of_the_environment_or_the_customary_ones() -> None:
    cloud = endpoint_cloud(KEYS, URL, "us-east-1")
    assert (cloud.access_key_id, cloud.secret_access_key, cloud.session_token) == ("AKIA", "s", "t")
    cloud = endpoint_cloud({}, URL, "us-east-1")
    assert (cloud.access_key_id, cloud.secret_access_key, cloud.session_token) == ("test", "test", None)


def test_a_machines_default_profile_is_not_taken_to_an_endpoint(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    assert endpoint_cloud({}, URL, "us-east-1").access_key_id == "test"


def test_a_region_is_given_or_of_the_environment_or_the_usual_one() -> None:
    environ = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}
    assert region_of(environ, "eu-west-3") == "eu-west-3"
    assert region_of(environ, None) == "eu-west-1"
    assert region_of({"AWS_DEFAULT_REGION": "eu-west-2"}, None) == "eu-west-2"
    assert region_of({}, None) == "us-east-1"


def test_aws_is_reached_by_boto3s_own_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    cloud = aws_cloud(KEYS, None, "us-east-1")
    assert (cloud.endpoints, cloud.access_key_id) == ({}, None)


def test_aws_is_not_aws_where_an_endpoint_is_set() -> None:
    with pytest.raises(UsageError, match="would not be AWS"):
        aws_cloud({"AWS_ENDPOINT_URL_S3": URL}, None, "us-east-1")
    with pytest.raises(UsageError, match="would not be AWS"):
        aws_cloud({}, URL, "us-east-1")


def test_aws_needs_credentials() -> None:
    with pytest.raises(UsageError, match="no AWS credentials"):
        aws_cloud({}, None, "us-east-1")


def test_buckets_are_not_names_of_hosts_on_an_endpoint() -> None:
    asked: list[str] = []
    s3 = endpoint_cloud({}, "http://localhost:4566", "us-east-1").client("s3")
    s3.meta.events.register("before-send.s3.*", lambda request, **_: asked.append(request.url) or _answer())
    s3.list_objects_v2(Bucket="mine")
    assert asked[0].startswith("http://localhost:4566/mine?")


def _answer() -> Any:
    response = AWSResponse("http://localhost", 200, {}, None)
    response._content = b"<ListBucketResult/>"
    return response
