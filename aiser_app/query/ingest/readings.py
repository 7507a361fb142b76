"""How text can be read as values of a type: each reading is a shape to recognise and SQL to convert.

The shape is matched against a sample in Python; the SQL then converts every row, and gives NULL for
text that is not of the shape. Nothing is ever read that would lose something: `007` stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

NULL_WORDS = ("", "na", "n/a", "#n/a", "null", "none", "nan", "nil", "-", "--", "?")
"""In lower case; they mean nothing in a column whose other values are of a type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    type: str
    """As in `report.ColumnReport`."""
    sql_type: str
    shape: re.Pattern[str]
    sql: str
    """With `{x}` for the text without surrounding space; NULL where it does not fit."""
    note: str = ""
    order: str = ""
    """Of dates: ymd, dmy or mdy."""
    rivals: tuple[str, ...] = field(default=())
    """Orders that fit the same text with another meaning."""


def fits(reading: Reading, values: list[str]) -> int:
    """How many of the values are of the shape."""
    return sum(reading.shape.fullmatch(value) is not None for value in values)


TEXT = Reading(type="text", sql_type="VARCHAR", shape=re.compile(r"(?s).*"), sql="{x}")

BOOLEAN = Reading(
    type="boolean",
    sql_type="BOOLEAN",
    shape=re.compile(r"true|false|yes|no", re.IGNORECASE),
    sql="CASE lower({x}) WHEN 'true' THEN true WHEN 'yes' THEN true "
    "WHEN 'false' THEN false WHEN 'no' THEN false END",
)
INTEGER = Reading(
    type="integer",
    sql_type="BIGINT",
    shape=re.compile(r"-?[1-9][0-9]{0,18}|0"),
    # The way there and back: leading zeros, signs and fractions do not survive it.
    sql="CASE WHEN CAST(TRY_CAST({x} AS BIGINT) AS VARCHAR) = {x} THEN TRY_CAST({x} AS BIGINT) END",
)
BIG_INTEGER = Reading(
    type="decimal",
    sql_type="DECIMAL(38,0)",
    shape=re.compile(r"-?[1-9][0-9]{0,37}|0"),
    sql="CASE WHEN regexp_full_match({x}, '-?[1-9][0-9]{{0,37}}|0') "
    "THEN TRY_CAST({x} AS DECIMAL(38,0)) END",
    note="Integers beyond 64 bits.",
)
_NUMBER = r"[+-]?((0|[1-9][0-9]{0,14})(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?"
NUMBER = Reading(
    type="number",
    sql_type="DOUBLE",
    shape=re.compile(_NUMBER),
    sql=f"CASE WHEN regexp_full_match({{x}}, '{_NUMBER.replace('{', '{{').replace('}', '}}')}') "
    "THEN TRY_CAST({x} AS DOUBLE) END",
)

_GROUPS = {
    ",": (",", "comma"),
    ".": (r"\.", "point"),
    " ": ("[ \u00a0\u202f]", "space"),
    "'": ("['\u2019]", "apostrophe"),
}
_CURRENCIES = "$€£¥"
_CURRENCY = rf"(?:[{_CURRENCIES}] ?)?"


def _grouped(group: str, decimal: str, *, whole: bool, currency: bool) -> Reading:
    """Numbers with separators of thousands, a decimal comma, or a sign of a currency."""
    pattern, name = _GROUPS[group]
    point = re.escape(decimal)
    groups, digits = (5, 17) if whole else (4, 14)  # more would not be exact
    body = rf"(?:[1-9][0-9]{{0,2}}(?:{pattern}[0-9]{{3}}){{1,{groups}}}|0|[1-9][0-9]{{0,{digits}}})"
    fraction = "" if whole else rf"(?:{point}[0-9]+)?"
    text = rf"-?{body}{fraction}"  # a plus sign before groups of digits is a telephone number
    if currency:
        text = rf"-?{_CURRENCY}{body}{fraction}(?: ?[{_CURRENCIES}])?"
    plain = f"regexp_replace({{x}}, '{_escaped(f'{pattern}|[{_CURRENCIES}]| ')}', '', 'g')"
    if decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    sql_type = "BIGINT" if whole else "DOUBLE"
    notes = [f"{name} between thousands"]
    if not whole:
        notes.append("decimal comma" if decimal == "," else "decimal point")
    if currency:
        notes.append("sign of currency left out")
    return Reading(
        type="integer" if whole else "number",
        sql_type=sql_type,
        shape=re.compile(text),
        sql=f"CASE WHEN regexp_full_match({{x}}, '{_escaped(text)}') "
        f"THEN TRY_CAST({plain} AS {sql_type}) END",
        note="Read with " + ", ".join(notes) + ".",
    )


def _escaped(pattern: str) -> str:
    """A pattern inside of a string in SQL inside of a template."""
    return pattern.replace("'", "''").replace("{", "{{").replace("}", "}}")


def _family(group: str, decimal: str, *, currency: bool) -> tuple[Reading, Reading]:
    return (
        _grouped(group, decimal, whole=True, currency=currency),
        _grouped(group, decimal, whole=False, currency=currency),
    )


_PLACES = ((",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."))


