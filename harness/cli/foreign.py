"""From options to a target that somebody else runs: `--target endpoint`, `--target aws`.

What such a target takes is imported where it is asked for: it loads botocore, which others do not need.
"""

from __future__ import annotations

import os
import re
from typing import Final

import click
from click.core import ParameterSource

from harness.errors import UsageError
from harness.targets.base import Target

FOREIGN: Final = ("endpoint", "aws")
OWN_QUOTAS: Final = "its own"
"""What stands for the limits profile of a run on a target whose quotas are nobody's here."""

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_OF_OURS: Final = {"limits_name": "--limits", "port": "--port", "allow_deliveries": "--allow-delivery"}
_OF_OTHERS: Final = {"endpoint_url": "--endpoint-url", "bill_to": "--bill-to"}


def check_options(target: str) -> None:
    """Whether the options that were given are of a target of this kind. Raises UsageError for one that would
    change nothing."""
    for parameter, option in (_OF_OURS if target in FOREIGN else _OF_OTHERS).items():
        if was_given(parameter):
            whose = "has its own" if target in FOREIGN else "does not take it"
            raise UsageError(f"{option} changes nothing here: the target {target} {whose}.")


def region_given(region: str, target: str) -> str:
    """`--region` where it was given; on a target of others, else that of the environment or the profile."""
    if target not in FOREIGN:
        return region
    from harness.targets.reach import region_of

    return region_of(os.environ, region if was_given("region") else None)


def foreign_target(name: str, region: str, endpoint_url: str | None, bill_to: str | None) -> Target:
    """The target. Raises UsageError when it is not said where it is, or, of AWS, who is to pay."""
    from harness.targets.endpoint import AwsTarget, EndpointTarget
    from harness.targets.reach import aws_cloud, endpoint_cloud

    if name == "endpoint":
        if bill_to is not None:
            raise UsageError("--bill-to is for --target aws: nobody pays for an endpoint.")
        return EndpointTarget(endpoint_cloud(os.environ, endpoint_url, region))
    if bill_to is None:
        raise UsageError(
            "A rehearsal on AWS is paid for: everything that is deployed, and every request of the surge.",
            "Name the account that is to pay with --bill-to; nothing is deployed with another's credentials.",
        )
    if not _ACCOUNT.fullmatch(bill_to):
        raise UsageError(f"'{bill_to}' is not the id of an AWS account, which has twelve digits.")
    return AwsTarget(aws_cloud(os.environ, endpoint_url, region), bill_to)


def was_given(parameter: str) -> bool:
    """Whether the command that runs was given a parameter, and goes not by its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
