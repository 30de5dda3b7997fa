"""LocalStack as a target: started for a run with its companion, or one that stands already."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from harness.aws.limits.profiles import Limits
from harness.emulator import standing
from harness.emulator.command_line import DEFAULT_PORT
from harness.emulator.standing import LOCALSTACK, Standing
from harness.errors import TargetLost
from harness.measure.observation import Observation
from harness.measure.unseen import AUTHORIZATIONS, BACKLOG, LAMBDA_ERRORS, LAMBDA_THROTTLES, Unseen, usage_of
from harness.targets.embedded import EmbeddedObserver
from harness.targets.local import DEFAULT_REGION, OwnTarget, StandingTarget
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import LocalStack

_HEALTH = "/_launchday/health"
WORD_WITHIN_S = 5.0
_PAUSE_S = 0.05
_ALWAYS_UNSEEN: Unseen = {
    LAMBDA_THROTTLES: "LocalStack tells nobody of asynchronous invocations that it throttles",
}
_UNSEEN_WITHOUT: Mapping[str, Unseen] = {
    "lambda": {
        usage_of("lambda"): "LocalStack runs the functions itself, and measures none",
        LAMBDA_ERRORS: "LocalStack runs the functions itself, and counts none",
    },
    "dynamodb": {
        usage_of("dynamodb"): "DynamoDB is LocalStack's own here, which does not meter it",
        BACKLOG: "DynamoDB is LocalStack's own here, which does not say how far its streams are read",
    },
    "cognito": {usage_of("cognito-idp"): "Cognito is LocalStack's own here, which does not meter it"},
    "appsync": {usage_of("appsync"): "AppSync is LocalStack's own here, which does not meter it"},
    "authorizers": {AUTHORIZATIONS: "LocalStack asks authorizers itself, if at all, and counts nothing"},
}
"""By the companion's parts, which a user may switch off."""


class LocalStackObserver(EmbeddedObserver):
    """Reads the companion's meters. `gone` says in a sentence that LocalStack is, once it is.

    Whoever looks may see that LocalStack or its companion does not answer before the supervisor has said how
    it ended. So it is given WORD_WITHIN_S then, by pauses of `pause`, and its word goes before what was
    seen."""

    called = "LocalStack's companion"
    completeness = (
        "Every request that LocalStack's gateway answers is noted there and metered by Launchday's "
        "companion: those to API Gateway's stages, to Kinesis, S3, SNS, SQS, SSM and Logs, and SNS's "
        "deliveries, to HTTP endpoints by the attempt. DynamoDB, Cognito, AppSync and Lambda's invocations "
        "are metered by the companion that serves them. Nothing is sampled. LocalStack's own polls, retries "
        "and deliveries are counted as LocalStack makes them, which is not as often as AWS does. Not seen: "
        "whether an HTTP endpoint accepted a delivery, and throttles of asynchronous invocations. IAM, KMS "
        "and VPC usage is not rehearsed."
    )

    def __init__(
        self, url: str, gone: Callable[[], str | None], pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(url, alive=lambda: gone() is None)
        self._gone = gone
        self._pause = pause
        self.unseen = unseen_without(self._ask(_HEALTH)["parts"])

    def observe(self) -> Observation:
        """Look now. Raises TargetLost with how LocalStack or its companion ended."""
        try:
            seen = super().observe()
        except TargetLost as lost:
            self._hear_how_it_ended(lost)
            raise
        if seen.incidents:
            self._hear_how_it_ended(None)
        return seen

    def _hear_how_it_ended(self, seen: TargetLost | None) -> None:
        """Raises TargetLost with the supervisor's word, if it comes in time."""
        for _ in range(round(WORD_WITHIN_S / _PAUSE_S)):
            sentence = self._gone()
            if sentence is not None:
                raise TargetLost(sentence) from seen
            self._pause(_PAUSE_S)

    def _how_it_ended(self) -> str:
        return self._gone() or ""


def unseen_without(parts: Collection[str]) -> Unseen:
    """What cannot be seen of a LocalStack whose companion offers `parts`."""
    found = dict(_ALWAYS_UNSEEN)
    for part, unseen in _UNSEEN_WITHOUT.items():
        if part not in parts:
            found.update(unseen)
    return found


class LocalStackTarget(OwnTarget[LocalStack]):
    """A LocalStack of its own for the run."""

    name = LOCALSTACK

    def __init__(
        self,
        environment: Environment,
        *,
        limits: Limits,
        port: int = DEFAULT_PORT,
        region: str = DEFAULT_REGION,
    ) -> None:
        def make(logs_dir: Path) -> LocalStack:
            return LocalStack(environment, port=port, logs_dir=logs_dir, limits=limits, region=region)

        super().__init__(make, region)

    def observer(self) -> LocalStackObserver:
        """The companion's meters. Raises TargetError outside of `start`."""
        aws = self._running()
        return LocalStackObserver(aws.observed_at, lambda: _how_it_ended(aws))


class StandingLocalStackTarget(StandingTarget):
    """A LocalStack that stands already."""

    def observer(self) -> LocalStackObserver:
        """The companion's meters."""
        return LocalStackObserver(self._stands.observed_at, _gone(self._stands))


def _how_it_ended(aws: LocalStack) -> str | None:
    if aws.incidents:
        return aws.incidents[0]
    return None if aws.alive() else "LocalStack is gone: its supervisor ended."


def _gone(stands: Standing) -> Callable[[], str | None]:
    """Says that one that stands is gone, and how."""

    def sentence() -> str | None:
        now = standing.find(LOCALSTACK)  # before what it said, which it may say while we look
        incident = standing.said_at_its_end(LOCALSTACK)
        if incident is None and (now is None or now.pid != stands.pid):
            return "LocalStack is gone: it was stopped."
        return incident

    return sentence