def number_readings(*, decimal_comma: bool) -> Iterator[Reading]:
    """In the order in which they are tried; the first that fits every value is taken."""
    places = sorted(_PLACES, key=lambda place: place[1] == "." if decimal_comma else False)
    yield INTEGER
    yield BIG_INTEGER
    if not decimal_comma:
        yield NUMBER
    for group, decimal in places:
        yield from _family(group, decimal, currency=False)
    if decimal_comma:
        yield NUMBER
    for group, decimal in places:
        yield from _family(group, decimal, currency=True)


_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR4 = r"[12][0-9]{3}"
_YEAR2 = r"[0-9]{2}"
_SHORT = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_LONG = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_PARTS = {
    "%d": _DAY,
    "%m": _MONTH,
    "%Y": _YEAR4,
    "%y": _YEAR2,
    "%b": f"(?i:{_SHORT})",
    "%B": f"(?i:{_LONG})",
}
_HOUR = "(?:[01]?[0-9]|2[0-3])"
_CLOCK = rf"{_HOUR}:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?"
_CLOCK_12 = r"(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9])? ?(?i:AM|PM)"
_CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
_CLOCKS_12 = ("%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p")
_DATE_FORMATS = (
    ("%Y/%m/%d", "ymd"),
    ("%Y.%m.%d", "ymd"),
    ("%d.%m.%Y", "dmy"),
    ("%d.%m.%y", "dmy"),
    ("%d/%m/%Y", "dmy"),
    ("%m/%d/%Y", "mdy"),
    ("%d-%m-%Y", "dmy"),
    ("%m-%d-%Y", "mdy"),
    ("%d/%m/%y", "dmy"),
    ("%m/%d/%y", "mdy"),
    ("%d %b %Y", "dmy"),
    ("%d-%b-%Y", "dmy"),
    ("%d-%b-%y", "dmy"),
    ("%b %d, %Y", "mdy"),
    ("%d %B %Y", "dmy"),
    ("%B %d, %Y", "mdy"),
)
_ISO_DAY = rf"{_YEAR4}-[0-1][0-9]-[0-3][0-9]"
ISO_DATE = Reading(
    type="date",
    sql_type="DATE",
    shape=re.compile(_ISO_DAY),
    sql="CASE WHEN length({x}) <= 10 THEN TRY_CAST({x} AS DATE) END",
    order="ymd",
)
ISO_TIMESTAMP = Reading(
    type="timestamp",
    sql_type="TIMESTAMP",
    shape=re.compile(rf"{_ISO_DAY}(?:[T ]{_CLOCK})?"),
    # A zone would be applied and forgotten; such text is for the next reading.
    sql="CASE WHEN NOT regexp_matches(substr({x}, 12), '[ZU+-]') AND length({x}) >= 10 "
    "THEN TRY_CAST({x} AS TIMESTAMP) END",
    order="ymd",
)
ZONED_TIMESTAMP = Reading(
    type="timestamp",
    sql_type="TIMESTAMPTZ",
    shape=re.compile(rf"{_ISO_DAY}[T ]{_CLOCK} ?(?:Z|UTC|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)"),
    sql="CASE WHEN regexp_matches(substr({x}, 12), '[ZU+-]') THEN TRY_CAST({x} AS TIMESTAMPTZ) END",
    note="With time zone; shown in UTC.",
    order="ymd",
)


def _shape_of(date_format: str) -> str:
    parts = re.split(r"(%[a-zA-Z])", date_format)
    return "".join(_PARTS.get(part, re.escape(part)) for part in parts)


def _dates(date_format: str, order: str) -> Iterator[Reading]:
    shape = _shape_of(date_format)
    rival = {"dmy": ("mdy",), "mdy": ("dmy",)}.get(order, ())
    rivals = rival if re.search(r"[/-]%[md]", date_format) else ()
    words = {"dmy": "day before month", "mdy": "month before day"}.get(order, "year first")
    note = f"Dates read as {words}."
    yield Reading(
        type="date",
        sql_type="DATE",
        shape=re.compile(shape),
        sql=f"CAST(try_strptime({{x}}, '{date_format}') AS DATE)",
        note=note,
        order=order,
        rivals=rivals,
    )
    for clock, clocks in ((_CLOCK, _CLOCKS), (_CLOCK_12, _CLOCKS_12)):
        formats = [f"{date_format}{gap}{time}" for gap in (" ", ", ") for time in clocks]
        listed = ", ".join(f"'{item}'" for item in [*formats, date_format])
        yield Reading(
            type="timestamp",
            sql_type="TIMESTAMP",
            shape=re.compile(f"{shape}(?:,? {clock})?"),
            sql=f"try_strptime({{x}}, [{listed}])",
            note=note,
            order=order,
            rivals=rivals,
        )


_LOCAL_DATES = tuple(
    reading for date_format, order in _DATE_FORMATS for reading in _dates(date_format, order)
)


def date_readings(*, day_first: bool) -> Iterator[Reading]:
    """Dates before timestamps, ISO before others; the order of day and month by preference."""
    unwanted = "mdy" if day_first else "dmy"
    local = sorted(_LOCAL_DATES, key=lambda reading: reading.order == unwanted)
    for kind in ("date", "timestamp"):
        yield ISO_DATE if kind == "date" else ISO_TIMESTAMP
        if kind == "timestamp":
            yield ZONED_TIMESTAMP
        yield from (reading for reading in local if reading.type == kind)
