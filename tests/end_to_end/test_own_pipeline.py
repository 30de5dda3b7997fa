"""Somebody's own pipeline through the same conductor: one that works, and what becomes of their mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pipeline_loader import load_pipeline
from tests.end_to_end.product import TINY, Product, copy_of, obey_permissions, one_sentence

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(product: Product) -> Path:
    """A copy of the second pipeline, to be broken."""
    return copy_of(TINY, product.folder / "mine")


def edit(pipeline: Path, old: str, new: str) -> None:
    file = pipeline / "pipeline.py"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_another_pipeline_is_rehearsed_like_the_first(product: Product) -> None:
    result = product.measured(product.rehearse("--pipeline", TINY))
    assert result["pipeline"] == {"name": "tiny", "hash": load_pipeline(TINY).fingerprint()}
    ledger = result["ledger"]
    assert ledger["accepted"] == ledger["registered"] == result["events"]["sent"] > 0
    assert ledger["missing"] == ledger["duplicated"] == ledger["unexpected"] == 0
    assert ledger["predictions"]["agree"] == ledger["accepted"]
    assert list(result["latency_ms"]) == ["PutRecord tiny"]
    assert "live-location" not in (product.out / "report.html").read_text()
    product.assert_nothing_left()


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        (
            "        self.destroy(cloud)\n",
            '        raise ValueError("there is no such plan")\n',
            3,
            "The pipeline tiny could not be deployed: ValueError: there is no such plan (",
        ),
        (
            '        s3 = cloud.client("s3")\n        for page',
            '        s3 = cloud.client("s3")\n        raise KeyError("seen")\n        for page',
            4,
            "The pipeline tiny could not show its evidence: KeyError: 'seen' (",
        ),
        (
            '        return ((event.ordinal, "registered") for event in events)',
            "        return 1 / 0",
            4,
            "The pipeline tiny could not predict outcomes: ZeroDivisionError: division by zero (",
        ),
        (
            "        return [PutRecord(outputs[\"url\"])]",
            '        return [PutRecord(outputs["adress"])]',
            3,
            "The pipeline tiny could not say its entrances: KeyError: 'adress' (",
        ),
    ],
    ids=["deploy", "evidence", "predict", "entrances"],
)  # fmt: skip
def test_what_a_pipeline_raises_is_told_in_a_sentence(
    product: Product, tiny: Path, old: str, new: str, code: int, said: str
) -> None:
    edit(tiny, old, new)
    ended = product.rehearse("--pipeline", tiny, "--duration", "1s").end()
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said
    assert said in ended.said
    assert said in product.result["error"]
    assert f"({tiny / 'pipeline.py'}, line " in ended.said  # where in their file
    product.assert_nothing_left()


def test_a_pipeline_that_may_not_be_read(product: Product, tiny: Path) -> None:
    for closed in (tiny / "pipeline.py", tiny):
        mode = closed.stat().st_mode
        closed.chmod(0)
        ended = product.rehearse("--pipeline", tiny, prepare=obey_permissions).end()
        closed.chmod(mode)
        assert ended.code == 2
        assert ("Permission denied" if closed != tiny else "is not readable") in one_sentence(ended)
        assert str(tiny) in one_sentence(ended)
    assert not product.out.exists()
