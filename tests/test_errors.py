"""The exit codes that users rely on."""

from __future__ import annotations

import pytest

from harness import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.TargetError, 3),
        (errors.PortInUse, 3),
        (errors.TargetLost, 3),
        (errors.MeasurementInvalid, 4),
        (errors.Interrupted, 130),
    ],
)
def test_exit_codes(kind: type[errors.LaunchdayError], code: int) -> None:
    assert kind("It broke.").exit_code == code


def test_the_remedy_follows_the_sentence() -> None:
    assert str(errors.UsageError("It broke.", "Mend it.")) == "It broke. Mend it."
