"""`launchday doctor`: can this machine rehearse, and what does the embedded AWS not do."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import psutil

from harness.cli.foreign import was_given
from harness.cli.options import endpoint_option, json_option
from harness.cli.output import print_json, print_table
from harness.emulator.standing import LOCALSTACK
from harness.errors import EXIT_TARGET, LaunchdayError, UsageError
from harness.measure.environment import machine, versions
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline
from harness.prerequisites import needs_of, rows
from harness.scenario import load_scenario
from harness.targets.localstack import environment, interpreter, node
from reports.checks.catalogue import unjudged_metrics

NOT_EVALUATED = (
    "IAM policies: every request is allowed, whoever signs it; only Lambda authorizers refuse.",
    "Signatures: SigV4 headers are read for service, Region and caller; only GraphQL APIs verify them.",
    "KMS: nothing is encrypted.",
    "VPC: functions run on this machine's network.",
    "TLS and a connection for every phone: load goes over plain HTTP on few connections.",
)

Check = Callable[[], tuple[bool, str]]


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), f"Python {versions()['python']}; 3.11 or newer is needed"


def _cores() -> tuple[bool, str]:
    cores = int(machine()["cores"])
    return cores >= 2, f"{cores} cores; 2 or more keep the load generator apart from what it loads"


def _memory() -> tuple[bool, str]:
    free = psutil.virtual_memory().available
    return free >= 2**30, f"{free / 2**30:.1f} GiB of memory free; 1 GiB is needed"


def _disk() -> tuple[bool, str]:
    free = shutil.disk_usage(Path.cwd()).free
    return free >= 2**30, f"{free / 2**30:.1f} GiB of disk free here; 1 GiB is needed"


def _descriptors() -> tuple[bool, str]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = "any number of" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    enough = hard == resource.RLIM_INFINITY or hard >= 4096
    return enough, f"{allowed} open files allowed; 4,096 are needed (`ulimit -Hn`)"


def _localstack_python() -> tuple[bool, str]:
    """Once the environment is made with one, however that was found then, no other is needed."""
    made = environment.find()
    if made is not None:
        base = made.base
        which = f"Python {base.version} at {base.path}" if base else str(made.python)
        return True, f"{which}, which LocalStack's environment was made with"
    try:
        found = interpreter.find()
    except LaunchdayError as error:
        return False, str(error)
    return True, f"Python {found.version} at {found.path}"


def _localstack_node() -> tuple[bool, str]:
    try:
        found = node.find()
    except LaunchdayError as error:
        return False, str(error)
    return True, f"Node {found.version} at {found.node}, npm at {found.npm}"


def _localstack_environment(wanting: Sequence[str]) -> tuple[bool, str]:
    """`wanting` are the names of what it is made with and that is not there."""
    found = environment.find()
    if found is not None:
        return True, f"LocalStack {environment.LOCALSTACK_VERSION} is installed in {found.folder}"
    if wanting:
        return False, f"not installed, and cannot be before {' and '.join(wanting)} is there"
    return True, "not installed yet: `launchday localstack install`, or the first use, does it"


def _for_localstack() -> dict[str, tuple[bool, str]]:
    """What `--target localstack` needs beside."""
    made_with = {"python 3.13": _localstack_python(), "node": _localstack_node()}
    wanting = [name for name, (ok, _) in made_with.items() if not ok]
    return {**made_with, "environment": _localstack_environment(wanting)}


CHECKS: dict[str, Check] = {
    "python": _python,
    "cores": _cores,
    "memory": _memory,
    "disk": _disk,
    "open files": _descriptors,
}
_OF_ENDPOINTS = {"endpoint_url": "--endpoint-url", "scenario": "--scenario", "pipeline_dir": "--pipeline"}


@click.command(short_help="Check that this machine, or another's AWS, can rehearse.")
@click.option(
    "--target",
    type=click.Choice([LOCALSTACK, "endpoint"]),
    help="localstack: ask for what that target needs, too. endpoint: try out, instead, what the AWS at an "
    "endpoint can do.",
)
@endpoint_option
@click.option(
    "--scenario",
    default="mass_registration",
    show_default=True,
    help="With --target endpoint: the scenario whose needs are held against it.",
)
@click.option(
    "--pipeline",
    "pipeline_dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --target endpoint: the pipeline that is to stand there.  [default: the reference pipeline]",
)
@json_option
def doctor(
    *, target: str | None, endpoint_url: str | None, scenario: str, pipeline_dir: Path | None, as_json: bool
) -> int:
    """Check that this machine can rehearse, and say what the embedded AWS does not evaluate. What LocalStack
    needs is said too, and counts with `--target localstack`. With `--target endpoint`, try out what another's
    AWS can do, with things of its own that are taken away again.

    Exit code 3 when something is missing.
    """
    if target == "endpoint":
        return _try_out(endpoint_url, scenario, pipeline_dir or REFERENCE_PIPELINE, as_json=as_json)
    for parameter, option in _OF_ENDPOINTS.items():
        if was_given(parameter):
            raise UsageError(f"{option} is for --target endpoint.")
    return _check_this_machine(for_localstack=target == LOCALSTACK, as_json=as_json)


def _try_out(endpoint_url: str | None, scenario: str, pipeline_dir: Path, *, as_json: bool) -> int:
    from harness.targets.client_observer import unseen_by_a_client
    from harness.targets.endpoint import EndpointTarget
    from harness.targets.reach import endpoint_cloud, region_of

    pipeline = load_pipeline(pipeline_dir)
    needs = needs_of(pipeline, load_scenario(scenario))
    cloud = endpoint_cloud(os.environ, endpoint_url, region_of(os.environ, None))
    findings = EndpointTarget(cloud).probe()
    lacking = [each.name for each, _ in findings.lacking(needs)]
    unseen = unseen_by_a_client(None if findings.can("logs") else findings.why_not("logs"))
    if as_json:
        found = {
            **findings.to_json(),
            "needed": dict(needs),
            "lacking": lacking,
            "not_judged": list(unjudged_metrics(unseen)),
        }
        print_json({"ok": not lacking, "endpoint": cloud.endpoint(""), **found})
    else:
        heads = ["", "", "", f"needed by {pipeline.name} for"]
        print_table(
            heads, [[row.mark, row.name, row.detail, row.needed_for] for row in rows(findings, needs)]
        )
        for thing in findings.left_behind:
            click.echo(f"Left behind: {thing}")
        click.echo(f"\nObjectives on these cannot be judged there: {', '.join(unjudged_metrics(unseen))}.")
        if lacking:
            click.echo(f"{pipeline.name} cannot be rehearsed there: it lacks {', '.join(lacking)}.")
    return EXIT_TARGET if lacking else 0


def _check_this_machine(*, for_localstack: bool, as_json: bool) -> int:
    found = {name: check() for name, check in CHECKS.items()}
    of_localstack = _for_localstack()
    counted = [*found.values(), *(of_localstack.values() if for_localstack else ())]
    well = all(ok for ok, _ in counted)
    if as_json:
        print_json(
            {
                "ok": well,
                "checks": _as_json(found),
                "localstack": _as_json(of_localstack),
                "not_evaluated": NOT_EVALUATED,
                "versions": versions(),
            }
        )
        return 0 if well else EXIT_TARGET
    print_table(["", "", ""], _rows(found))
    click.echo("\nFor --target localstack:")
    print_table(["", "", ""], _rows(of_localstack))
    click.echo("\nThe embedded AWS does not evaluate:")
    for sentence in NOT_EVALUATED:
        click.echo(f"  {sentence}")
    return 0 if well else EXIT_TARGET


def _rows(found: Mapping[str, tuple[bool, str]]) -> list[list[str]]:
    return [["ok" if ok else "missing", name, detail] for name, (ok, detail) in found.items()]


def _as_json(found: Mapping[str, tuple[bool, str]]) -> dict[str, dict[str, object]]:
    return {name: {"ok": ok, "detail": detail} for name, (ok, detail) in found.items()}
