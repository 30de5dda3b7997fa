"""Bills: the whole bill of made-up runs as a person reads it, and the rules of tiers, projections and
unknowns."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.aws.prices.bill import Bill, DayBeforeCost, DayBeforeTraffic, Span, bill
from harness.aws.prices.book import PriceBook, load_book
from harness.aws.prices.line import ResourceUsage

GOLDEN = Path(__file__).parent / "golden"
BOOK = load_book("us-east-1")
MINUTE = Span.of_seconds(60, 72)


def used(service: str, resource: str, span: Span = MINUTE, /, **quantities: float | str) -> ResourceUsage:
    return ResourceUsage(
        service, resource, {unit: Decimal(str(q)) for unit, q in quantities.items()}, span.metered_h
    )


def surge(*, on_demand: bool) -> list[ResourceUsage]:
    """A minute at 1,500 requests a second, a stream of twelve seconds longer."""
    clock = {"on_demand_stream_seconds": 72} if on_demand else {"provisioned_shard_seconds": 72 * 4}
    return [
        used("apigateway", "ingest", requests=90_000, throttled=500, unauthorized=20, bytes_out=9_000_000),
        used("apigateway", "ingest", authorizer_hits=89_000, authorizer_misses=1_000),
        used("kinesis", "events", put_payload_units=89_480, ingest_kb=89_480, read_bytes=40_000_000, **clock),
        used("lambda", "processor", requests=450, gb_seconds_arm64="61.5"),
        used("lambda", "authorizer", requests=1_000, gb_seconds_x86_64="12.25"),
        used(
            "dynamodb",
            "devices",
            write_request_units=80_000,
            read_request_units="40000.5",
            storage_bytes=2**30,
        ),
        used("s3", "data/archive", put_requests=30, get_requests=2, delete_requests=1, bytes_in=2**24),
        used("sqs", "dlq", requests=4),
        used("sqs", "dlq.fifo", requests=1),
        used("logs", "/aws/lambda/processor", ingested_bytes=500_000),
        used("ssm", "parameters", requests=12),
        used("iam", "", requests=1),
        used(
            "sns",
            "device_events",
            publish_requests=20_000,
            messages_published=20_000,
            http_attempts=40_400,
            http_deliveries=40_000,
            http_bytes_out=60_000_000,
            sqs_deliveries=20_000,
            body_filter_bytes=1_000,
        ),
        used("states", "", requests=3),
    ]


def text(made: Bill) -> str:
    """The bill as a table."""
    rows = [("service", "resource", "what", "quantity", "unit", "amount USD", "basis")]
    for item in made.lines:
        line, price = item.line, item.price
        assert price is not None
        rows.append(
            (
                line.service,
                line.resource,
                price.what.split(",")[0][:38],
                f"{line.quantity:.9g}",
                price.unit,
                f"{item.amount:.9f}",
                line.basis + (f": {line.note}" if line.note else ""),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    right = (3, 5)
    shown = [
        "  ".join(
            cell.rjust(widths[n]) if n in right else cell.ljust(widths[n]) for n, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]
    shown += [
        "",
        f"total               {made.total}",
        f"per million events  {made.per_million_events}",
        f"per hour            {made.per_hour}",
        f"per month           {made.per_month}",
        f"free tier           {'taken off' if made.free_tier else 'not taken off'}",
    ]
    if made.day_before:
        before = made.day_before
        shown.append(
            f"the day before      {before.cost_per_hour} an hour ({before.basis}); "
            f"the run is {before.times} times that, between {before.at_least} and {before.at_most}, "
            f"with {before.times_the_events} times the events"
        )
    shown += [
        f"not priced          {item.service} {item.unit} {item.quantity}: {item.reason}"
        for item in made.unpriced
    ]
    return "\n".join(shown) + "\n"


@pytest.mark.parametrize(
    ("name", "on_demand", "free_tier"),
    [("on_demand", True, False), ("provisioned", False, False), ("free_tier", True, True)],
)
def test_the_whole_bill(name: str, on_demand: bool, free_tier: bool) -> None:
    before = DayBeforeTraffic(
        Decimal(36_000),
        None,
        "the model",
        requests_per_hour=Decimal(30_000),
        kinds_per_hour={"registration": Decimal(6_000), "location": Decimal(30_000)},
    )
    made = bill(
        surge(on_demand=on_demand),
        MINUTE,
        89_480,
        BOOK,
        free_tier=free_tier,
        day_before=before,
        requests=85_000,
        kinds={"registration": 80_000, "location": 9_480},
    )
    check_golden(name, made)


def check_golden(name: str, made: Bill) -> None:
    """The bill as a person reads it, against the file; with UPDATE_GOLDEN set, the file is written."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text(made))
    assert text(made) == path.read_text()


