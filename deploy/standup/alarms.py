"""CloudWatch alarms: what tells an operator that the pipeline falls behind, fails, or costs too much.

They are data here: what is measured of what, and from where on it is too much. They notify nobody by
themselves; an operator adds an action where theirs is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deploy.standup.engine import Clients, Facts, Journal, Known

ALARMS_A_CALL = 100  # DeleteAlarms' own limit

Statistic = Literal["Sum", "Average", "Maximum"]


@dataclass(frozen=True)
class Alarm:
    """More than `threshold` of a metric, in each of `periods` periods of `period_s`."""

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: Statistic
    threshold: float
    description: str
    period_s: int = 60
    periods: int = 1

    def call(self, prefix: str) -> dict[str, Any]:
        """What PutMetricAlarm takes."""
        return {
            "AlarmName": f"{prefix}{self.name}",
            "AlarmDescription": self.description,
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in self.dimensions.items()],
            "Statistic": self.statistic,
            "Period": self.period_s,
            "EvaluationPeriods": self.periods,
            "Threshold": float(self.threshold),
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }


@dataclass(frozen=True)
class Alarms:
    """All alarms whose names begin with `prefix`."""

    clients: Clients
    name: str
    prefix: str
    describe: Callable[[Known], Sequence[Alarm]]
    needs: Sequence[str] = ()

    def stand_up(self, known: Known, journal: Journal) -> Facts:
        """Put the alarms that are missing or differ; delete those that are described no more."""
        cloudwatch, there = self.clients("cloudwatch"), self._there()
        wanted = {
            alarm["AlarmName"]: alarm for alarm in (each.call(self.prefix) for each in self.describe(known))
        }
        for name, call in wanted.items():
            before = there.get(name)
            if before == call:
                continue
            cloudwatch.put_metric_alarm(**call)
            journal.note(f"put the alarm {name}", self._undo(name, before))
        gone = there.keys() - wanted.keys()
        for name in gone:
            self._delete([name])
            journal.note(f"deleted the alarm {name}", self._undo(name, there[name]))
        return {}

    def _undo(self, name: str, before: Mapping[str, Any] | None) -> Callable[[], object]:
        cloudwatch = self.clients("cloudwatch")
        if before is None:
            return lambda: self._delete([name])
        given = {member: value for member, value in before.items() if value is not None}
        return lambda: cloudwatch.put_metric_alarm(**given)

    def _there(self) -> dict[str, dict[str, Any]]:
        """What PutMetricAlarm would have to be given for the alarms that stand."""
        pages = self.clients("cloudwatch").get_paginator("describe_alarms")
        members = Alarm("", "", "", {}, "Sum", 0, "").call("")
        return {
            each["AlarmName"]: {name: each.get(name) for name in members}
            for page in pages.paginate(AlarmNamePrefix=self.prefix)
            for each in page["MetricAlarms"]
        }

    def _delete(self, names: Sequence[str]) -> None:
        self.clients("cloudwatch").delete_alarms(AlarmNames=list(names))

    def take_down(self) -> None:
        """Delete the alarms."""
        names = sorted(self._there())
        for start in range(0, len(names), ALARMS_A_CALL):
            self._delete(names[start : start + ALARMS_A_CALL])
