"""A function's layers, merged in their order into one folder, as AWS merges them into /opt.

There is one /opt on a machine and it is not ours, so the folder is elsewhere: what is found by search paths
(Python modules, programs, shared libraries) is found, what opens /opt/... by name is not, and that is said.

docs: Lambda Developer Guide, Packaging your layer content, Layer paths for each Lambda runtime (read 2026)
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.emulator.services.lambda_.hosted.interpreters import Version
from harness.emulator.services.lambda_.hosted.refusal import NotHosted

MAX_LAYERS = 5


class Layers:
    """Merged layers under `home`: the same layers are merged once."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def merged(self, layers: Sequence[Path]) -> Path | None:
        """The folder that stands for /opt; None without layers. A later layer's file replaces an earlier
        one's. Blocks: call it off the event loop. Raises NotHosted when a layer's folder is not there."""
        if not layers:
            return None
        if len(layers) > MAX_LAYERS:
            raise NotHosted(f"A function has at most {MAX_LAYERS} layers.")
        for layer in layers:
            if not layer.is_dir():
                raise NotHosted(f"The layer {layer} is not there.")
        digest = hashlib.sha256()
        for layer in layers:
            digest.update(f"{layer}\0{layer.stat().st_ino}\0{layer.stat().st_mtime_ns}\0".encode())
        home = self._home / digest.hexdigest()[:32]
        if not home.exists():
            self._home.mkdir(parents=True, exist_ok=True)
            making = Path(tempfile.mkdtemp(prefix="making-", dir=self._home))
            try:
                for layer in layers:
                    _lay(layer, making)
                making.chmod(0o755)
                making.rename(home)
            except OSError:  # another thread may have been first, and its folder is as good
                if not home.exists():
                    raise
            finally:
                shutil.rmtree(making, ignore_errors=True)
        return home


def _lay(layer: Path, over: Path) -> None:
    for source in sorted(layer.rglob("*")):
        target = over / source.relative_to(layer)
        if source.is_dir() and not source.is_symlink():
            if target.is_symlink() or target.is_file():
                target.unlink()
            target.mkdir(exist_ok=True)
            continue
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        elif target.is_symlink() or target.exists():
            target.unlink()
        shutil.copy2(source, target, follow_symlinks=False)


def import_path(opt: Path | None, version: Version) -> list[Path]:
    """Where modules of layers are found, in AWS's order."""
    if opt is None:
        return []
    return [opt / "python" / "lib" / f"python{version[0]}.{version[1]}" / "site-packages", opt / "python"]


def variables(opt: Path | None) -> Mapping[str, str]:
    """The variables by which programs and shared libraries of layers are found."""
    if opt is None:
        return {}
    return {
        "PATH": f"/usr/local/bin:/usr/bin/:/bin:{opt}/bin",
        "LD_LIBRARY_PATH": f"{opt}/lib",
    }


def notes(opt: Path | None) -> list[str]:
    """What of these layers does not work as on AWS."""
    if opt is None:
        return []
    said = ["its layers are not at /opt: what opens a file of theirs by that name does not find it"]
    extensions = opt / "extensions"
    if extensions.is_dir() and (names := sorted(each.name for each in extensions.iterdir())):
        said.append(f"extensions in layers are not started ({', '.join(names)})")
    return said
