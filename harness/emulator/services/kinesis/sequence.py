"""Sequence numbers in AWS's form: 56 decimal digits, strictly increasing within a shard.

The number holds, from its highest bits down: the digit 2, the second its shard was created, the record's
index in its shard, the second of its arrival, the shard's number, and the format's version. The layout is
AWS's as others observed it (kinesalite's tests against the real service), so that tools which take sequence
numbers apart find what they expect. The index decides the order; it never repeats within a shard.
"""

from __future__ import annotations

from typing import NamedTuple

_VERSION = 2
_SHARD_SHIFT = 4
ARRIVAL_SHIFT = 36
INDEX_SHIFT = 80
_CREATED_SHIFT = 148
_LEAD_SHIFT = 184

LAST_INDEX = 0x7FFF_FFFF_FFFF_FFFF
"""The index of a closed shard's ending sequence number: no record reaches it."""


class SequenceNumber(NamedTuple):
    """A sequence number taken apart. Times are seconds since the epoch."""

    shard_number: int
    shard_created_s: int
    record_index: int
    arrival_s: int


def sequence_base(shard_number: int, shard_created_s: int) -> int:
    """The part that all sequence numbers of a shard share; add `index << INDEX_SHIFT` and
    `arrival_s << ARRIVAL_SHIFT` to it for one of them."""
    return (
        (2 << _LEAD_SHIFT) | (shard_created_s << _CREATED_SHIFT) | (shard_number << _SHARD_SHIFT) | _VERSION
    )


def format_sequence_number(base: int, index: int, arrival_s: int) -> str:
    """The sequence number of the record at `index` of the shard that `base` belongs to."""
    return str(base + (index << INDEX_SHIFT) + (arrival_s << ARRIVAL_SHIFT))


def parse_sequence_number(text: str) -> SequenceNumber | None:
    """The parts of a sequence number, or None when it is not of AWS's present form."""
    number = int(text)
    if number >> _LEAD_SHIFT != 2 or number & 0xF != _VERSION:
        return None
    index = (number >> INDEX_SHIFT) & 0xFFFF_FFFF_FFFF_FFFF
    if index > LAST_INDEX:
        return None
    return SequenceNumber(
        shard_number=(number >> _SHARD_SHIFT) & 0xFFFF_FFFF,
        shard_created_s=(number >> _CREATED_SHIFT) & 0xF_FFFF_FFFF,
        record_index=index,
        arrival_s=(number >> ARRIVAL_SHIFT) & 0xF_FFFF_FFFF,
    )
