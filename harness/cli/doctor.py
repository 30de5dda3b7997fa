"""`launchday doctor`: can this machine rehearse, and what does the embedded AWS not do."""

from __future__ import annotations

import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click
import psutil

from harness.cli.options import json_option
from harness.cli.output import print_json, print_table
from harness.errors import EXIT_TARGET
from harness.measure.environment import machine, versions

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


CHECKS: dict[str, Check] = {
    "python": _python,
    "cores": _cores,
    "memory": _memory,
    "disk": _disk,
    "open files": _descriptors,
}


@click.command(short_help="Check that this machine can rehearse.")
@json_option
def doctor(*, as_json: bool) -> int:
    """Check that this machine can rehearse, and say what the embedded AWS does not evaluate.

    Exit code 3 when something is missing.
    """
    found = {name: check() for name, check in CHECKS.items()}
    well = all(ok for ok, _ in found.values())
    if as_json:
        checks = {name: {"ok": ok, "detail": detail} for name, (ok, detail) in found.items()}
        print_json({"ok": well, "checks": checks, "not_evaluated": NOT_EVALUATED, "versions": versions()})
    else:
        rows = [["ok" if ok else "missing", name, detail] for name, (ok, detail) in found.items()]
        print_table(["", "", ""], rows)
        click.echo("\nThe embedded AWS does not evaluate:")
        for sentence in NOT_EVALUATED:
            click.echo(f"  {sentence}")
    return 0 if well else EXIT_TARGET
