"""`launchday run`: the main job."""

from __future__ import annotations

import time
from pathlib import Path

import click

from harness.aws.limits.profiles import load_limits
from harness.cli.foreign import FOREIGN, OWN_QUOTAS, check_options, region_given
from harness.cli.live import view
from harness.cli.objectives import read_objectives
from harness.cli.options import Duration, where_options
from harness.cli.output import console, print_json
from harness.cli.targets import (
    IN_FLIGHT,
    IN_FLIGHT_ON_LOCALSTACK,
    default_in_flight,
    make_target,
    warn_of_rate,
    what_stays,
)
from harness.conductor import rehearse
from harness.measure.cost_so_far import CostSoFar
from harness.measure.run_folder import RunFolder
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline, watchable
from harness.rehearsal import Rehearsal
from harness.scenario import Overrides, load_scenario
from reports.baseline import Beside, day_before_from
from reports.checks.catalogue import check_objectives
from reports.formats import console as report


@click.command(short_help="Stand up, surge, drain, reconcile, bill, judge, report.")
@click.argument("scenario")
@click.option("--rate", type=float, metavar="N", help="Peak of the surge, in requests/s.")
@click.option("--duration", type=Duration(), help="How long the load lasts: 60s, 5m.")
@click.option("--devices", type=int, metavar="N", help="Devices in the population.")
@click.option("--seed", type=int, help="Same seed, same arrivals.  [default: the scenario's]")
@click.option("--trace", type=click.Path(path_type=Path), help="A CSV of time and place, for `replay`.")
@click.option("--compress", type=float, metavar="N", help="Replay a trace N times as fast.")
@where_options
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Load processes.")
@click.option(
    "--in-flight",
    "in_flight_cap",
    type=click.IntRange(1, 100_000),
    help="Requests that may wait for an answer; arrivals beyond it are dropped and counted.  "
    f"[default: {IN_FLIGHT}; {IN_FLIGHT_ON_LOCALSTACK} on LocalStack]",
)
@click.option(
    "--drain-limit",
    type=Duration(),
    default="120s",
    show_default=True,
    help="How long to wait for the backlog to empty.",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="'METRIC<LIMIT'",
    help="What must hold, in the place of the scenario's own: 'latency.p99<250ms'. Repeatable.",
)
@click.option(
    "--objectives",
    "objectives_file",
    type=click.Path(path_type=Path),
    help="A file with an objective a line.",
)
@click.option(
    "--allow-unjudged",
    is_flag=True,
    help="Judge without the objectives that the target cannot show, instead of ending with 4.",
)
@click.option(
    "--take-down",
    is_flag=True,
    help="Take the pipeline down in the end, on a target that stays. A product that stood before goes too.",
)
@click.option("--free-tier", is_flag=True, help="Take AWS's free tier off the bill.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A run of the day before, on the same terms, to set the bill beside.  "
    "[default: the scenario's model of it]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="The run folder.  [default: runs/<time>-…]"
)
@click.option("--quiet", is_flag=True, help="Show nothing until the report.")
@click.option("--json", "as_json", is_flag=True, help="Print result.json instead of the report.")
def run(
    *,
    scenario: str,
    rate: float | None,
    duration: float | None,
    devices: int | None,
    seed: int | None,
    trace: Path | None,
    compress: float | None,
    target: str,
    endpoint_url: str | None,
    bill_to: str | None,
    pipeline_dir: Path | None,
    limits_name: str,
    region: str,
    port: int,
    allow_deliveries: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    workers: int,
    in_flight_cap: int | None,
    drain_limit: float,
    objectives: tuple[str, ...],
    objectives_file: Path | None,
    allow_unjudged: bool,
    take_down: bool,
    free_tier: bool,
    baseline: Path | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Rehearse SCENARIO (a name of `launchday scenarios`, or a file's path): stand the pipeline up, surge,
    drain, reconcile every event, bill, judge, report.

    \b
    launchday run mass_registration
    launchday run mass_registration --rate 1000 --duration 60s --objective 'latency.p99<250ms'
    launchday run replay --trace pickups.csv --compress 2000
    """
    check_options(target)
    region = region_given(region, target)
    overrides = Overrides(
        rate=rate,
        duration_s=duration,
        seed=seed,
        devices=devices,
        trace=trace,
        compress=compress,
        objectives=read_objectives(objectives, objectives_file),
    )
    chosen = overrides.apply(load_scenario(scenario))
    folder_of_pipeline = pipeline_dir or REFERENCE_PIPELINE
    pipeline = load_pipeline(folder_of_pipeline)
    if chosen.watchers is not None:
        watchable(pipeline, chosen.name)
    warn_of_rate(target, chosen.peak_per_s)
    limits = load_limits(limits_name)
    wanted = pipeline.objectives.overridden_by(chosen.objectives)
    # Those of a route can be checked only once the pipeline stands and says its routes.
    check_objectives(objective for objective in wanted if "[" not in objective.metric)
    rehearsal = Rehearsal(
        scenario=chosen,
        overrides=overrides,
        pipeline=pipeline,
        pipeline_dir=folder_of_pipeline,
        target=make_target(
            target,
            limits=limits,
            port=port,
            region=region,
            allow_deliveries=allow_deliveries,
            endpoint_url=endpoint_url,
            bill_to=bill_to,
        ),
        limits=OWN_QUOTAS if target in FOREIGN else limits.name,
        objectives=wanted,
        region=region,
        workers=workers,
        in_flight_cap=in_flight_cap or default_in_flight(target),
        drain_limit_s=drain_limit,
        free_tier=free_tier,
        allow_unjudged=allow_unjudged,
        take_down=take_down,
        day_before=None
        if baseline is None
        else day_before_from(baseline, Beside(chosen, pipeline.name, target, region, free_tier)),
        settings=dict(settings),
    )
    folder = (
        RunFolder.create_at(out, chosen.name, time.time())
        if out
        else RunFolder.create(Path("runs"), chosen.name, time.time())
    )
    cost_so_far = CostSoFar(region, lambda: folder.plan().get("unbilled", []))
    with view(chosen.name, chosen.duration_s, cost_so_far, quiet=quiet) as listener:
        finished = rehearse(rehearsal, folder, listener)
    if as_json:
        print_json(finished.result)
    else:
        console().print(report.render(finished.result))
        click.echo(f"The run folder is {folder.path}; its report is {folder.path / 'report.html'}")
    left = None if take_down else what_stays(pipeline.name, rehearsal.target)
    if left and finished.folder.plan():  # it was deployed
        click.echo(left, err=True)
    return finished.exit_code
