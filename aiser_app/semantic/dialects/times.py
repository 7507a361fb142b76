"""Times in every dialect: their parts, sums with spans, what lies between two, texts and zones."""

from __future__ import annotations

from sqlglot import exp

from aiser_app.domain.semantic_query import DurationUnit, Granularity, TimePart
from aiser_app.errors import QueryInvalid
from aiser_app.semantic.dialects.templates import filled, number

_PARTS = {
    TimePart.HOUR_OF_DAY: "CAST(EXTRACT(HOUR FROM x) AS INT)",
    TimePart.WEEKDAY: "CAST(EXTRACT(ISODOW FROM x) AS INT)",
    TimePart.DAY_OF_MONTH: "CAST(EXTRACT(DAY FROM x) AS INT)",
    TimePart.MONTH_OF_YEAR: "CAST(EXTRACT(MONTH FROM x) AS INT)",
    TimePart.QUARTER_OF_YEAR: "CAST(EXTRACT(QUARTER FROM x) AS INT)",
    TimePart.YEAR: "CAST(EXTRACT(YEAR FROM x) AS INT)",
}
_OWN_PARTS: dict[str, dict[TimePart, str]] = {
    "mysql": {
        TimePart.HOUR_OF_DAY: "HOUR(x)",
        TimePart.WEEKDAY: "WEEKDAY(x) + 1",
        TimePart.DAY_OF_MONTH: "DAYOFMONTH(x)",
        TimePart.MONTH_OF_YEAR: "MONTH(x)",
        TimePart.QUARTER_OF_YEAR: "QUARTER(x)",
        TimePart.YEAR: "YEAR(x)",
    },
    "sqlite": {
        TimePart.HOUR_OF_DAY: "CAST(STRFTIME('%H', x) AS INTEGER)",
        TimePart.WEEKDAY: "(CAST(STRFTIME('%w', x) AS INTEGER) + 6) % 7 + 1",
        TimePart.DAY_OF_MONTH: "CAST(STRFTIME('%d', x) AS INTEGER)",
        TimePart.MONTH_OF_YEAR: "CAST(STRFTIME('%m', x) AS INTEGER)",
        TimePart.QUARTER_OF_YEAR: "(CAST(STRFTIME('%m', x) AS INTEGER) + 2) / 3",
        TimePart.YEAR: "CAST(STRFTIME('%Y', x) AS INTEGER)",
    },
    "clickhouse": {
        TimePart.HOUR_OF_DAY: "toHour(toDateTime64(x, 6))",
        TimePart.WEEKDAY: "toDayOfWeek(x)",
        TimePart.DAY_OF_MONTH: "toDayOfMonth(x)",
        TimePart.MONTH_OF_YEAR: "toMonth(x)",
        TimePart.QUARTER_OF_YEAR: "toQuarter(x)",
        TimePart.YEAR: "toYear(x)",
    },
    "snowflake": {TimePart.WEEKDAY: "DAYOFWEEKISO(x)"},
    "bigquery": {
        TimePart.HOUR_OF_DAY: "EXTRACT(HOUR FROM CAST(x AS TIMESTAMP))",
        TimePart.WEEKDAY: "MOD(EXTRACT(DAYOFWEEK FROM x) + 5, 7) + 1",
    },
    "tsql": {
        # Whatever the server's first day of the week is: 1 January 1900 was a Monday.
        TimePart.WEEKDAY: "DATEDIFF(DAY, CAST('1900-01-01' AS DATE), x) % 7 + 1",
    },
    "trino": {TimePart.WEEKDAY: "DAY_OF_WEEK(x)"},
    "databricks": {TimePart.WEEKDAY: "WEEKDAY(x) + 1"},
}

_SUMS = {
    "duckdb": "x + n * INTERVAL 1 {unit}",
    "postgres": "x + n * INTERVAL '1 {unit}'",
    "mysql": "DATE_ADD(x, INTERVAL n {unit})",
    "bigquery": "DATETIME_ADD(CAST(x AS DATETIME), INTERVAL n {unit})",
    "trino": "DATE_ADD('{unit}', n, x)",
}
_ANY_SUM = "DATEADD({unit}, n, x)"
_CLICKHOUSE_SUMS = {
    "SECOND": "addSeconds(toDateTime64(x, 6), n)",
    "HOUR": "addHours(toDateTime64(x, 6), n)",
    "DAY": "addDays(x, n)",
    "MONTH": "addMonths(x, n)",
}
_SPANS = {
    Granularity.HOUR: ("HOUR", 1),
    Granularity.DAY: ("DAY", 1),
    Granularity.WEEK: ("DAY", 7),
    Granularity.MONTH: ("MONTH", 1),
    Granularity.QUARTER: ("MONTH", 3),
    Granularity.YEAR: ("MONTH", 12),
}

