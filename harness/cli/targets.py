"""From options to a target."""

from __future__ import annotations

from collections.abc import Sequence

from harness.aws.limits.profiles import Limits
from harness.cli.foreign import FOREIGN, foreign_target
from harness.cli.localstack import how_it_ended, tell
from harness.emulator import standing
from harness.emulator.standing import EMBEDDED, LOCALSTACK, Standing
from harness.errors import UsageError
from harness.targets.base import Stays, Target
from harness.targets.embedded import EmbeddedTarget, StandingEmbeddedTarget
from harness.targets.localstack import environment
from harness.targets.localstack.launch import leave_standing
from harness.targets.localstack.target import LocalStackTarget, StandingLocalStackTarget

IN_FLIGHT = 1000
IN_FLIGHT_ON_LOCALSTACK = 100
"""LocalStack has a thread for each request, 1,000 at most, and functions that requests wait for need some of
them: with as many requests in flight none is left for these, and everything waits for its time to run out."""
LOCALSTACK_TAKES_PER_S = 50
RATE_THAT_SUITS_LOCALSTACK = 20


def make_target(
    name: str,
    *,
    limits: Limits,
    port: int,
    region: str,
    allow_deliveries: Sequence[str] = (),
    endpoint_url: str | None = None,
    bill_to: str | None = None,
) -> Target:
    """The target that `--target` names: the one that is kept on that port, or one for the run.

    Raises UsageError when the one that stands enforces other limits, and where a target of others is not said
    to be anywhere; for LocalStack TargetError when it is not installed and cannot be."""
    if name in FOREIGN:
        return foreign_target(name, region, endpoint_url, bill_to)
    stands = standing.find(name)
    if stands is not None and stands.port != port:
        stands = None
    if name == LOCALSTACK:
        return _localstack(stands, limits, port, region, allow_deliveries)
    assert name == EMBEDDED  # the only other choice of the option
    if stands is None:
        return EmbeddedTarget(limits=limits, port=port, region=region, allow_deliveries=allow_deliveries)
    check_limits(stands, limits)
    if allow_deliveries:
        raise UsageError(
            f"What `launchday up` keeps on port {port} was started with its own --allow-delivery.",
            "Give it there, or --port 0 for an embedded AWS of its own.",
        )
    return StandingEmbeddedTarget(stands, region)


def make_standing(
    name: str,
    *,
    limits: Limits,
    port: int,
    region: str,
    allow_origins: Sequence[str] = (),
    allow_deliveries: Sequence[str] = (),
) -> Standing:
    """Start the target that `--target` names, and leave it standing. Raises what `make_target` does, and
    PortInUse; TargetError when one stands already."""
    if name == LOCALSTACK:
        _refuse_allow_deliveries(allow_deliveries)
        made = environment.install(tell)
        return leave_standing(made, port=port, limits=limits, region=region, allow_origins=allow_origins)
    return standing.start(
        port=port,
        limits=limits,
        region=region,
        allow_origins=allow_origins,
        allow_deliveries=allow_deliveries,
    )


def _localstack(
    stands: Standing | None, limits: Limits, port: int, region: str, allow_deliveries: Sequence[str]
) -> Target:
    _refuse_allow_deliveries(allow_deliveries)
    if stands is None:
        ended = how_it_ended(port)
        if ended is not None:
            tell(f"{ended} This run starts one of its own.")
        return LocalStackTarget(environment.install(tell), limits=limits, port=port, region=region)
    check_limits(stands, limits)
    return StandingLocalStackTarget(stands, region)


def _refuse_allow_deliveries(allow_deliveries: Sequence[str]) -> None:
    """Raises UsageError when there are any, for a target that has no use for them."""
    if allow_deliveries:
        raise UsageError(
            "LocalStack's SNS delivers to every host.", "Leave --allow-delivery to the embedded AWS."
        )


def default_in_flight(name: str) -> int:
    """How many requests may wait for an answer where nobody says how many."""
    return IN_FLIGHT_ON_LOCALSTACK if name == LOCALSTACK else IN_FLIGHT


def warn_of_rate(name: str, peak_per_s: float) -> None:
    """Say it beforehand where a surge is beyond what the target can take on any machine."""
    if name == LOCALSTACK and peak_per_s > LOCALSTACK_TAKES_PER_S:
        tell(
            f"LocalStack takes about {LOCALSTACK_TAKES_PER_S} requests/s, and this surge's peak is "
            f"{peak_per_s:,.0f}: what it does not take waits, and is dropped beyond the in-flight cap. "
            f"--rate {RATE_THAT_SUITS_LOCALSTACK} suits it."
        )


def what_stays(pipeline: str, target: Target) -> str | None:
    """A sentence on the pipeline that a run leaves on its target; None where it goes with the target, and
    where one is kept up there anyway."""
    if not isinstance(target, Stays) or target.keeps_pipeline:
        return None
    return f"{pipeline} stays on {target.where}; --take-down takes it down."


def check_limits(stands: Standing, limits: Limits) -> None:
    """Raises UsageError when what stands enforces other limits."""
    if stands.limits != limits.name:
        raise UsageError(
            f"What stands on port {stands.port} enforces the limits '{stands.limits}', not '{limits.name}'.",
            "Give --limits to match, or --port 0 for one of its own.",
        )
