"""Programs that stand for Python 3.13, pip, npm and LocalStack, for tests of what is done around them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

MAIN = '''
"""A LocalStack that answers its health, starts a process in a session of its own, and stops when told to."""
import ctypes, http.server, os, signal, subprocess, sys, threading
print("LocalStack version: fake", flush=True)
if os.environ.get("LS_LOG") == "fail":
    print("it cannot be", flush=True)
    sys.exit(3)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass
host, _, port = os.environ["GATEWAY_LISTEN"].partition(":")
server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
def stop(*_):
    print("received a signal", flush=True)  # as LocalStack does
    if os.environ.get("LS_LOG") == "deaf":
        return
    if os.environ.get("LS_LOG") == "stuck":
        ctypes.PyDLL(None).sleep(600)  # no other thread runs meanwhile
    child.kill()
    child.wait()
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
print("Ready.", flush=True)
server.serve_forever()
'''


def program(path: Path, script: str) -> Path:
    """A shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: str = "3.13.1", implementation: str = "CPython", lacks: str = "") -> Path:
    """A Python that says that it is of `version`, and lacks a module."""
    failing = f"echo \"ModuleNotFoundError: No module named '{lacks}'\" >&2; exit 1" if lacks else ""
    return program(path, f"echo {implementation} {version}\n{failing}")


def making_python(path: Path, record: Path, pip: str = "") -> Path:
    """A Python 3.13 that makes virtual environments with itself in them. What it is asked goes to `record`, a
    line each; `pip` is what its `pip` does."""
    return program(
        path,
        f"""
echo "$@" >> {record}
case "$*" in
  *"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python";;
  *"-m pip"*) {pip or ":"};;
  *) echo CPython 3.13.1;;
esac
""",
    )


def node(folder: Path, version: str = "v20.1.0", npm: str | None = None) -> None:
    """Node, and an npm that installs `kinesis-local`, or does what `npm` says."""
    program(folder / "node", f"echo {version}")
    installs = "mkdir -p node_modules/kinesis-local; echo > node_modules/kinesis-local/main.js"
    program(folder / "npm", npm or installs)


def variables(folder: Path, **more: str) -> Mapping[str, str]:
    """An environment in which nothing is found but what is put below `folder`: `bin` is on PATH."""
    return {"HOME": str(folder), "PATH": str(folder / "bin"), **more}


def localstack(root: Path, name: str, extension: str) -> Path:
    """An environment whose LocalStack is MAIN, and an extension that stands for `extension`: the folder's
    name. The launcher, the supervisor and the companion are the real ones."""
    folder = root / name
    program(folder / "venv" / "bin" / "python", f'exec {sys.executable} "$@"')
    (folder / "libs").mkdir()
    (folder / "whole.json").write_text("{}")
    package = root / extension / "localstack" / "runtime"
    package.mkdir(parents=True)
    for init in (package, package.parent):
        (init / "__init__.py").touch()
    (package / "main.py").write_text(MAIN)
    return folder


def on_path(*folders: Path) -> str:
    """Those folders before what a shell script needs."""
    return os.pathsep.join([*map(str, folders), os.defpath])
