"""From options to a target."""

from __future__ import annotations

from collections.abc import Sequence

from harness.aws.limits.profiles import Limits
from harness.emulator import standing
from harness.errors import UsageError
from harness.targets.base import Target
from harness.targets.embedded import EmbeddedTarget, StandingTarget


def make_target(
    name: str, *, limits: Limits, port: int, region: str, allow_deliveries: Sequence[str] = ()
) -> Target:
    """The target that `--target` names: the one that `launchday up` keeps on that port, or one for the run.

    Raises UsageError when the one that stands enforces other limits."""
    assert name == "embedded"  # the only choice of the option
    stands = standing.find()
    if stands is None or stands.port != port:
        return EmbeddedTarget(limits=limits, port=port, region=region, allow_deliveries=allow_deliveries)
    if stands.limits != limits.name:
        raise UsageError(
            f"What `launchday up` keeps on port {port} enforces the limits '{stands.limits}', "
            f"not '{limits.name}'.",
            "Give --limits to match, or --port 0 for an embedded AWS of its own.",
        )
    if allow_deliveries:
        raise UsageError(
            f"What `launchday up` keeps on port {port} was started with its own --allow-delivery.",
            "Give it there, or --port 0 for an embedded AWS of its own.",
        )
    return StandingTarget(stands.endpoints, region)