def amount(made: Bill, price_id: str) -> Decimal:
    return sum(
        (item.amount or Decimal(0) for item in made.lines if item.line.price_id == price_id), Decimal(0)
    )


@pytest.mark.parametrize(
    ("requests", "dollars"),
    [
        (333_000_000, "1165.50"),
        (333_000_001, "1165.5000028"),
        (1_000_000_000, "3033.10"),
        (1_000_000_001, "3033.10000238"),
        (20_000_000_000, "48253.10"),
        (20_000_000_001, "48253.10000151"),
    ],
)
def test_api_gateway_tiers_at_their_boundaries(requests: int, dollars: str) -> None:
    # By hand: 333 M at 3.50, 667 M at 2.80, 19 G at 2.38, the rest at 1.51.
    price = BOOK.price("apigateway.rest_requests")
    assert price is not None
    assert price.amount(Decimal(requests)) == Decimal(dollars)


@pytest.mark.parametrize(
    ("gb_seconds", "dollars"),
    [
        (6_000_000_000, "100000.2"),
        (15_000_000_000, "235000.2"),
        (16_000_000_000, "248333.6"),
    ],
)
def test_lambda_tiers_at_their_boundaries(gb_seconds: int, dollars: str) -> None:
    price = BOOK.price("lambda.gb_seconds_x86_64")
    assert price is not None
    assert price.amount(Decimal(gb_seconds)) == Decimal(dollars)


def test_the_tiers_are_the_accounts_not_the_resources() -> None:
    month = Span.of_seconds(3600, 3600)
    one = bill([used("apigateway", "a", month, requests=400_000_000)], month, 1, BOOK)
    two = bill([used("apigateway", n, month, requests=200_000_000) for n in "ab"], month, 1, BOOK)
    assert one.total == two.total == Decimal("1353.10")
    assert [item.amount for item in two.lines] == [Decimal("676.55")] * 2


def test_a_month_reaches_the_higher_tiers_and_an_hour_does_not() -> None:
    hour = Span.of_seconds(3600, 3600)
    made = bill([used("apigateway", "a", hour, requests=36_000_000)], hour, 36_000_000, BOOK)
    assert made.per_hour == Decimal("126")
    # 26,280 M requests: the whole of the first three tiers and 6,280 M at 1.51.
    assert made.per_month == Decimal("57735.90")


def test_the_free_tier_is_shared_by_its_pool_and_taken_off_once() -> None:
    lines = [
        used("lambda", "f", gb_seconds_arm64=300_000),
        used("lambda", "g", gb_seconds_x86_64=300_000),
    ]
    paid = bill(lines, MINUTE, 1, BOOK)
    free = bill(lines, MINUTE, 1, BOOK, free_tier=True)
    assert paid.total == Decimal("9.000030")
    # 400,000 GB-s off: all of arm's, and a third of x86's.
    assert free.total == Decimal("3.333340")


def test_standing_lines_grow_with_time_and_traffic_with_events() -> None:
    span = Span.of_seconds(60, 120)
    made = bill(
        [
            used("kinesis", "s", span, on_demand_stream_seconds=120),
            used("sqs", "q", span, requests=1_000_000),
        ],
        span,
        1,
        BOOK,
    )
    # A stream-hour, and sixty of the minute of traffic.
    assert made.per_hour == Decimal("0.04") + 60 * Decimal("0.40")


