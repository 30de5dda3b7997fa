"""Loads a pipeline, a folder whose `pipeline.py` binds the name `pipeline`, and tells what it raises."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from harness.errors import LaunchdayError, UsageError
from harness.pipeline import Pipeline, Watchable

REFERENCE_PIPELINE = Path(__file__).resolve().parents[1] / "deploy"

_FILE = "pipeline.py"
_METHODS = ("fingerprint", "deploy", "destroy", "entrances", "evidence", "predict", "unbilled")
_ATTRIBUTES = ("name", "objectives")


def load_pipeline(directory: Path) -> Pipeline:
    """The pipeline in `directory`. Its folder is importable while it is in use, so that `pipeline.py` may
    import what lies beside it.

    Raises UsageError, in one sentence, when there is none or when it lacks a part of the protocol."""
    path = _file(directory.resolve())
    pipeline = _bound(path)
    missing = [name for name in _ATTRIBUTES if not hasattr(pipeline, name)]
    missing += [f"{name}()" for name in _METHODS if not callable(getattr(pipeline, name, None))]
    if missing:
        raise UsageError(
            f"The pipeline in {path} has no {', '.join(missing)}.",
            "harness.pipeline.Pipeline says what a pipeline is.",
        )
    return cast("Pipeline", pipeline)


def watchable(pipeline: Pipeline, scenario: str) -> Watchable:
    """`pipeline` as one that tells, for a scenario of that name. Raises UsageError when it is none."""
    if not isinstance(pipeline, Watchable):
        raise UsageError(
            f"{scenario} has watchers, and the pipeline {pipeline.name} tells nobody anything.",
            "harness.pipeline.Watchable says what it takes.",
        )
    return pipeline


@contextlib.contextmanager
def asking(pipeline: Pipeline, could_not: str, kind: type[LaunchdayError]) -> Iterator[None]:
    """While a pipeline's own code runs: what it raises becomes one sentence, `kind`, that says where.

    What is a LaunchdayError already stays what it is."""
    try:
        yield
    except LaunchdayError:
        raise
    except Exception as error:  # whatever a person's code raises is to be told as a mistake in that code
        what = f"{type(error).__name__}: {error}".rstrip(".: ")
        where = _where(error, Path(inspect.getfile(type(pipeline))).parent)
        raise kind(f"The pipeline {pipeline.name} could not {could_not}: {what} ({where}).") from error


def _where(error: Exception, folder: Path) -> str:
    """`<file>, line <n>`: where in `folder` the error came about, or else where at all."""
    passed = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in passed if folder in Path(frame.filename).parents]
    last = (inside or passed)[-1]
    return f"{last.filename}, line {last.lineno}"


def _file(directory: Path) -> Path:
    """The pipeline's file in `directory`. Raises UsageError."""
    path = directory / _FILE
    try:
        if not directory.is_dir():
            raise UsageError(f"There is no pipeline folder {directory}.")
        found = path.is_file()
    except OSError as error:
        raise UsageError(f"The pipeline {path} cannot be read: {error.strerror or error}.") from None
    if not found:
        raise UsageError(
            f"The folder {directory} holds no pipeline: it has no {_FILE}.",
            f"A pipeline is a folder whose {_FILE} binds the name `pipeline`.",
        )
    return path


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
