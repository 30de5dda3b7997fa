from __future__ import annotations

import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.cli.targets import make_target
from harness.emulator import standing
from harness.emulator.standing import Standing
from harness.errors import UsageError
from harness.targets.embedded import StandingEmbeddedTarget


def test_a_run_lets_no_host_into_an_emulator_that_stands_already(monkeypatch: pytest.MonkeyPatch) -> None:
    stands = Standing(1, 0.0, 4566, {"": "http://127.0.0.1:4566"}, "", "established")
    monkeypatch.setattr(standing, "find", lambda _kind: stands)
    found = make_target("embedded", limits=ESTABLISHED, port=4566, region="us-east-1")
    assert isinstance(found, StandingEmbeddedTarget)
    with pytest.raises(UsageError, match="its own --allow-delivery"):
        make_target(
            "embedded", limits=ESTABLISHED, port=4566, region="us-east-1", allow_deliveries=["h.example"]
        )