def test_stored_data_is_half_there_on_average() -> None:
    hour = Span.of_seconds(3600, 3600)
    made = bill([used("s3", "b/p", hour, bytes_in=2**30)], hour, 1, BOOK)
    # A GB an hour for a month is 730 GB at its end, 365 GB on average.
    assert made.per_month == (365 * Decimal("0.023")).quantize(Decimal("0.01"))


def test_throttled_and_unauthorized_requests_are_not_billed_and_said_so() -> None:
    made = bill([used("apigateway", "a", requests=100, throttled=30, unauthorized=20)], MINUTE, 1, BOOK)
    by_id = {item.line.price_id: item for item in made.lines}
    assert by_id["apigateway.rest_requests"].line.quantity == 50
    refused = by_id["apigateway.refused_requests"]
    assert (refused.line.quantity, refused.amount) == (Decimal(50), Decimal(0))
    assert refused.line.basis == "metered"


def test_the_streams_mode_decides_how_reads_are_billed() -> None:
    on_demand = bill([used("kinesis", "s", on_demand_stream_seconds=1, read_bytes=2**30)], MINUTE, 1, BOOK)
    provisioned = bill([used("kinesis", "s", provisioned_shard_seconds=1, read_bytes=2**30)], MINUTE, 1, BOOK)
    assert amount(on_demand, "kinesis.on_demand_reads") == Decimal("0.04")
    assert amount(provisioned, "kinesis.provisioned_reads") == 0


def test_a_region_without_a_book_is_unknown_and_never_free() -> None:
    made = bill(surge(on_demand=True), MINUTE, 1, load_book("mars-1"))
    assert (made.total, made.per_hour, made.per_month) == (None, None, None)
    assert made.reasons["total"] == "no price is known in mars-1"
    assert {item.amount for item in made.lines} == {None}
    assert len(made.unpriced) > len(made.lines) - 1


def test_one_missing_price_is_listed_and_in_no_sum() -> None:
    book = PriceBook(
        BOOK.region, BOOK.currency, BOOK.read, {k: v for k, v in BOOK.prices.items() if "sqs" not in k}
    )
    made = bill([used("sqs", "q", requests=5), used("lambda", "f", requests=1_000_000)], MINUTE, 1, book)
    assert made.total == Decimal("0.20")
    (missing,) = made.unpriced
    assert (missing.service, missing.unit, int(missing.quantity)) == ("sqs", "sqs.standard_requests", 5)


@pytest.mark.parametrize("service", ["kinesis", "rocketry"])
def test_a_meter_that_no_line_knows_is_not_passed_over(service: str) -> None:
    made = bill([used(service, "r", fuel_burnt=7)], MINUTE, 1, BOOK)
    (unknown,) = made.unpriced
    assert unknown.reason == f"no line of the bill knows 'fuel_burnt' of {service}"


def test_a_run_that_used_nothing_costs_nothing() -> None:
    made = bill([], MINUTE, 0, BOOK)
    assert (made.total, made.per_million_events) == (Decimal(0), None)
    assert made.reasons["per_million_events"] == "no event was accepted"


@pytest.mark.parametrize(
    ("before", "events", "span", "reason"),
    [
        (None, 1, MINUTE, "the traffic of the day before was not given"),
        (DayBeforeTraffic(Decimal(0), None, ""), 1, MINUTE, "the day before had no events"),
        (DayBeforeTraffic(Decimal(9), None, ""), 0, MINUTE, "no event was accepted"),
        (DayBeforeTraffic(Decimal(9), Decimal(0), ""), 1, MINUTE, "the day before cost nothing"),
        (
            DayBeforeTraffic(Decimal(9), None, ""),
            1,
            Span.of_seconds(0, 5),
            "how long the traffic lasted is not known",
        ),
    ],
)
def test_why_there_is_no_comparison(
    before: DayBeforeTraffic | None, events: int, span: Span, reason: str
) -> None:
    made = bill([used("sqs", "q", requests=10)], span, events, BOOK, day_before=before)
    assert made.day_before is None
    assert made.reasons["times_the_day_before"] == reason


