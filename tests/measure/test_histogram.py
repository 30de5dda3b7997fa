from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure.histogram import HIGHEST_MS, LatencyHistogram

durations = st.lists(st.floats(min_value=0.001, max_value=HIGHEST_MS), min_size=1, max_size=300)


def recorded(*durations_ms: float) -> LatencyHistogram:
    histogram = LatencyHistogram()
    histogram.record_many(np.array(durations_ms))
    return histogram


@given(durations)
def test_percentiles_are_within_one_percent_of_the_nearest_rank(values: list[float]) -> None:
    histogram = recorded(*values)
    ordered = sorted(values)
    for percent in (50, 90, 99, 99.9, 100):
        rank = max(1, int(percent / 100 * len(ordered) + 0.5))
        actual = histogram.percentile(percent)
        assert actual == pytest.approx(ordered[rank - 1], rel=0.01, abs=0.001)


@given(durations)
@settings(deadline=None)  # the library's iterators are slow
def test_an_array_is_counted_where_the_library_counts_its_values(values: list[float]) -> None:
    histogram = recorded(*values)
    library = HdrHistogram(1, int(HIGHEST_MS * 1000), 3)
    for value in values:
        library.record_value(round(value * 1000.0))
    theirs = {
        item.value_iterated_to: item.count_at_value_iterated_to for item in library.get_recorded_iterator()
    }
    ours = {
        item.value_iterated_to: item.count_at_value_iterated_to
        for item in histogram._hdr.get_recorded_iterator()
    }
    assert ours == theirs


@given(durations, durations)
def test_merged_histograms_are_the_histogram_of_both(one: list[float], other: list[float]) -> None:
    merged = recorded(*one)
    merged.merge(recorded(*other))
    assert merged.encode() == recorded(*one, *other).encode()
    assert merged.percentiles() == recorded(*one, *other).percentiles()


@given(durations)
def test_encoding_keeps_the_counts(values: list[float]) -> None:
    histogram = recorded(*values)
    decoded = LatencyHistogram.decode(histogram.encode())
    assert decoded.count == len(values)
    assert decoded.encode() == histogram.encode()
    assert decoded.percentiles() == histogram.percentiles()


def test_nothing_out_of_range_is_dropped_silently() -> None:
    histogram = recorded(-1.0, float("nan"), float("inf"), HIGHEST_MS * 2, 5.0)
    assert (histogram.count, histogram.out_of_range) == (1, 4)
    decoded = LatencyHistogram.decode(histogram.encode())
    decoded.merge(recorded(-3.0))
    assert (decoded.count, decoded.out_of_range) == (1, 5)


def test_an_empty_histogram_knows_no_percentile() -> None:
    empty = LatencyHistogram()
    assert empty.percentile(99) is None
    assert empty.percentiles() == {"count": 0} | dict.fromkeys(("p50", "p90", "p95", "p99", "p999", "max"))
    assert LatencyHistogram.decode(empty.encode()).count == 0


def test_a_duration_of_zero_counts() -> None:
    assert recorded(0.0).percentile(50) == 0.0


@pytest.mark.parametrize("text", ["", "HISTFAAAA", "0:nonsense", "x:HISTFAAAA"])
def test_what_is_no_histogram_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an encoded"):
        LatencyHistogram.decode(text)
