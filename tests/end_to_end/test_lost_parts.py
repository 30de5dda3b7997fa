"""A part of the product is killed in the middle of a run: noticed, said in a sentence, and no hang."""

from __future__ import annotations

import contextlib

import psutil
import pytest

from tests.end_to_end.product import Product, wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-m", "harness.emulator.edge"), 3, "The 'edge' process was killed by SIGKILL"),
        (("-m", "harness.emulator.state"), 3, "The 'state' process was killed by SIGKILL"),
        (("-m", "harness.emulator.push"), 3, "The 'push' process was killed by SIGKILL"),
        (("-m", "harness.emulator.moto_process"), 3, "The 'moto' process was killed by SIGKILL"),
        (("-m", "harness.emulator"), 3, "its supervisor ended"),
        (("-m", "harness.load", "--plan"), 4, "The load generator was killed by signal 9"),
        (("-m", "harness.load", "--worker"), 4, "went away in the middle of the run"),
    ],
    ids=["edge", "state", "push", "moto", "supervisor", "generator", "worker"],
)
def test_a_killed_part_ends_in_a_failed_run(
    product: Product, words: tuple[str, ...], code: int, said: str
) -> None:
    workers = ("--workers", "2") if "--worker" in words else ()
    running = product.rehearse("--duration", "60s", *workers)
    running.wait_for("1 s of 60 s")
    running.part(*words).kill()
    ended = running.end(45)
    assert ended.code == code
    assert "Traceback" not in ended.said
    assert said in ended.said
    result = product.result
    assert (result["status"], result["verdict"], result["exit_code"]) == ("failed", "invalid", code)
    assert said in result["error"]
    product.assert_nothing_left()
    assert product.run("report", product.out).code == code


def test_a_killed_function_is_replaced_and_nothing_is_lost(product: Product) -> None:
    running = product.rehearse("--duration", "6s")
    wait_until(lambda: processors(product))
    processors(product)[0].kill()
    assert product.measured(running)["ledger"]["missing"] == 0
    product.assert_nothing_left()


def processors(product: Product) -> list[psutil.Process]:
    """The environments that the function `processor` has now."""
    found = []
    for process in product.processes():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").endswith("processor"):
                found.append(process)
    return found