HOUR = Span.of_seconds(3600, 3600)


def compared(resource: ResourceUsage, events: int, quiet_events: int, **known: Any) -> DayBeforeCost:
    """An hour of `resource` beside a modelled day before."""
    more = {name: known.pop(name) for name in ("requests_per_hour", "kinds_per_hour") if name in known}
    before = DayBeforeTraffic(Decimal(quiet_events), None, "m", **more)
    found = bill([resource], HOUR, events, BOOK, day_before=before, **known).day_before
    assert found is not None
    return found


def test_the_day_before_keeps_its_standing_cost() -> None:
    lines = [
        used("kinesis", "s", HOUR, on_demand_stream_seconds=3600),
        used("sqs", "q", HOUR, requests=100_000_000),
    ]
    made = bill(lines, HOUR, 1000, BOOK, day_before=DayBeforeTraffic(Decimal(10), None, "m"))
    assert made.day_before is not None
    # 40 USD of requests become 0.40 at a hundredth of the events; the stream stays at 0.04.
    assert made.day_before.cost_per_hour == Decimal("0.44")
    assert made.day_before.times == Decimal("91")
    assert (made.day_before.at_least, made.day_before.at_most) == (None, None)  # the kinds are not known
    measured = bill(
        lines, HOUR, 1000, BOOK, day_before=DayBeforeTraffic(Decimal(10), Decimal("2.002"), "a run")
    )
    assert measured.day_before is not None
    assert (measured.day_before.basis, measured.day_before.times) == ("measured", Decimal("20"))
    assert measured.day_before.at_most is None


@pytest.mark.parametrize(
    ("resource", "times"),
    [
        # Event by event: a hundredth of the units.
        (used("dynamodb", "t", HOUR, write_request_units=10**9), 100),
        # A put for each event: the same.
        (used("s3", "b", HOUR, put_requests=10**9), 100),
        # A put for a hundred events: on a day of a hundredth, one for 1.99 events.
        (used("s3", "b", HOUR, put_requests=10**7), Decimal("1.99")),
        # Batches without end: about as many as before, one in each window.
        (used("s3", "b", HOUR, put_requests=1000), 1),
        (used("lambda", "f", HOUR, requests=10**7, gb_seconds_arm64=10**6), Decimal("1.99")),
    ],
)
def test_batches_of_a_quiet_day_are_emptier(resource: ResourceUsage, times: Decimal) -> None:
    assert compared(resource, 10**9, 10**7).times == Decimal(times).quantize(Decimal("0.01"))


def test_a_functions_log_is_written_as_often_as_it_is_invoked() -> None:
    log = used("logs", "/aws/lambda/f", HOUR, ingested_bytes=10**12)
    invoked = used("lambda", "f", HOUR, requests=10**7)
    before = DayBeforeTraffic(Decimal(10**7), None, "m")
    alone = bill([log], HOUR, 10**9, BOOK, day_before=before).day_before
    both = bill([log, invoked], HOUR, 10**9, BOOK, day_before=before).day_before
    assert alone is not None
    assert both is not None
    assert alone.times == 100
    assert both.times == Decimal("1.99")


def test_requests_follow_the_requests() -> None:
    api = used("apigateway", "a", HOUR, requests=10**9)
    found = compared(
        api,
        *(10**9, 10**7),
        requests=10**9,
        kinds={"a": 10**9},
        requests_per_hour=Decimal(10**6),
        kinds_per_hour={"a": Decimal(10**7)},
    )
    # Priced in tiers, so less than 1,000 times; and nothing about it is open.
    assert found.times_the_events == 100
    assert 800 < found.times < 1000
    assert found.at_least == found.at_most == found.times


