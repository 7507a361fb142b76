"""What a query makes up must have a length that is known before it runs."""

from __future__ import annotations

import pytest
from sqlglot import exp

from aiser_app.query.guard.limits import check_series
from aiser_app.query.guard.refusal import Refused, place_of
from tests.unit.query.guard.asking import allow, deny


def series(start: exp.Expr, end: exp.Expr, step: exp.Expr | None = None) -> exp.GenerateSeries:
    return exp.GenerateSeries(start=start, end=end, step=step)


def number(text: str) -> exp.Literal:
    return exp.Literal(this=text, is_string=False)


def moment(text: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), "date")


@pytest.mark.parametrize(
    "made",
    [
        series(number("one"), number("2")),
        series(number("1"), number("2"), number("x")),
        series(moment("2020-01-01"), moment("2020-01-02"), exp.Interval(
            this=exp.Literal.string("many"), unit=exp.Var(this="DAY"))),
        series(moment("2020-01-01"), moment("2020-01-02"), exp.Interval(
            this=exp.Literal.string("1"), unit=exp.Var(this="FORTNIGHT"))),
        series(moment("2020-01-01"), moment("2020-01-02"), exp.Interval(
            this=exp.Literal.string("1"))),
    ],
)  # fmt: skip
def test_a_length_that_nobody_knows(made: exp.GenerateSeries) -> None:
    with pytest.raises(Refused, match="plain values"):
        check_series(made)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", "SELECT generate_series(1, 10)"),
        ("postgres", "SELECT * FROM generate_series(1, 10, 2) AS g(n)"),
        ("bigquery", "SELECT GENERATE_ARRAY(1, 10)"),
        ("trino", "SELECT sequence(1, 10)"),
        ("spark", "SELECT sequence(1, 10)"),
    ],
)
def test_short_series_may_be_made(dialect: str, sql: str) -> None:
    assert allow(sql, dialect).tables == ()
    assert "at most" in deny(sql.replace("10", "10000000"), dialect).reason


def test_nodes_without_a_place() -> None:
    assert place_of(None) == (None, None)
    assert place_of(exp.column("a")) == (None, None)
