"""Options of a target that somebody else runs, and mistakes with them. Nothing is started here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.foreign import foreign_target
from harness.errors import TargetError, UsageError
from harness.pipeline import Cloud
from harness.targets.endpoint import AwsTarget
from tests.cli.test_cli import _quiet_place, launchday

__all__ = ["_quiet_place"]  # for every test here, too
URL = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "endpoint"), "needs an address"),
        (("--target", "endpoint", "--endpoint-url", "nowhere"), "'nowhere' is not the address"),
        (("--target", "endpoint", "--endpoint-url", URL, "--port", "1"), "--port changes nothing here"),
        (("--target", "endpoint", "--endpoint-url", URL, "--limits", "fresh"), "--limits changes nothing"),
        (("--target", "endpoint", "--endpoint-url", URL, "--bill-to", "1"), "--bill-to is for --target aws"),
        (("--endpoint-url", URL), "--endpoint-url changes nothing here: the target embedded"),
        (("--bill-to", "123456789012"), "--bill-to changes nothing here: the target embedded"),
        (("--target", "aws"), "is paid for"),
        (("--target", "aws", "--bill-to", "12"), "'12' is not the id of an AWS account"),
        (("--target", "aws", "--bill-to", "123456789012"), "There are no AWS credentials"),
        (("--target", "aws", "--bill-to", "123456789012", "--endpoint-url", URL), "would not be AWS"),
    ],
)
def test_wrong_use_is_one_sentence_and_2(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert launchday("run", "every_outcome", "--out", "r", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_nothing_that_answers_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert launchday("run", "every_outcome", "--out", "r", "--target", "endpoint", "--endpoint-url", URL) == 3
    said = capsys.readouterr()
    assert f"No AWS answers at {URL}" in " ".join(said.out.split())
    assert "stays on the target" not in said.err  # nothing was deployed
    assert launchday("doctor", "--target", "endpoint", "--endpoint-url", URL) == 3


def test_what_stands_already_is_not_kept_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert launchday("up", "--target", "endpoint", "--endpoint-url", URL) == 2
    assert "nothing to keep up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--endpoint-url", URL), ("--scenario", "every_outcome"), ("--pipeline", "mine")]
)
def test_an_address_without_a_target_is_told_to_the_doctor(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launchday("doctor", option, value) == 2
    assert f"{option} is for --target endpoint" in capsys.readouterr().err


class Sts:
    def __init__(self, account: str) -> None:
        self._account = account

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self._account}


class Aws(Cloud):
    def client(self, service: str, **config: object) -> Sts:
        return Sts("111122223333")


def test_nothing_is_deployed_with_the_credentials_of_another_account(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match=r"are of the account 111122223333, and --bill-to names 444455556666"),
        AwsTarget(Aws("us-east-1"), "444455556666").start(tmp_path),
    ):
        raise AssertionError("it was started")
    with AwsTarget(Aws("us-east-1"), "111122223333").start(tmp_path) as target:
        assert target.cloud().endpoints == {}


def test_what_awss_sns_does_not_reach_is_known_without_trying() -> None:
    findings = AwsTarget(Aws("us-east-1"), "111122223333").probe()
    assert [each.name for each, _ in findings.lacking({"sns.http": "webhooks", "lambda": "all"})] == [
        "sns.http"
    ]


def test_aws_that_does_not_answer_is_a_target_error(tmp_path: Path) -> None:
    nowhere = Cloud("us-east-1", {"": URL}, "a", "b")
    with (
        pytest.raises(TargetError, match="does not say whose account"),
        AwsTarget(nowhere, "1").start(tmp_path),
    ):
        raise AssertionError("it was started")


def test_an_endpoint_is_used_with_the_environments_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    target = foreign_target("endpoint", "eu-west-1", URL, None)
    cloud = target.cloud()
    assert (cloud.access_key_id, cloud.region, cloud.endpoint("s3")) == ("mine", "eu-west-1", URL)
