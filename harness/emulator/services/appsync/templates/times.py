"""`$util.time`: times as text and numbers, with Java's patterns.

docs: AppSync Developer Guide, Time helpers in $util.time; Java SE 8 API, DateTimeFormatter (read 2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?")


class BadTime(Exception):
    """A time, pattern or zone that cannot be understood."""


def iso8601(seconds: float) -> str:
    """`2018-02-06T19:01:35.749Z`, in UTC and milliseconds."""
    return _utc(round(seconds * 1000)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _utc(milliseconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise BadTime(f"{milliseconds} is out of range") from None


def zone(name: str | None) -> tzinfo:
    """A zone by name or offset; UTC without one."""
    if name is None or name in ("UTC", "Z", "GMT"):
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadTime(f"Unknown time-zone ID: {name[:60]}") from None


class _Field(NamedTuple):
    write: Callable[[datetime], str]
    pattern: str
    name: str


def _offset_text(moment: datetime, separator: str, zulu: bool) -> str:
    offset = moment.utcoffset() or timedelta()
    if zulu and not offset:
        return "Z"
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{separator}{abs(minutes) % 60:02d}"


def _strftime(directive: str) -> Callable[[datetime], str]:
    return lambda moment: moment.strftime(directive)


_ANY_OFFSET = r"Z|[+-]\d\d:?(?:\d\d)?"
_FIELDS = {
    "yyyy": _Field(lambda t: f"{t.year:04d}", r"\d{4}", "year"),
    "uuuu": _Field(lambda t: f"{t.year:04d}", r"\d{4}", "year"),
    "y": _Field(lambda t: str(t.year), r"\d{1,4}", "year"),
    "yy": _Field(lambda t: f"{t.year % 100:02d}", r"\d{2}", "short_year"),
    "MM": _Field(lambda t: f"{t.month:02d}", r"\d{2}", "month"),
    "M": _Field(lambda t: str(t.month), r"\d{1,2}", "month"),
    "MMM": _Field(_strftime("%b"), r"[A-Za-z]{3}", "month_name"),
    "MMMM": _Field(_strftime("%B"), r"[A-Za-z]+", "month_name"),
    "dd": _Field(lambda t: f"{t.day:02d}", r"\d{2}", "day"),
    "d": _Field(lambda t: str(t.day), r"\d{1,2}", "day"),
    "EEE": _Field(_strftime("%a"), r"[A-Za-z]{3}", ""),
    "E": _Field(_strftime("%a"), r"[A-Za-z]{3}", ""),
    "EEEE": _Field(_strftime("%A"), r"[A-Za-z]+", ""),
    "HH": _Field(lambda t: f"{t.hour:02d}", r"\d{2}", "hour"),
    "H": _Field(lambda t: str(t.hour), r"\d{1,2}", "hour"),
    "hh": _Field(lambda t: f"{(t.hour + 11) % 12 + 1:02d}", r"\d{2}", "half_hour"),
    "h": _Field(lambda t: str((t.hour + 11) % 12 + 1), r"\d{1,2}", "half_hour"),
    "a": _Field(lambda t: "AM" if t.hour < 12 else "PM", r"[AaPp][Mm]", "half"),
    "mm": _Field(lambda t: f"{t.minute:02d}", r"\d{2}", "minute"),
    "m": _Field(lambda t: str(t.minute), r"\d{1,2}", "minute"),
    "ss": _Field(lambda t: f"{t.second:02d}", r"\d{2}", "second"),
    "s": _Field(lambda t: str(t.second), r"\d{1,2}", "second"),
    "SSS": _Field(lambda t: f"{t.microsecond // 1000:03d}", r"\d{3}", "fraction"),
    "SSSSSS": _Field(lambda t: f"{t.microsecond:06d}", r"\d{6}", "fraction"),
    "Z": _Field(lambda t: _offset_text(t, "", zulu=False), _ANY_OFFSET, "offset"),
    "X": _Field(lambda t: _offset_text(t, "", zulu=True).removesuffix("00"), _ANY_OFFSET, "offset"),
    "XX": _Field(lambda t: _offset_text(t, "", zulu=True), _ANY_OFFSET, "offset"),
    "XXX": _Field(lambda t: _offset_text(t, ":", zulu=True), _ANY_OFFSET, "offset"),
    "z": _Field(lambda t: t.tzname() or "", r"[A-Za-z]{1,5}", ""),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _parts(pattern: str) -> list[str | _Field]:
    """Literal text and fields. Raises BadTime for a letter that is not known here."""
    parts: list[str | _Field] = []
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None or len(pattern) > 200:
            raise BadTime(f"The pattern '{pattern[:60]}' is not valid")
        if found[2]:
            known = _FIELDS.get(found.group())
            if known is None:
                raise BadTime(f"The pattern letters '{found.group()[:20]}' are not supported")
            parts.append(known)
        else:
            parts.append(found.group() if found[1] is None else (found[1].replace("''", "'") or "'"))
        at = found.end()
    return parts


def formatted(milliseconds: float, pattern: str, zone_name: str | None = None) -> str:
    """A time by Java's pattern. Raises BadTime."""
    moment = _utc(milliseconds).astimezone(zone(zone_name))
    return "".join(part if isinstance(part, str) else part.write(moment) for part in _parts(pattern))


def parsed(text: str, pattern: str, zone_name: str | None = None) -> int:
    """The milliseconds since the epoch of a time by Java's pattern; the zone is for text that says none.

    Raises BadTime."""
    parts = _parts(pattern)
    names = [part.name for part in parts if isinstance(part, _Field)]
    expression = "".join(re.escape(part) if isinstance(part, str) else f"({part.pattern})" for part in parts)
    found = re.fullmatch(expression, text)
    if found is None:
        raise BadTime(f"Text '{text[:60]}' could not be parsed")
    values = dict(zip(names, found.groups(), strict=True))
    return _milliseconds(_moment(values, zone_name))


def _moment(values: dict[str, str], zone_name: str | None) -> datetime:
    hour = int(values.get("hour", 0))
    if "half_hour" in values:
        hour = int(values["half_hour"]) % 12 + (12 if values.get("half", "").lower() == "pm" else 0)
    month = int(values.get("month", 1))
    if "month_name" in values:
        short = values["month_name"][:3].lower()
        month = _MONTHS.index(short) + 1 if short in _MONTHS else 0
    year = int(values["year"]) if "year" in values else 2000 + int(values.get("short_year", "-30"))
    offset = values.get("offset")
    try:
        return datetime(
            year,
            month,
            int(values.get("day", 1)),
            hour,
            int(values.get("minute", 0)),
            int(values.get("second", 0)),
            int(values.get("fraction", "0").ljust(6, "0")[:6]),
            zone(offset if offset else zone_name),
        )
    except ValueError as error:
        raise BadTime(f"The time could not be parsed: {error}") from None


def parsed_iso8601(text: str) -> int:
    """The milliseconds since the epoch of an ISO 8601 time with an offset. Raises BadTime."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise BadTime(f"Text '{text[:60]}' could not be parsed")
    names = ("year", "month", "day", "hour", "minute", "second", "fraction", "offset")
    values = {name: value for name, value in zip(names, found.groups(), strict=True) if value is not None}
    return _milliseconds(_moment(values, None))


def _milliseconds(moment: datetime) -> int:
    since = moment - datetime.fromtimestamp(0, UTC)
    return since // timedelta(milliseconds=1)
