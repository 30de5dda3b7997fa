"""Ctrl-C at every stage: what was measured is kept, and no process stays behind."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.product import Product, Running, checked, opened, wait_until

pytestmark = pytest.mark.slow

AT_ONCE_S = 5.0


def under_load(product: Product) -> Running:
    """A rehearsal that has sent for a few seconds: the generator has written its totals once."""
    running = product.rehearse("--duration", "60s")
    wait_until((product.out / "load" / "summary.json").exists)
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_under_load_keeps_what_was_measured_for_a_report(
    product: Product, number: signal.Signals
) -> None:
    running = under_load(product)
    running.process.send_signal(number)
    ended = running.end()
    assert ended.code == 130
    assert "Traceback" not in ended.said
    result = product.result
    assert (result["status"], result["verdict"]) == ("interrupted", "invalid")
    assert result["requests"]["sent"] > 0
    assert opened(product).state.status == "interrupted"
    product.assert_nothing_left()
    for arguments in ((), ("--format", "markdown"), ("--format", "html"), ("--format", "junit")):
        again = product.run("report", product.out, *arguments)
        assert again.code == 130
        assert "interrupted" in again.stdout or "Ctrl-C" in again.stdout
        assert again.stderr == ""


@pytest.mark.parametrize("stage", ["target:", "deploy:", "load:", "drain:"])
def test_ctrl_c_at_any_stage_leaves_nothing_behind(product: Product, stage: str) -> None:
    running = product.rehearse("--duration", "1s")
    running.wait_for(stage)
    running.interrupt()
    ended = running.end()
    assert ended.code == 130
    assert "Traceback" not in ended.said
    assert product.result["status"] == "interrupted"
    product.assert_nothing_left()


def test_a_second_ctrl_c_ends_at_once(product: Product) -> None:
    running = under_load(product)
    generator = running.part("harness.load")
    generator.suspend()  # so that the first Ctrl-C has something to wait for
    running.interrupt()
    with pytest.raises(AssertionError, match="did not end"):
        running.end(1.0)
    running.interrupt()
    ended = running.end(AT_ONCE_S)
    assert ended.code == 130
    generator.resume()
    product.assert_nothing_left()


def test_a_run_that_is_killed_leaves_no_process_and_a_folder_to_report_on(product: Product) -> None:
    running = under_load(product)
    running.process.kill()
    assert running.end().code == -signal.SIGKILL
    product.assert_nothing_left()
    again = product.run("report", product.out, "--format", "json")
    assert again.code == 4
    result = checked(again.json)
    assert result["requests"]["sent"] > 0
    assert result["verdict_reason"] == "The run has not ended: it still runs, or it was killed."
