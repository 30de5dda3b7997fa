from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.emulator.services.base import AwsError
from harness.emulator.services.dynamodb import numbers

significands = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)


def storable(significand: int, exponent: int) -> bool:
    number = Decimal(significand).scaleb(exponent)
    return not number or -130 <= number.adjusted() <= 125


decimals = (
    st.tuples(significands, st.integers(min_value=-130, max_value=125))
    .filter(lambda parts: storable(*parts))
    .map(lambda parts: f"{parts[0]}e{parts[1]}")
)


@pytest.mark.parametrize(
    ("given_text", "returned"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("-1.50", "-1.5"),
        ("001.500", "1.5"),
        ("1E3", "1000"),
        ("1e-3", "0.001"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+5", "5"),
        ("-0", "0"),
        ("0e500", "0"),
        ("0.00", "0"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("9.9999999999999999999999999999999999999E+125", "9" * 38 + "0" * 88),
        ("1E-130", "0." + "0" * 129 + "1"),
    ],
)
def test_a_number_is_returned_as_aws_returns_it(given_text: str, returned: str) -> None:
    assert numbers.canonical(given_text) == returned


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("١", "The parameter cannot be converted to a numeric value: ١"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("0." + "1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        (
            "1e126",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            "-1e999999999",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            "1e-131",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
    ],
)
def test_what_is_no_number_is_refused_in_aws_words(text: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        numbers.canonical(text)
    assert caught.value.message == message


@given(decimals)
@example("1234567890123456789e0")
@example("12345678901234567891234567890e-10")
def test_canonical_text_keeps_the_value_and_is_its_own_canonical_text(text: str) -> None:
    canonical = numbers.canonical(text)
    assert Decimal(canonical) == Decimal(text)
    assert numbers.canonical(canonical) == canonical


@given(decimals, decimals)
@example("1e0", "10e-1")
@example("-1e0", "-12e-1")
@example("-1e0", "-9e-1")
def test_sortable_bytes_order_as_the_numbers_do(left: str, right: str) -> None:
    a, b = numbers.sortable(numbers.canonical(left)), numbers.sortable(numbers.canonical(right))
    assert (a < b) == (Decimal(left) < Decimal(right))
    assert (a == b) == (Decimal(left) == Decimal(right))


@given(decimals)
def test_the_size_is_a_byte_for_two_digits_and_one(text: str) -> None:
    canonical = numbers.canonical(text)
    digits = len(text.split("e")[0].strip("-0"))
    assert numbers.number_bytes(canonical) == -(-digits // 2) + 1


def test_sums_are_exact_or_refused() -> None:
    assert numbers.add("0.1", "0.2") == "0.3"
    assert numbers.subtract("1", "1.0000000000000000000000000000000000001") == "-0." + "0" * 36 + "1"
    with pytest.raises(AwsError, match="38 significant digits"):
        numbers.add("1" + "0" * 37, "0.1")
    with pytest.raises(AwsError, match="overflow"):
        numbers.add(numbers.canonical("9e125"), numbers.canonical("9e125"))
