from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.scenario import LOCATION, REGISTRATION, City, Population, Trace
from harness.scenario.trace_file import read_trace

NOBODY = Population(1, 1, (City("A", 0.0, 0.0, utc_offset_h=0),))


def written(path: Path, text: str) -> Path:
    file = path / "trace.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text",
    [
        "picked_up_at,lat,lon,base\n2014-04-01T00:11:00,40.5,-73.5,B1\n2014-04-01T00:12:00,41,-74,B2\n",
        '"Date/Time","Lat","Lon"\n"4/1/2014 0:11:00",40.5,-73.5\n"4/1/2014 0:12",41.0,-74.0\n',
        "longitude,latitude,timestamp\n-73.5,40.5,1396311060\n-74,41,1396311120.0\n",
        "time,lng,lat\n1396311060000,-73.5,40.5\n1396311120000,-74,41\n",
        "recorded_at,lat,lon\n2014-04-01 02:11:00+02:00,40.5,-73.5\n\n2014-04-01T00:12:00Z,41,-74\n",
        "\ufefftpep_pickup_datetime,pickup_longitude,pickup_latitude\n"
        "2014-04-01 00:11:00,-73.5,40.5\n2014-04-01 00:12:00,-74,41\n",
    ],
)
def test_any_csv_of_time_and_place_is_read(tmp_path: Path, text: str) -> None:
    rows = read_trace(written(tmp_path, text))
    assert rows.time_s.tolist() == [1396311060.0, 1396311120.0]
    assert rows.lat.tolist() == [40.5, 41.0]
    assert rows.lon.tolist() == [-73.5, -74.0]
    assert rows.vehicle is None
    assert np.isnan(rows.speed).all()


def test_a_track_says_more(tmp_path: Path) -> None:
    text = "vehicle_id,time,lat,lon,heading,speed,accuracy\n7,1396311060,1,2,90,3.5,8\n7,1396311061,1,2,,,\n"
    rows = read_trace(written(tmp_path, text))
    assert rows.vehicle is not None
    assert rows.vehicle.tolist() == ["7", "7"]
    assert [rows.bearing[0], rows.speed[0], rows.accuracy[0]] == [90.0, 3.5, 8.0]
    assert np.isnan([rows.bearing[1], rows.speed[1], rows.accuracy[1]]).all()


GOOD = "time,lat,lon\n2014-04-01T00:11:00,40.5,-73.5\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            GOOD + "2014-04-01T00:12:00,north,-73.5\n",
            "trace.csv, line 3, field 'lat': 'north' is not a number.",
        ),
        (
            GOOD + "2014-04-01T00:12:00,95,-73.5\n",
            "trace.csv, line 3, field 'lat': 95 is not from -90 to 90.",
        ),
        (GOOD + "2014-04-01T00:12:00,,-73.5\n", "trace.csv, line 3, field 'lat': '' is not a number."),
        (
            GOOD + "2014-04-01T00:12:00,nan,-73.5\n",
            "trace.csv, line 3, field 'lat': nan is not from -90 to 90.",
        ),
        (GOOD + "yesterday,40,-73.5\n", "trace.csv, line 3, field 'time': 'yesterday' is not a time."),
        (GOOD + "2014-13-01T00:12:00,40,-73.5\n", "trace.csv, line 3, field 'time'"),
        (
            GOOD + "2014-04-01T00:12:00,40\n",
            "trace.csv, line 3: the row has 2 fields where the header has 3.",
        ),
        ("time,lat\n1,2\n", "has no column for longitude."),
        ("", "has no column for time and latitude and longitude."),
        (GOOD, "spans no time"),
        (GOOD + "2014-04-01T00:11:00,40.5,-73.5\n", "spans no time"),
        ('time,lat,lon\n"2014', "is not a CSV file"),
        ("time,lat,lon,speed\n1396311060,1,2,-4\n", "line 2, field 'speed': -4 is not from 0 to 1000."),
    ],
)
def test_a_bad_file_is_one_sentence_with_file_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_trace(written(tmp_path, text))
    assert said in caught.value.message
    assert "trace.csv" in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.csv cannot be read: No such file"):
        read_trace(tmp_path / "nothing.csv")


def test_a_line_number_counts_lines_of_the_file(tmp_path: Path) -> None:
    text = 'time,lat,lon,note\n1396311060,1,2,"two\nlines"\n\n1396311061,1,x,\n'
    with pytest.raises(UsageError, match="line 5, field 'lon'"):
        read_trace(written(tmp_path, text))


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_bytes(b"time,lat,lon\n\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a CSV file in UTF-8"):
        read_trace(tmp_path / "trace.csv")


def pickups(tmp_path: Path, count: int, gap_s: int = 60) -> Path:
    rows = [f"{1396311060 + gap_s * number},40.5,-73.5" for number in range(count)]
    return written(tmp_path, "time,lat,lon\n" + "\n".join(rows) + "\n")


def test_a_pickup_is_a_registration_and_a_trip(tmp_path: Path) -> None:
    trace = Trace(trip_locations=3, cadence_s=10.0, trip_speed=9.0).of(pickups(tmp_path, 2), 10)
    events = trace.events
    assert events.devices == 2
    assert (events.time_s - events.time_s[0]).tolist() == [0, 0, 10, 20, 60, 60, 70, 80]
    assert events.registration.tolist() == [True, False, False, False] * 2
    assert trace.expected_requests() == {REGISTRATION: 2.0, LOCATION: 6.0}
    north = (events.lat[2:4] - events.lat[1]) * 111_320
    east = (events.lon[2:4] - events.lon[1]) * 111_320 * np.cos(np.radians(40.5))
    assert np.hypot(north, east) == pytest.approx([90, 180], rel=0.01)
    assert trace.duration_s == 8.0


def test_without_a_compression_the_run_takes_a_minute_or_keeps_250_a_second(tmp_path: Path) -> None:
    assert Trace().of(pickups(tmp_path, 100)).duration_s == pytest.approx(60)
    assert Trace().of(pickups(tmp_path, 10_000)).duration_s == pytest.approx(10_000 * 5 / 250)


def test_a_trace_shorter_than_a_minute_is_not_slowed_down(tmp_path: Path) -> None:
    trace = Trace(trip_locations=1).of(pickups(tmp_path, 5, gap_s=1))
    assert trace.compress == 1.0
    assert trace.duration_s == 4.0


def test_the_rates_of_a_trace_are_those_of_its_rows(tmp_path: Path) -> None:
    trace = Trace().of(pickups(tmp_path, 1000), 100)
    middle = (np.arange(1200) + 0.5) / 1200
    rates = trace.rates(middle, NOBODY)
    assert rates[REGISTRATION].mean() * trace.duration_s == pytest.approx(1000, rel=0.02)
    assert rates[LOCATION].mean() * trace.duration_s == pytest.approx(4000, rel=0.02)


def test_a_replay_waits_for_its_trace() -> None:
    with pytest.raises(UsageError, match="--trace FILE"):
        _ = Trace().events


@pytest.mark.parametrize("compress", [0.5, 0.0, -1.0, 1e9])
def test_a_compression_is_from_1_up(compress: float) -> None:
    with pytest.raises(UsageError, match="compression"):
        Trace(compress=compress)
