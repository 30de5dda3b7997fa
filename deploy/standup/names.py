"""What everything is called. All names hold the stage, so that several stages live in one account."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import UsageError

_STAGE = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one deployment. `account_id`, `partition` and `region` are AWS's."""

    stage: str
    account_id: str
    region: str
    partition: str = "aws"

    def __post_init__(self) -> None:
        if _STAGE.fullmatch(self.stage) is None:
            raise UsageError(
                f"'{self.stage}' cannot be the name of a stage.",
                "Use up to 16 lower-case letters and digits, a letter first.",
            )

    def own(self, thing: str) -> str:
        """The name of a thing that is unique within the account and region: `launchday-local-events`."""
        return f"launchday-{self.stage}-{thing}"

    def role(self, thing: str) -> str:
        """Roles are unique within the account, over all regions."""
        return f"{self.own(thing)}-{self.region}"

    @property
    def archive_bucket(self) -> str:
        """Buckets are unique in the world."""
        return f"{self.own('archive')}-{self.account_id}-{self.region}"

    def parameter(self, path: str) -> str:
        """`/launchday/<stage>/<path>`"""
        return f"/launchday/{self.stage}/{path}"

    def arn(self, service: str, thing: str) -> str:
        """The ARN of a thing of ours."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{thing}"
