"""Finds scenarios by name or path and loads them; a scenario is a Python file that binds `scenario`."""

from __future__ import annotations

import difflib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

from harness.errors import LaunchdayError, UsageError
from harness.scenario.model import Scenario

_PACKAGED = Path(__file__).resolve().parents[2] / "scenarios"


def packaged_scenarios() -> dict[str, Path]:
    """The scenarios that come with Launchday: name to file, by name."""
    return {path.stem: path for path in sorted(_PACKAGED.glob("[a-z]*.py"))}


def load_scenario(name_or_path: str | Path) -> Scenario:
    """The scenario of that name, or in the file at that path.

    Raises UsageError, in one sentence, when there is none, or when the file does not bind a valid one.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".py") or "/" in text or "\\" in text:
        return _load(Path(text))
    packaged = packaged_scenarios()
    if text in packaged:
        return _load(packaged[text])
    close = difflib.get_close_matches(text, packaged, n=1, cutoff=0.4)
    remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(packaged)}."
    raise UsageError(f"There is no scenario '{text}'.", remedy)


def _load(path: Path) -> Scenario:
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"There is no scenario file {path}.")
    module_name = f"launchday_scenario_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"The scenario file {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses defined in the file look their module up
    try:
        spec.loader.exec_module(module)
    except LaunchdayError as error:
        raise UsageError(f"The scenario in {path} is not valid: {error.message}", error.remedy) from error
    except Exception as error:  # whatever a person's file raises is to be told as a mistake in that file
        where = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        raise UsageError(
            f"The scenario file {path} cannot be loaded: {where}{type(error).__name__}: {error}."
        ) from error
    scenario = getattr(module, "scenario", None)
    if not isinstance(scenario, Scenario):
        raise UsageError(
            f"The scenario file {path} binds no scenario.", "It needs a line `scenario = Scenario(...)`."
        )
    return replace(scenario, path=path)
