"""`launchday localstack`: a LocalStack without Docker and without a token."""

from __future__ import annotations

from typing import Any

import click

from harness.aws.limits.profiles import load_limits
from harness.cli.options import DEFAULT_REGION, json_option, limits_option, port_option, region_option
from harness.cli.output import print_facts, print_json
from harness.emulator import standing
from harness.emulator.standing import LOCALSTACK, Standing
from harness.errors import TargetError
from harness.targets.local import local_cloud
from harness.targets.localstack import environment
from harness.targets.localstack.environment import LOCALSTACK_VERSION
from harness.targets.localstack.launch import leave_standing, parts_without

NONE_STANDS = "No LocalStack stands."
python_option = click.option(
    "--python",
    metavar="PROGRAM",
    help="The Python 3.13 to make its environment with.  [default: one that is found]",
)


@click.group(short_help="Install, start and stop a LocalStack without Docker or a token.")
def localstack() -> None:
    """LocalStack, in an environment of its own, with what it lacks here by Launchday.

    DynamoDB, Cognito user pools, AppSync and Lambda's functions are those of the embedded AWS; the rest is
    LocalStack's own. `launchday run … --target localstack` rehearses on it.
    """


@localstack.command(short_help="Make its environment, once.")
@python_option
def install(*, python: str | None) -> None:
    """Make LocalStack's environment in the user's cache: about 500 MB, and a minute or two (several on
    a busy machine).

    It needs Python 3.13, Node and npm, and their package indexes. What is there already is not made again.
    """
    made = environment.install(tell, python)
    click.echo(f"LocalStack {LOCALSTACK_VERSION} is installed in {made.folder}.")


@localstack.command(short_help="Start it, and leave it standing.")
@port_option("it")
@click.option(
    "--without",
    "left_out",
    multiple=True,
    metavar="PART",
    help="A part of Launchday's to leave to LocalStack: lambda (then it needs Docker), dynamodb (Java), "
    "cognito, appsync, authorizers (a token). May be given more than once, or with commas.",
)
@limits_option("AWS's quotas in Launchday's parts")
@region_option
@python_option
def start(*, port: int, left_out: tuple[str, ...], limits_name: str, region: str, python: str | None) -> None:
    """Start LocalStack on this machine's loopback, and leave it standing.

    It is installed first where it is not.
    """
    parts = parts_without(left_out)
    stands = leave_standing(
        environment.install(tell, python),
        port=port,
        limits=load_limits(limits_name),
        region=region,
        parts=parts,
    )
    click.echo(
        f"LocalStack is up at {stands.endpoints['']}; `launchday localstack status` says how to reach it."
    )


@localstack.command(short_help="Show how to reach it.")
@json_option
def status(*, as_json: bool) -> None:
    """Show the LocalStack that stands: endpoints, credentials, logs.

    Exit code 3 when none does.
    """
    stands = standing.find(LOCALSTACK)
    if stands is None:
        raise TargetError(how_it_ended() or NONE_STANDS, "`launchday localstack start` starts one.")
    facts = describe(stands)
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


@localstack.command(short_help="Stop it.")
def stop() -> None:
    """Stop the LocalStack that stands, its companion and its functions. None there is no error."""
    stopped = standing.stop(LOCALSTACK)
    if stopped is None:
        click.echo(how_it_ended() or NONE_STANDS)
    else:
        click.echo(f"Stopped LocalStack on port {stopped.port}.")


def how_it_ended(port: int | None = None) -> str | None:
    """A sentence on the end of the LocalStack that stood last, on `port` or on any; None where none did since
    the last start, or it was stopped."""
    ended = standing.ended(LOCALSTACK)
    if ended is None or port not in (None, ended.port):
        return None
    reason = ended.reason.rstrip(".")  # it may end with a log's last line
    return f"The LocalStack that stood on port {ended.port} ended: {reason}. Its logs are in {ended.logs}."


def describe(stands: Standing) -> dict[str, Any]:
    """What a program needs to work against it."""
    cloud = local_cloud(stands.endpoints, str(stands.facts.get("region", DEFAULT_REGION)))
    return {
        "version": LOCALSTACK_VERSION,
        "endpoint_url": stands.endpoints[""],
        "port": stands.port,
        "region": cloud.region,
        "access_key_id": cloud.access_key_id,
        "secret_access_key": cloud.secret_access_key,
        "companion_url": stands.observed_at,
        "parts": stands.facts.get("parts", []),
        "limits": stands.limits,
        "pid": stands.pid,
        "processes": stands.facts.get("processes", {}),
        "logs": str(standing.logs_dir(LOCALSTACK)),
    }


def tell(sentence: str) -> None:
    """Say what takes a while, where it is not taken for output."""
    click.echo(sentence, err=True)
