"""From options to a target."""

from __future__ import annotations

from harness.aws.limits.profiles import Limits
from harness.targets.base import Target
from harness.targets.embedded import EmbeddedTarget


def make_target(name: str, *, limits: Limits, port: int, region: str) -> Target:
    """The target that `--target` names."""
    return {"embedded": EmbeddedTarget}[name](limits=limits, port=port, region=region)
