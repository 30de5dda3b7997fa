"""`launchday up`: the pipeline, kept up to work against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from harness.aws.limits.profiles import load_limits
from harness.cli.options import where_options
from harness.conductor import deploy
from harness.emulator import standing
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline
from harness.scenario import load_scenario
from harness.targets.embedded import embedded_cloud


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
    target: str,  # noqa: ARG001 - the one that can be kept up is the embedded one
    pipeline_dir: Path | None,
    limits_name: str,
    region: str,
    port: int,
    allow_deliveries: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
) -> None:
    """Start the embedded AWS, deploy the pipeline on it, and leave both standing.

    `launchday status` says how to reach it with any AWS SDK, the AWS CLI or Terraform;
    `launchday down` ends it.
    """
    sized_for = load_scenario(scenario)
    folder = pipeline_dir or REFERENCE_PIPELINE
    pipeline = load_pipeline(folder)
    stands = standing.start(
        port=port,
        limits=load_limits(limits_name),
        region=region,
        allow_origins=allow_origins,
        allow_deliveries=allow_deliveries,
    )
    try:
        cloud = embedded_cloud(stands.endpoints, region)
        outputs = deploy(pipeline, cloud, sized_for, dict(settings))
    except BaseException:
        standing.stop()
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
