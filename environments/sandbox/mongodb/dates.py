"""Date expressions: parts, formatting, parsing, truncation and arithmetic. Every date is aware and in UTC."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bson import Int64, ObjectId, Timestamp

from environments.sandbox.mongodb.errors import MongoError
from environments.sandbox.mongodb.ordering import MISSING, type_name

_UNITS_MS: Mapping[str, int] = {
    "millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000,
}  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def nullish(value: Any) -> bool:
    return value is None or value is MISSING


def as_date(value: Any) -> datetime:
    """A date from a date, an object id or a timestamp; error 16006 from anything else."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, ObjectId):
        return value.generation_time
    if isinstance(value, Timestamp):
        return value.as_datetime()
    raise MongoError(16006, f"can't convert from BSON type {type_name(value)} to Date")


def zone_of(name: Any) -> tzinfo:
    if nullish(name) or name in ("UTC", "GMT", "Z"):
        return UTC
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", str(name))
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        raise MongoError(40485, f'unrecognized time zone identifier: "{name}"') from None


def part(function: Callable[[datetime], Any], value: Any, zone: Any) -> Any:
    """One part of a date in a time zone; null of null."""
    return None if nullish(value) else function(as_date(value).astimezone(zone_of(zone)))


PARTS: Mapping[str, Callable[[datetime], Any]] = {
    "$year": lambda d: d.year,
    "$month": lambda d: d.month,
    "$dayOfMonth": lambda d: d.day,
    "$hour": lambda d: d.hour,
    "$minute": lambda d: d.minute,
    "$second": lambda d: d.second,
    "$millisecond": lambda d: d.microsecond // 1000,
    "$dayOfYear": lambda d: d.timetuple().tm_yday,
    "$dayOfWeek": lambda d: d.isoweekday() % 7 + 1,
    "$isoDayOfWeek": lambda d: d.isoweekday(),
    "$isoWeek": lambda d: d.isocalendar().week,
    "$isoWeekYear": lambda d: Int64(d.isocalendar().year),
    "$week": lambda d: int(d.strftime("%U")),
}