_SECONDS = {
    "duckdb": "EPOCH(CAST(y AS TIMESTAMP)) - EPOCH(CAST(x AS TIMESTAMP))",
    "postgres": (
        "CAST(EXTRACT(EPOCH FROM CAST(y AS TIMESTAMP) - CAST(x AS TIMESTAMP)) AS DOUBLE PRECISION)"
    ),
    "mysql": "TIMESTAMPDIFF(MICROSECOND, x, y) / 1000000e0",
    "sqlite": "ROUND((JULIANDAY(y) - JULIANDAY(x)) * 86400.0, 3)",
    "clickhouse": ("(toFloat64(toDateTime64(y, 6)) - toFloat64(toDateTime64(x, 6)))"),
    "snowflake": "TIMESTAMPDIFF(MICROSECOND, x, y) / 1000000.0",
    "bigquery": "TIMESTAMP_DIFF(CAST(y AS TIMESTAMP), CAST(x AS TIMESTAMP), MICROSECOND) / 1000000",
    "tsql": "DATEDIFF_BIG(MICROSECOND, x, y) / 1000000.0",
    "trino": "DATE_DIFF('MILLISECOND', CAST(x AS TIMESTAMP), CAST(y AS TIMESTAMP)) / 1000e0",
    "databricks": "(UNIX_MICROS(CAST(y AS TIMESTAMP)) - UNIX_MICROS(CAST(x AS TIMESTAMP))) / 1000000.0",
}
_DAYS = {
    "duckdb": "DATE_DIFF('DAY', CAST(x AS DATE), CAST(y AS DATE))",
    "postgres": "CAST(y AS DATE) - CAST(x AS DATE)",
    "mysql": "DATEDIFF(y, x)",
    "sqlite": "CAST(JULIANDAY(DATE(y)) - JULIANDAY(DATE(x)) AS INTEGER)",
    "clickhouse": "dateDiff('DAY', toDate32(x), toDate32(y))",
    "bigquery": "DATE_DIFF(CAST(y AS DATE), CAST(x AS DATE), DAY)",
    "trino": "DATE_DIFF('DAY', CAST(x AS DATE), CAST(y AS DATE))",
    "databricks": "DATEDIFF(CAST(y AS DATE), CAST(x AS DATE))",
}
_ANY_DAYS = "DATEDIFF(DAY, CAST(x AS DATE), CAST(y AS DATE))"
_LENGTHS = {DurationUnit.SECOND: 1, DurationUnit.MINUTE: 60, DurationUnit.HOUR: 3600}


def part_of(x: exp.Expr, part: TimePart, dialect: str) -> exp.Expr:
    """What repeats in time, as a whole number."""
    template = _OWN_PARTS.get(dialect, {}).get(part) or _PARTS[part]
    return filled(template, dialect, x=x)


def added(x: exp.Expr, n: exp.Expr, unit: str, dialect: str) -> exp.Expr:
    """`n` of SECOND, HOUR, DAY or MONTH after the time `x`."""
    if dialect == "clickhouse":
        return filled(_CLICKHOUSE_SUMS[unit], dialect, x=x, n=n)
    if dialect == "sqlite":
        name = "DATETIME" if unit in ("SECOND", "HOUR") else "DATE"
        return filled(f"{name}(x, n || ' {unit.lower()}s')", dialect, x=x, n=n)
    template = _SUMS.get(dialect, _ANY_SUM).format(unit=unit)
    return filled(template, dialect, x=x, n=n)


def spans_later(x: exp.Expr, n: exp.Expr, granularity: Granularity, dialect: str) -> exp.Expr:
    """The start of the span that is `n` spans after the one that starts at `x`."""
    unit, times = _SPANS[granularity]
    count = exp.Mul(this=n.copy(), expression=number(times)) if times > 1 else n
    return added(x, exp.paren(count) if times > 1 else count, unit, dialect)


def between(x: exp.Expr, y: exp.Expr, unit: DurationUnit, dialect: str) -> exp.Expr:
    """Time from `x` to `y`; see `Duration` for what the units mean."""
    if unit in _LENGTHS:
        seconds = filled(_SECONDS[_known(dialect, _SECONDS)], dialect, x=x, y=y)
        if unit is DurationUnit.SECOND:
            return seconds
        return exp.Div(
            this=exp.paren(seconds), expression=exp.Literal.number(f"{_LENGTHS[unit]}.0")
        )
    if unit is DurationUnit.DAY:
        return filled(_DAYS.get(dialect, _ANY_DAYS), dialect, x=x, y=y)
    return _completed(x, y, unit, dialect)


def _known(dialect: str, templates: dict[str, str]) -> str:
    if dialect not in templates:
        raise QueryInvalid("This database's way to measure time is not known.")
    return dialect


def _completed(x: exp.Expr, y: exp.Expr, unit: DurationUnit, dialect: str) -> exp.Expr:
    """Whole months or years: the last one counts from the same day on."""

    def part(value: exp.Expr, name: TimePart) -> exp.Expr:
        return part_of(value, name, dialect)

    years = "(y1 - y0)"
    template = {
        DurationUnit.YEAR: f"{years} - CASE WHEN m1 * 100 + d1 < m0 * 100 + d0 THEN 1 ELSE 0 END",
        DurationUnit.MONTH: f"{years} * 12 + (m1 - m0) - CASE WHEN d1 < d0 THEN 1 ELSE 0 END",
    }[unit]
    return filled(
        template,
        dialect,
        y0=part(x, TimePart.YEAR),
        y1=part(y, TimePart.YEAR),
        m0=part(x, TimePart.MONTH_OF_YEAR),
        m1=part(y, TimePart.MONTH_OF_YEAR),
        d0=part(x, TimePart.DAY_OF_MONTH),
        d1=part(y, TimePart.DAY_OF_MONTH),
    )
