"""Recordings replayed through the whole product: pickups, a GPS track, and one that is malformed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.end_to_end.product import Product, one_sentence

pytestmark = pytest.mark.slow

SLOW_IS_FINE = ("--objective", "latency.p99<60000ms")  # a few seconds are mostly cold starts
START = datetime(2014, 4, 1, 8, tzinfo=UTC)


def pickups(path: Path, rows: int = 30) -> Path:
    """One a minute, along Broadway."""
    lines = ["Date/Time,Lat,Lon,Base"]
    for n in range(rows):
        at = START + timedelta(minutes=n)
        lines.append(
            f'"{at:%-m/%-d/%Y %H:%M:%S}",{40.70 + n * 0.002:.4f},{-74.01 + n * 0.001:.4f},"B{n % 3}"'
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def track(path: Path, rows: int = 40) -> Path:
    """Two buses, a fix each 10 s, 100 m apart."""
    lines = ["vehicle,timestamp,latitude,longitude,bearing"]
    for n in range(rows):
        at = START + timedelta(seconds=10 * n)
        lines += [f"bus-{bus},{at.isoformat()},{53.4 + bus + n * 0.0009:.5f},-2.9,0" for bus in (1, 2)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_pickups_register_and_travel(product: Product) -> None:
    trace = pickups(product.work / "pickups.csv")
    running = product.rehearse("--trace", trace, "--compress", "400", *SLOW_IS_FINE, scenario="replay")
    result = product.measured(running)
    ledger = result["ledger"]
    assert ledger["missing"] == ledger["duplicated"] == ledger["unexpected"] == 0
    assert ledger["predictions"]["differ"] == 0
    assert ledger["registered"] == 30
    locations = ledger["archived"] + sum(ledger["discarded"].values())
    assert locations > 0
    assert ledger["archived"] >= 0.95 * locations


def test_a_track_keeps_its_places(product: Product) -> None:
    trace = track(product.work / "buses.csv")
    running = product.rehearse("--trace", trace, "--compress", "100", *SLOW_IS_FINE, scenario="replay")
    ledger = product.measured(running)["ledger"]
    assert (ledger["accepted"], ledger["registered"], ledger["missing"]) == (80, 0, 0)
    assert ledger["archived"] >= 0.95 * 80
    assert ledger["predictions"]["agree"] == 80


@pytest.mark.parametrize(
    ("line", "row", "said"),
    [
        (3, "4/1/2014 08:02:00,north,-74.0,B1", "line 3, field 'Lat': 'north' is not a number."),
        (4, "4/1/2014 08:02:00,40.7,-190,B1", "line 4, field 'Lon': -190 is not from -180 to 180."),
        (2, "yesterday,40.7,-74.0,B1", "line 2, field 'Date/Time': 'yesterday' is not a time."),
        (9, "4/1/2014 08:02:00,40.7", "line 9: the row has 2 fields where the header has 4."),
        (5, "4/1/2014 08:02:00,nan,-74.0,B1", "line 5, field 'Lat'"),
    ],
)
def test_a_malformed_row_is_told_by_file_line_and_field(
    product: Product, line: int, row: str, said: str
) -> None:
    trace = pickups(product.work / "pickups.csv")
    lines = trace.read_text().splitlines()
    lines[line - 1] = row
    trace.write_text("\n".join(lines))
    ended = product.rehearse("--trace", trace, scenario="replay").end()
    assert ended.code == 2
    assert one_sentence(ended).startswith(f"{trace}, {said}")
    assert not product.out.exists()
    product.assert_nothing_left()
