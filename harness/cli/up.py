"""`launchday up`: the pipeline, kept up to work against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from harness.aws.limits.profiles import Limits, load_limits
from harness.cli.foreign import FOREIGN, check_options
from harness.cli.options import where_options
from harness.cli.targets import check_limits, make_standing
from harness.conductor import deploy
from harness.emulator import standing
from harness.emulator.standing import LOCALSTACK, Standing
from harness.errors import UsageError
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline
from harness.scenario import load_scenario
from harness.targets.local import local_cloud


@click.command(short_help="Keep the pipeline up, for any AWS SDK or the AWS CLI.")
@click.option(
    "--scenario",
    default="mass_registration",
    show_default=True,
    help="The scenario whose accounts and peak the pipeline is sized for.",
)
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A web page's origin that may call the embedded AWS from a browser; others are refused.",
)
@where_options
def up(
    *,
    scenario: str,
    allow_origins: tuple[str, ...],
    target: str,
    endpoint_url: str | None,  # noqa: ARG001 - of a target that stands already
    bill_to: str | None,  # noqa: ARG001 - of a target that stands already
    pipeline_dir: Path | None,
    limits_name: str,
    region: str,
    port: int,
    allow_deliveries: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
) -> None:
    """Start the embedded AWS or LocalStack, deploy the pipeline on it, and leave both standing.

    `launchday status` says how to reach it with any AWS SDK, the AWS CLI or Terraform;
    `launchday down` ends it. What `launchday localstack start` left standing on the port is used.
    """
    if target in FOREIGN:
        raise UsageError(
            f"The target {target} stands already: there is nothing to keep up.",
            f"`launchday run --target {target}` deploys the pipeline on it and leaves it there.",
        )
    check_options(target)
    sized_for = load_scenario(scenario)
    folder = pipeline_dir or REFERENCE_PIPELINE
    pipeline = load_pipeline(folder)
    limits = load_limits(limits_name)
    already = _localstack_without_pipeline(port, limits) if target == LOCALSTACK else None
    stands = already or make_standing(
        target,
        port=port,
        limits=limits,
        region=region,
        allow_origins=allow_origins,
        allow_deliveries=allow_deliveries,
    )
    try:
        cloud = local_cloud(stands.endpoints, region)
        outputs = deploy(pipeline, cloud, sized_for, dict(settings))
    except BaseException:
        if already is None:
            standing.stop(stands.kind)
        raise
    notes = {
        "region": region,
        "access_key_id": cloud.access_key_id,
        "secret_access_key": cloud.secret_access_key,
        "pipeline_dir": str(folder.resolve()),
        "outputs": outputs,
    }
    standing.note(replace(stands, notes=notes))
    click.echo(f"{pipeline.name} is up at {stands.endpoints['']}; `launchday status` says how to reach it.")


def _localstack_without_pipeline(port: int, limits: Limits) -> Standing | None:
    """What `launchday localstack start` left on that port, and nobody has deployed on. Raises UsageError when
    it enforces other limits."""
    found = standing.find(LOCALSTACK)
    if found is None or found.port != port or "outputs" in found.notes:
        return None
    check_limits(found, limits)
    return found
