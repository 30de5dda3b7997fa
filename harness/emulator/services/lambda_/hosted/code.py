"""Functions' code kept for as long as something runs it: whoever has the functions removes a version's folder
when it is replaced, and on AWS what runs then goes on to its end with the code that it began with.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from harness.emulator.services.lambda_.hosted.refusal import NotHosted


class KeptCode:
    """Copies under `home`, made of hard links where the file system can: they cost no space."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._kept: dict[Path, Path] = {}

    def keep(self, folder: Path) -> Path:
        """The copy of `folder`, as it is or was. Blocks: call it off the event loop. Raises NotHosted when
        there is neither."""
        found = self._kept.get(folder)
        if not folder.is_dir():
            if found is None:
                raise NotHosted(f"The function's folder {folder} is not there.")
            return found
        state = folder.stat()
        name = hashlib.sha256(f"{folder}\0{state.st_ino}\0{state.st_mtime_ns}".encode()).hexdigest()[:32]
        home = self._home / name
        if not home.exists():
            self._copy(folder, home)
        self._kept[folder] = home
        return home

    def let_go(self, folder: Path) -> None:
        """Nothing runs the code of `folder` any more: when that was removed, its copy may be. Blocks."""
        if not folder.exists():
            kept = self._kept.pop(folder, None)
            if kept is not None:
                shutil.rmtree(kept, ignore_errors=True)

    def _copy(self, folder: Path, home: Path) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=self._home))
        try:
            shutil.copytree(folder, making, symlinks=True, copy_function=_link, dirs_exist_ok=True)
            making.chmod(0o755)
            with contextlib.suppress(OSError):  # another thread was first: its copy is as good
                making.rename(home)
        except (OSError, shutil.Error) as error:
            raise NotHosted(f"The function's folder {folder} cannot be copied: {error}", 500) from None
        finally:
            shutil.rmtree(making, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target)
