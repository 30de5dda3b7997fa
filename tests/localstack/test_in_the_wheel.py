"""A wheel has what LocalStack's environment is made of; an editable install has it in the checkout."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from harness.targets.localstack import shipped
from harness.targets.localstack.environment import Environment

REPOSITORY = Path(__file__).parents[2]


def test_a_checkout_has_it_in_its_own_folder() -> None:
    assert shipped.folder() == REPOSITORY / "localstack"
    assert shipped.constraints().is_file()
    assert (shipped.kinesis() / "package-lock.json").is_file()
    assert (shipped.extension() / "pyproject.toml").is_file()


def test_the_extensions_build_asks_for_what_is_pinned() -> None:
    """It is built without isolation: its backend is LocalStack's environment's."""
    build = tomllib.loads((shipped.extension() / "pyproject.toml").read_text())["build-system"]
    assert build["build-backend"] == "hatchling.build"


@pytest.mark.slow
def test_a_wheel_has_it_beside_the_code(localstack_environment: Environment, tmp_path: Path) -> None:
    """Built by LocalStack's environment, which has the backend, so that nothing is downloaded."""
    ended = subprocess.run(
        [
            *(localstack_environment.python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", tmp_path, REPOSITORY),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (wheel,) = tmp_path.glob("launchday-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = (
        "import harness.targets.localstack.shipped as s\n"
        "print(s.__file__, s.constraints(), s.kinesis(), s.extension(), sep='\\n')"
    )
    said = subprocess.check_output(
        [sys.executable, "-S", "-c", code], cwd=tmp_path / "installed", text=True
    ).splitlines()
    assert all(Path(path).is_relative_to(tmp_path / "installed") for path in said)
    constraints, kinesis, extension = (Path(path) for path in said[1:])
    assert constraints.read_bytes() == shipped.constraints().read_bytes()
    assert (kinesis / "package-lock.json").is_file()
    packed = {path.relative_to(extension) for path in extension.rglob("*") if path.is_file()}
    source = {
        path.relative_to(shipped.extension())
        for path in shipped.extension().rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == source
