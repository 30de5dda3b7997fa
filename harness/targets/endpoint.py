"""An AWS that somebody else runs, as a target: one at an address, or AWS itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import TargetError, UsageError
from harness.pipeline import Cloud
from harness.targets.client_observer import ClientObserver
from harness.targets.findings import Finding, Findings
from harness.targets.probing.bench import Bench, said
from harness.targets.probing.trial import answering, probe


class EndpointTarget:
    """MiniStack, moto's server, a LocalStack that the user started: used, and left as it stands. What it can
    do is found out by trying."""

    name = "endpoint"
    keeps_pipeline = False

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.where = f"the AWS at {cloud.endpoint('sts')}"
        self._findings: Findings | None = None

    def start(self, logs_dir: Path) -> AbstractContextManager[EndpointTarget]:  # noqa: ARG002
        """Make sure that something answers. Raises TargetError."""
        return self._used()

    @contextmanager
    def _used(self) -> Iterator[EndpointTarget]:
        answering(Bench(self._cloud))
        yield self

    def cloud(self) -> Cloud:
        """How its API is reached."""
        return self._cloud

    def probe(self) -> Findings:
        """Try it out; the second time, what was found the first."""
        if self._findings is None:
            self._findings = probe(self._cloud)
        return self._findings

    def observer(self) -> ClientObserver:
        """What a client can see."""
        findings = self.probe()
        no_logs = None if findings.can("logs") else f"no REPORT lines: {findings.why_not('logs')}"
        return ClientObserver(self._cloud, no_logs=no_logs)


class AwsTarget:
    """AWS itself, with the credentials that boto3 finds. What AWS can do is not tried out.

    A surge there is paid for: it starts only when the credentials are those of the account that is to pay."""

    name = "aws"
    keeps_pipeline = False

    def __init__(self, cloud: Cloud, bill_to: str) -> None:
        self._cloud = cloud
        self.where = f"AWS in {cloud.region}, account {bill_to}"
        self._bill_to = bill_to

    def start(self, logs_dir: Path) -> AbstractContextManager[AwsTarget]:  # noqa: ARG002
        """Make sure whose account it is. Raises TargetError when AWS does not say, and UsageError when it is
        another than the one that is to pay."""
        return self._used()

    @contextmanager
    def _used(self) -> Iterator[AwsTarget]:
        try:
            account = self._cloud.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as why:
            raise TargetError(f"AWS does not say whose account this is: {said(why)}.") from why
        if account != self._bill_to:
            raise UsageError(
                f"The credentials are of the account {account}, and --bill-to names {self._bill_to}.",
                "Nothing was deployed.",
            )
        yield self

    def cloud(self) -> Cloud:
        """How it is reached."""
        return self._cloud

    def probe(self) -> Findings:
        """What is known without trying."""
        return Findings((Finding("sns.http", False, "AWS's SNS does not reach an endpoint on this machine"),))

    def observer(self) -> ClientObserver:
        """What a client can see."""
        return ClientObserver(self._cloud)
