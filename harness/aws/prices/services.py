"""The tariffs of all services that a bill knows, by the meters' names of services."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from harness.aws.prices import (
    api_gateway,
    appsync,
    cloudwatch_logs,
    cognito,
    control,
    dynamodb,
    kinesis,
    lambda_,
    s3,
    sns,
    sqs,
    ssm,
)
from harness.aws.prices.line import Line, ResourceUsage, Tariff

_MODULES = (api_gateway, appsync, kinesis, lambda_, dynamodb, s3, sqs, sns, cloudwatch_logs, ssm, cognito)

TARIFFS: Final[Mapping[str, Tariff]] = {
    tariff.service: tariff for tariff in (*(module.TARIFF for module in _MODULES), *control.TARIFFS)
}


@dataclass(frozen=True)
class Unpriced:
    """Usage that the bill could not price, and why."""

    service: str
    resource: str
    unit: str
    quantity: Decimal
    reason: str


def bill_lines(resources: Iterable[ResourceUsage]) -> tuple[list[Line], list[Unpriced]]:
    """The lines of all resources that used something, and the usage that no line knows."""
    resources = tuple(resources)
    lines: list[Line] = []
    unpriced: list[Unpriced] = []
    for usage in resources:
        tariff = TARIFFS.get(usage.service)
        known = tariff.units | tariff.unbilled if tariff else frozenset()
        for unit, quantity in usage.quantities.items():
            if unit not in known and quantity:
                reason = f"no line of the bill knows '{unit}' of {usage.service}"
                unpriced.append(Unpriced(usage.service, usage.resource, unit, quantity, reason))
        if tariff:
            found = (function(usage) for function in tariff.lines)
            lines.extend(line for line in found if line is not None and line.quantity)
    return _called_by_functions(lines, resources), unpriced


def _called_by_functions(lines: Iterable[Line], resources: Iterable[ResourceUsage]) -> list[Line]:
    """With the log groups that Lambda names after functions written as often as these were invoked."""
    groups = {
        f"/aws/lambda/{usage.resource}": usage.get("requests")
        for usage in resources
        if usage.service == "lambda"
    }
    return [
        replace(line, calls=groups.get(line.resource)) if line.service == "logs" else line for line in lines
    ]
