from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.pipeline_loader import REFERENCE_PIPELINE, load_pipeline

WHOLE = """
from beside import NAME
class Mine:
    name, objectives = NAME, ()
    def fingerprint(self): return "x"
    def deploy(self, cloud, parameters): return {}
    def destroy(self, cloud): pass
    def entrances(self, outputs): return []
    def evidence(self, cloud, outputs, run_id): return iter(())
    def predict(self, events): return iter(())
    def unbilled(self, outputs): return []
pipeline = Mine()
"""


def test_a_pipeline_of_ones_own_imports_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("NAME = 'mine'")
    (tmp_path / "pipeline.py").write_text(WHOLE)
    assert load_pipeline(tmp_path).name == "mine"


def test_the_reference_pipeline_is_one() -> None:
    assert load_pipeline(REFERENCE_PIPELINE).name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "binds no `pipeline`"),
        ("pipeline = object()", r"has no name, objectives, fingerprint\(\), deploy\(\)"),
        (
            WHOLE.replace("def predict", "def guess").replace("from beside import NAME", "NAME=''"),
            r"no predict\(\)",
        ),
        ("def (", "cannot be loaded: line 1: SyntaxError"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pipeline.py").write_text(text)
    with pytest.raises(UsageError, match=words):
        load_pipeline(tmp_path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no pipeline folder"):
        load_pipeline(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"holds no pipeline: it has no pipeline\.py"):
        load_pipeline(tmp_path)
