"""A rehearsal in which every kind of secret is used leaves none behind: in no file of the run folder, no log,
no report, and nothing that is said on the terminal."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from deploy.accounts import account_id, password, publishable_key, secret_key
from tests.end_to_end.product import HERE, Product

pytestmark = pytest.mark.slow

OPEN_BOOK = HERE.parent / "pipelines" / "open_book"
SHOWN = HERE / "shown.py"
ACCOUNTS = 4

FORMS = {
    "a JWT": re.compile(rb"eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    "a temporary access key": re.compile(rb"\bASIA[A-Z0-9]{16}\b"),
    "a session token": re.compile(rb"YXJuOmF3c[A-Za-z0-9_-]+={0,2}\.[A-Za-z0-9_-]{16,}"),
    "an AppSync API key": re.compile(rb"\bda2-[a-z0-9]{26}\b"),
    "a confirmation token": re.compile(rb"\b[0-9a-f]{256}\b"),
    "a secret key": re.compile(rb"\bsk_[0-9a-f]{16,}"),
    "a publishable key": re.compile(rb"\bpk_[0-9a-f]{16,}"),
    "a password": re.compile(rb"\bLp1-[0-9a-f]{16,}"),
    "an Authorization header": re.compile(rb"(?:Basic|Bearer) [A-Za-z0-9+/_-]{16,}|AWS4-HMAC-SHA256 Cred"),
    "a private key": re.compile(rb"BEGIN [A-Z ]*PRIVATE KEY"),
}
"""What a secret looks like that the deployment did not tell, those of functions and endpoints among them."""


def secrets_of(told: dict[str, Any]) -> dict[str, str]:
    """Every secret of the deployment by what it is."""
    outputs, tokens = told["outputs"], told["tokens"]
    seed = outputs["accounts"]["seed"]
    found = {"the seed": seed, "the API key": told["api_key"]}
    for number in range(ACCOUNTS):
        account = account_id(number)
        key = secret_key(seed, account)
        found |= {
            f"secret key {number}": key,
            f"Basic {number}": b64encode(f"{account}:{key}".encode()).decode(),
            f"publishable key {number}": publishable_key(seed, account),
            f"password {number}": password(seed, account),
        }
    found |= {f"ID token of {account}": token for account, token in outputs["live"]["tokens"].items()}
    found |= {name: tokens[name] for name in ("IdToken", "AccessToken", "RefreshToken")}
    assert all(len(secret) >= 16 for secret in found.values())
    return found


def contents(path: Path) -> Iterator[bytes]:
    """A file as it is, and what is packed in it."""
    raw = path.read_bytes()
    yield raw
    if raw.startswith(b"\x1f\x8b"):
        yield gzip.decompress(raw)
    if raw.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def found_in(raw: bytes, secrets: dict[str, str]) -> list[str]:
    known = [name for name, secret in secrets.items() if secret.encode() in raw]
    return known + [name for name, form in FORMS.items() if form.search(raw)]


def test_a_rehearsal_keeps_no_secret(product: Product) -> None:
    told = product.folder / "told.json"
    running = product.rehearse(
        *("--pipeline", OPEN_BOOK, "--json"),
        scenario=SHOWN,
        environment={"LAUNCHDAY_TEST_OUTPUTS": str(told)},
    )
    ended = running.end(180)
    secrets = secrets_of(json.loads(told.read_text()))
    assert found_in(told.read_bytes(), secrets)  # what is looked for can be found
    told.unlink()
    result = product.result
    assert result["requests"]["accepted"] > 0
    report = product.run("report", product.out)
    said = {"the run": ended, "the report": report}
    for what, command in said.items():
        for text in (command.stdout, command.stderr):
            assert found_in(text.encode(), secrets) == [], what
    looked_at = 0
    for folder in (product.out, product.folder):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                looked_at += 1
                for raw in contents(path):
                    assert found_in(raw, secrets) == [], path
    assert looked_at > 5


def test_what_stands_is_known_to_its_owner_alone(product: Product) -> None:
    assert product.run("up", "--port", "0", within_s=180).code == 0
    try:
        state = product.folder / "state"
        kept = [path for path in state.rglob("*") if path.is_file()]
        assert (state / "standing.json") in kept
        assert (state / "standing.json").stat().st_mode & 0o077 == 0
        notes = json.loads((state / "standing.json").read_text())["notes"]
        seed = notes["outputs"]["accounts"]["seed"]
        for path in kept:
            if path.name.endswith(".log"):
                assert found_in(path.read_bytes(), {"the seed": seed}) == [], path
    finally:
        assert product.run("down").code == 0
