"""Medians and percentiles, interpolated between rows, also where a database has none."""

from __future__ import annotations

from sqlglot import exp

from aiser_app.semantic.identifiers import column, identifier

_EMULATED = frozenset(("mysql", "sqlite", "bigquery", "tsql", "trino"))
"""Databases that lack an exact aggregate for it."""


def is_emulated(dialect: str) -> bool:
    return dialect in _EMULATED


def percentile(x: exp.Expr, share: str, dialect: str) -> exp.Expr:
    """An aggregate; `share` is 0 to 1."""
    point = exp.Literal.number(share)
    if dialect == "clickhouse":  # its own median looks at a sample of the rows
        return exp.ParameterizedAgg(
            this="quantileExactInclusive",
            expressions=[point],
            params=[exp.cast(x, "double")],
        )
    if dialect in ("databricks", "spark"):
        return exp.Anonymous(this="PERCENTILE", expressions=[x, point])
    if dialect == "duckdb":  # of decimals it would give a decimal, cut to their digits
        x = exp.cast(x, "double")
    if share == "0.5" and dialect != "postgres":
        return exp.Median(this=x)
    if dialect == "duckdb":
        return exp.Anonymous(this="QUANTILE_CONT", expressions=[x, point])
    ordered = exp.Order(expressions=[exp.Ordered(this=x)])
    return exp.WithinGroup(this=exp.PercentileCont(this=point), expression=ordered)


def emulated(given: exp.Select, keys: list[str], value: str, share: str, alias: str) -> exp.Select:
    """The percentile of column `value` of `given` for each of its `keys`.

    Rows are numbered in order; those next to the wanted place count by how near they are: a weight
    of 1 at the place itself, falling to 0 one row away, which is what interpolation means.
    """
    missing = exp.case().when(exp.Is(this=column(value), expression=exp.Null()), "1").else_("0")
    partition = [column(key) for key in keys]
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[item.copy() for item in partition],
        order=exp.Order(
            expressions=[
                exp.Ordered(this=item, nulls_first=True) for item in (missing, column(value))
            ]
        ),
    )
    total = exp.Window(this=exp.Count(this=column(value)), partition_by=partition)
    numbered = exp.select(
        *(column(key) for key in keys),
        column(value),
        exp.alias_(place, identifier("place")),
        exp.alias_(total, identifier("total")),
    ).from_(given.subquery("given"))
    distance = exp.Abs(this=exp.Sub(this=column("place"), expression=exp.paren(_wanted(share))))
    near = exp.LT(this=distance, expression=exp.Literal.number(1))
    weight = exp.paren(exp.Sub(this=exp.Literal.number(1), expression=distance.copy()))
    weighted = exp.case().when(near, exp.Mul(this=column(value), expression=weight))
    outer = exp.select(
        *(column(key) for key in keys), exp.alias_(exp.Sum(this=weighted), identifier(alias))
    ).from_(numbered.subquery("numbered"))
    return outer.group_by(*(column(key) for key in keys)) if keys else outer


def _wanted(share: str) -> exp.Expr:
    """The place of the value among the numbered rows, with a fraction: 1 + share * (total - 1)."""
    steps = exp.paren(exp.Sub(this=column("total"), expression=exp.Literal.number(1)))
    return exp.Add(
        this=exp.Literal.number(1),
        expression=exp.Mul(this=exp.Literal.number(share), expression=steps),
    )
