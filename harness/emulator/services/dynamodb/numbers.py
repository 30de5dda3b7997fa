"""DynamoDB's numbers: exact decimals of up to 38 significant digits, held as the text that AWS returns.

docs: DynamoDB Developer Guide, Supported data types and naming rules: positive 1E-130 to 9.99..E+125,
negative the same, zero; leading and trailing zeroes are trimmed. Number size: 1 byte per two significant
digits and 1 byte. (read 2026-11)
"""

from __future__ import annotations

import re
from decimal import Context, Decimal

from harness.emulator.services.dynamodb.errors import invalid

MAX_DIGITS = 38
MAX_EXPONENT = 125
MIN_EXPONENT = -130

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Already as AWS would return it, and short enough that no limit is near: the common case costs one match.
_CANONICAL = re.compile(r"0|-?(?:[1-9][0-9]{0,18}|(?:0|[1-9][0-9]{0,17})\.[0-9]{0,17}[1-9])").fullmatch
# Wide enough for the exact sum of the largest and the smallest number.
_EXACT = Context(prec=MAX_EXPONENT - MIN_EXPONENT + 2 * MAX_DIGITS, Emax=999_999, Emin=-999_999)
_SIGNIFICANT = Context(prec=10_000, Emax=999_999_999, Emin=-999_999_999)


def canonical(text: str) -> str:
    """`text` as DynamoDB would return it: `1.0` is `1`, `1e3` is `1000`.

    Raises AwsError ValidationException when it is no number, too precise or out of range."""
    if _CANONICAL(text):
        return text
    if not _NUMBER.fullmatch(text):
        shown = f": {text}" if text else ""
        raise invalid(f"The parameter cannot be converted to a numeric value{shown}")
    return canonical_decimal(Decimal(text))


def canonical_decimal(number: Decimal) -> str:
    """`number` as DynamoDB would return it. Raises AwsError as `canonical` does."""
    if not number:
        return "0"
    if number.adjusted() > MAX_EXPONENT:
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if number.adjusted() < MIN_EXPONENT:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    trimmed = number.normalize(_SIGNIFICANT)
    if len(trimmed.as_tuple().digits) > MAX_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    return format(trimmed, "f")


def number_bytes(text: str) -> int:
    """The size of a canonical number as DynamoDB counts it."""
    digits = len(text.replace(".", "").strip("-0"))
    return (digits + 1) // 2 + 1


def add(left: str, right: str) -> str:
    """The exact sum. Raises AwsError when it cannot be stored."""
    return canonical_decimal(_EXACT.add(Decimal(left), Decimal(right)))


def subtract(left: str, right: str) -> str:
    """The exact difference. Raises AwsError when it cannot be stored."""
    return canonical_decimal(_EXACT.subtract(Decimal(left), Decimal(right)))


_NINES_COMPLEMENT = bytes.maketrans(b"0123456789", b"9876543210")
_EXPONENT_BIAS = 256


def sortable(text: str) -> bytes:
    """Bytes that compare as the canonical numbers do.

    A sign byte, the exponent in two bytes, the digits; of a negative number all complemented, and closed by a
    byte above every digit, because the longer of two negative numbers that begin alike is the lesser."""
    if text == "0":
        return b"\x80"
    number = Decimal(text)
    exponent = number.adjusted() + _EXPONENT_BIAS
    digits = text.replace(".", "").strip("-0").encode()
    if number > 0:
        return b"\x81" + exponent.to_bytes(2, "big") + digits
    return b"\x7f" + (0xFFFF - exponent).to_bytes(2, "big") + digits.translate(_NINES_COMPLEMENT) + b"\xff"