_LETTERS: Mapping[str, Callable[[datetime], str]] = {
    "Y": lambda d: f"{d.year:04d}",
    "m": lambda d: f"{d.month:02d}",
    "d": lambda d: f"{d.day:02d}",
    "H": lambda d: f"{d.hour:02d}",
    "M": lambda d: f"{d.minute:02d}",
    "S": lambda d: f"{d.second:02d}",
    "L": lambda d: f"{d.microsecond // 1000:03d}",
    "j": lambda d: f"{d.timetuple().tm_yday:03d}",
    "w": lambda d: str(d.isoweekday() % 7 + 1),
    "u": lambda d: str(d.isoweekday()),
    "U": lambda d: d.strftime("%U"),
    "V": lambda d: f"{d.isocalendar().week:02d}",
    "G": lambda d: f"{d.isocalendar().year:04d}",
    "b": lambda d: d.strftime("%b"),
    "B": lambda d: d.strftime("%B"),
    "z": lambda d: d.strftime("%z"),
    "Z": lambda d: str(int((d.utcoffset() or timedelta()).total_seconds() // 60)),
    "%": lambda _: "%",
}


def date_to_string(date: Any, format: Any = None, timezone: Any = None, on_null: Any = None) -> Any:
    """``$dateToString``; without a format ISO 8601 with milliseconds."""
    if nullish(date):
        return on_null
    local = as_date(date).astimezone(zone_of(timezone))
    pattern = format or ("%Y-%m-%dT%H:%M:%S.%LZ" if nullish(timezone) else "%Y-%m-%dT%H:%M:%S.%L")

    def letter(match: re.Match[str]) -> str:
        if match[1] not in _LETTERS:
            raise MongoError(18536, f"Invalid format character '%{match[1]}' in format string")
        return _LETTERS[match[1]](local)

    return re.sub(r"%(.)", letter, pattern)


def parse_date(text: str, zone: Any = None) -> datetime:
    """A date from ISO 8601 text; error 241 when it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise MongoError(241, f"Error parsing date string '{text}'") from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=zone_of(zone))
    return found.astimezone(UTC)


def date_from_string(
    date_string: Any,
    format: Any = None,
    timezone: Any = None,
    on_error: Any = MISSING,
    on_null: Any = None,
) -> Any:
    if nullish(date_string):
        return on_null
    try:
        if nullish(format):
            return parse_date(date_string, timezone)
        pattern = format.replace("%L", "%f")
        return datetime.strptime(date_string, pattern).replace(tzinfo=zone_of(timezone)).astimezone(UTC)
    except (MongoError, ValueError) as error:
        if on_error is not MISSING:
            return on_error
        raise MongoError(241, f"Error parsing date string '{date_string}'; {error}") from None


def date_from_parts(
    year: Any, month: Any = 1, day: Any = 1, hour: Any = 0, minute: Any = 0, second: Any = 0, millisecond: Any = 0,
    timezone: Any = None,
) -> Any:  # fmt: skip
    values = (year, month, day, hour, minute, second, millisecond)
    if any(nullish(value) for value in values):
        return None
    months = int(year) * 12 + int(month) - 1
    start = datetime(months // 12, months % 12 + 1, 1, tzinfo=zone_of(timezone))
    span = timedelta(
        days=int(day) - 1, hours=int(hour), minutes=int(minute), seconds=int(second), milliseconds=int(millisecond)
    )
    return (start + span).astimezone(UTC)


def date_to_parts(date: Any, timezone: Any = None, iso8601: Any = False) -> Any:
    if nullish(date):
        return None
    local = as_date(date).astimezone(zone_of(timezone))
    clock = {
        "hour": local.hour,
        "minute": local.minute,
        "second": local.second,
        "millisecond": local.microsecond // 1000,
    }
    if iso8601:
        week = local.isocalendar()
        return {"isoWeekYear": week.year, "isoWeek": week.week, "isoDayOfWeek": week.weekday, **clock}
    return {"year": local.year, "month": local.month, "day": local.day, **clock}


def _check_unit(unit: Any) -> str:
    if unit not in _UNITS_MS and unit not in _MONTHS:
        raise MongoError(9, f"unknown time unit value: {unit}")
    return str(unit)


def date_add(start_date: Any, unit: Any, amount: Any, timezone: Any = None) -> Any:
    if nullish(start_date) or nullish(unit) or nullish(amount):
        return None
    local = as_date(start_date).astimezone(zone_of(timezone))
    if _check_unit(unit) in _UNITS_MS:
        return (local + timedelta(milliseconds=int(amount) * _UNITS_MS[unit])).astimezone(UTC)
    months = local.year * 12 + local.month - 1 + int(amount) * _MONTHS[unit]
    year, month = divmod(months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def date_subtract(start_date: Any, unit: Any, amount: Any, timezone: Any = None) -> Any:
    return None if nullish(amount) else date_add(start_date, unit, -int(amount), timezone)


def _first_weekday(start: Any) -> int:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    short = str(start or "sunday").lower()
    for number, name in enumerate(names):
        if short in (name, name[:3]):
            return number
    raise MongoError(9, f"unknown day of week value: {start}")


def date_trunc(date: Any, unit: Any, bin_size: Any = 1, timezone: Any = None, start_of_week: Any = None) -> Any:
    """``$dateTrunc``: the start of the bin, counted from the year 2000 as MongoDB does."""
    if nullish(date) or nullish(unit):
        return None
    zone = zone_of(timezone)
    local, size = as_date(date).astimezone(zone), int(bin_size)
    reference = datetime(2000, 1, 1, tzinfo=zone)
    if _check_unit(unit) in _MONTHS:
        months = (local.year - 2000) * 12 + local.month - 1
        months -= months % (_MONTHS[unit] * size)
        return datetime(2000 + months // 12, months % 12 + 1, 1, tzinfo=zone).astimezone(UTC)
    if unit == "week":
        reference += timedelta(days=(_first_weekday(start_of_week) - reference.weekday()) % 7)
    bin_span = timedelta(milliseconds=_UNITS_MS[unit] * size)
    return (local - (local - reference) % bin_span).astimezone(UTC)


def date_diff(start_date: Any, end_date: Any, unit: Any, timezone: Any = None, start_of_week: Any = None) -> Any:
    """``$dateDiff``: how many boundaries of the unit lie between both dates."""
    if nullish(start_date) or nullish(end_date) or nullish(unit):
        return None
    if _check_unit(unit) in _MONTHS:
        first, second = (as_date(d).astimezone(zone_of(timezone)) for d in (start_date, end_date))
        months = [(d.year * 12 + d.month - 1) // _MONTHS[unit] for d in (first, second)]
        return Int64(months[1] - months[0])
    cut = [date_trunc(d, unit, 1, timezone, start_of_week) for d in (start_date, end_date)]
    return Int64(round((cut[1] - cut[0]) / timedelta(milliseconds=_UNITS_MS[unit])))


FORMS: Mapping[str, tuple[Callable[..., Any], set[str], set[str]]] = {
    "$dateToString": (date_to_string, {"date"}, {"format", "timezone", "onNull"}),
    "$dateFromString": (date_from_string, {"dateString"}, {"format", "timezone", "onError", "onNull"}),
    "$dateFromParts": (date_from_parts, {"year"},
                       {"month", "day", "hour", "minute", "second", "millisecond", "timezone"}),
    "$dateToParts": (date_to_parts, {"date"}, {"timezone", "iso8601"}),
    "$dateAdd": (date_add, {"startDate", "unit", "amount"}, {"timezone"}),
    "$dateSubtract": (date_subtract, {"startDate", "unit", "amount"}, {"timezone"}),
    "$dateTrunc": (date_trunc, {"date", "unit"}, {"binSize", "timezone", "startOfWeek"}),
    "$dateDiff": (date_diff, {"startDate", "endDate", "unit"}, {"timezone", "startOfWeek"}),
}  # fmt: skip
