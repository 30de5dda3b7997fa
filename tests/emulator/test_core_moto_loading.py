"""What is loaded with moto, in a process of its own: what a test process has loaded already would hide it."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
from pathlib import Path

from harness.emulator.moto.blobs import BlobStore
from harness.emulator.moto.hosted import ACCOUNT_ID, load_moto

load_moto(BlobStore(Path(sys.argv[1])))
import moto.ssm.models

assert not [name for name in sys.modules if name.startswith("moto.ec2")]
"""


def run(code: str, folder: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LOADED + code, str(folder)], capture_output=True, text=True, check=False
    )


def test_ssm_is_loaded_without_ec2(tmp_path: object) -> None:
    done = run("", tmp_path)
    assert done.returncode == 0, done.stderr


def test_ssm_finds_ec2_when_it_asks_for_instances(tmp_path: object) -> None:
    code = """
backends = moto.ssm.models.ec2_backends[ACCOUNT_ID]
from moto.ec2 import ec2_backends

assert backends["us-east-1"] is ec2_backends[ACCOUNT_ID]["us-east-1"]
assert backends["us-east-1"].all_reservations(filters={}) == []
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
