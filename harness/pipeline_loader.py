"""Loads a pipeline: a folder with a `pipeline.py` that binds the name `pipeline`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import cast

from harness.errors import LaunchdayError, UsageError
from harness.pipeline import Pipeline

REFERENCE_PIPELINE = Path(__file__).resolve().parents[1] / "deploy"

_FILE = "pipeline.py"
_METHODS = ("fingerprint", "deploy", "destroy", "entrances", "evidence", "predict", "unbilled")
_ATTRIBUTES = ("name", "objectives")


def load_pipeline(directory: Path) -> Pipeline:
    """The pipeline in `directory`. Its folder is importable while it is in use, so that `pipeline.py` may
    import what lies beside it.

    Raises UsageError, in one sentence, when there is none or when it lacks a part of the protocol."""
    directory = directory.resolve()
    if not directory.is_dir():
        raise UsageError(f"There is no pipeline folder {directory}.")
    path = directory / _FILE
    if not path.is_file():
        raise UsageError(
            f"The folder {directory} holds no pipeline: it has no {_FILE}.",
            f"A pipeline is a folder whose {_FILE} binds the name `pipeline`.",
        )
    pipeline = _bound(path)
    missing = [name for name in _ATTRIBUTES if not hasattr(pipeline, name)]
    missing += [f"{name}()" for name in _METHODS if not callable(getattr(pipeline, name, None))]
    if missing:
        raise UsageError(
            f"The pipeline in {path} has no {', '.join(missing)}.",
            "harness.pipeline.Pipeline says what a pipeline is.",
        )
    return cast("Pipeline", pipeline)


def _bound(path: Path) -> object:
    name = (
        "deploy.pipeline" if path.parent == REFERENCE_PIPELINE else f"launchday_pipeline_{path.parent.name}"
    )
    if str(path.parent) not in sys.path and path.parent != REFERENCE_PIPELINE:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses defined in the file look their module up
    try:
        spec.loader.exec_module(module)
    except LaunchdayError:
        raise
    except Exception as error:  # whatever a person's file raises is to be told as a mistake in that file
        where = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        raise UsageError(
            f"The pipeline {path} cannot be loaded: {where}{type(error).__name__}: {error}."
        ) from error
    pipeline = getattr(module, "pipeline", None)
    if pipeline is None:
        raise UsageError(f"{path} binds no `pipeline`.", "It needs a line `pipeline = MyPipeline()`.")
    return cast("object", pipeline)