def test_the_range_is_of_the_kind_that_may_have_caused_it() -> None:
    table = used("dynamodb", "t", HOUR, write_request_units=10**9)
    kinds = {"a": 900_000_000, "b": 100_000_000}
    quiet = {"a": Decimal(1_000_000), "b": Decimal(10_000_000)}
    found = compared(table, 10**9, 11_000_000, kinds=kinds, kinds_per_hour=quiet)
    assert (found.at_least, found.times, found.at_most) == (10, Decimal("90.91"), 900)
    # A kind that the run did not have: nothing bounds what it costs.
    strange = compared(table, 10**9, 11_000_000, kinds=kinds, kinds_per_hour={**quiet, "c": Decimal(1)})
    assert (strange.times, strange.at_least, strange.at_most) == (Decimal("90.91"), None, None)


@given(
    st.lists(st.integers(1, 10**6), min_size=2, max_size=2),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=2),
    st.integers(1, 10**7),
)
def test_the_model_is_within_its_range(run: list[int], quiet: list[int], calls: int) -> None:
    found = compared(
        used("lambda", "f", HOUR, requests=calls, gb_seconds_arm64=10**9),
        sum(run),
        sum(quiet),
        kinds=dict(zip("ab", run, strict=True)),
        kinds_per_hour={kind: Decimal(n) for kind, n in zip("ab", quiet, strict=True)},
    )
    assert found.at_least is not None
    assert found.at_most is not None
    assert found.at_least <= found.times <= found.at_most


volumes = st.integers(0, 10**11).map(Decimal)


@given(volumes, volumes, st.sampled_from(sorted(BOOK.prices)))
def test_more_never_costs_less_and_tiers_never_jump(low: Decimal, more: Decimal, price_id: str) -> None:
    price = BOOK.prices[price_id]
    first = price.tiers[0].price / price.per
    grown = price.amount(low + more) - price.amount(low)
    assert 0 <= grown <= more * first + Decimal("1e-9")


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=6), st.booleans())
@example([1, 1, 30, 8_696_377], True)
def test_lines_add_up_to_the_total(requests: list[int], free_tier: bool) -> None:
    made = bill(
        [used("apigateway", f"a{n}", requests=q) for n, q in enumerate(requests)],
        MINUTE,
        1,
        BOOK,
        free_tier=free_tier,
    )
    lines = sum((item.amount or Decimal(0) for item in made.lines), Decimal(0))
    assert made.total is not None
    rest = Decimal("1e-20")  # a free tier is shared out by a division, which ends at Decimal's last digit
    assert abs(lines - made.total) <= Decimal("0.0000005") + rest


@pytest.mark.parametrize("free_tier", [False, True])
def test_the_whole_bill_of_user_pools(free_tier: bool) -> None:
    pools = [
        used("cognito-idp", "riders", essentials_monthly_active_users=25_000, sign_ins=400, email_messages=9),
        used("cognito-idp", "drivers", lite_monthly_active_users=120_000, sms_messages=3),
        used("cognito-idp", "staff", plus_monthly_active_users=12, token_refreshes=30),
    ]
    made = bill(pools, MINUTE, 1_000, BOOK, free_tier=free_tier)
    check_golden("user_pools_free_tier" if free_tier else "user_pools", made)
    assert made.total == made.per_hour == made.per_month, "a user counts once a month"


@pytest.mark.parametrize(
    ("unit", "basis"),
    [
        ("gb_seconds_arm64", "modelled"),
        ("billed_gb_seconds_arm64", "metered"),
        ("reported_gb_seconds_arm64", "assumed"),
    ],
)
def test_where_lambdas_duration_is_from_is_its_basis(unit: str, basis: str) -> None:
    made = bill([used("lambda", "f", HOUR, requests=10, **{unit: 10})], HOUR, 10, BOOK)
    (duration,) = [line for line in made.lines if line.line.price_id == "lambda.gb_seconds_arm64"]
    assert (duration.line.basis, made.unpriced) == (basis, ())


def test_usage_that_nobody_counted_leaves_lines_and_no_sum() -> None:
    made = bill([used("lambda", "f", HOUR, requests=10)], HOUR, 10, BOOK, unseen=("kinesis", "s3"))
    assert [line.line.price_id for line in made.lines] == ["lambda.requests"]
    assert (made.total, made.per_hour, made.per_month, made.day_before) == (None, None, None, None)
    assert made.reasons["total"] == "nobody counted the usage of kinesis, s3"
