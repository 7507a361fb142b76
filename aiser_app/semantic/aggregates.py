"""Figures over rows: measures of the model and aggregates of the query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from aiser_app.domain.semantic_model import Aggregation, Cube, DimensionType, Measure
from aiser_app.domain.semantic_query import (
    Arithmetic,
    Constant,
    Expression,
    MeasureTerm,
    Overall,
    PerGroup,
    RowAggregate,
    Windowed,
)
from aiser_app.errors import QueryInvalid
from aiser_app.semantic import authored
from aiser_app.semantic.dialects.percentiles import is_emulated, percentile
from aiser_app.semantic.identifiers import column
from aiser_app.semantic.row_expressions import arithmetic, as_number, constant
from aiser_app.semantic.rows import Rows
from aiser_app.semantic.scope import Build
from aiser_app.semantic.vocabulary import COUNTS, Vocabulary

Base = MeasureTerm | RowAggregate
"""Figures over the rows of one table."""
Leaf = Base | PerGroup | Overall | Windowed
"""What an expression is computed from; the rest is arithmetic."""
MAX_STEPS = 8

_AGGREGATES: dict[Aggregation, type[exp.AggFunc]] = {
    Aggregation.SUM: exp.Sum,
    Aggregation.AVG: exp.Avg,
    Aggregation.MIN: exp.Min,
    Aggregation.MAX: exp.Max,
    Aggregation.COUNT: exp.Count,
}
PERCENTILES = (Aggregation.MEDIAN, Aggregation.PERCENTILE)


@dataclass(frozen=True, slots=True)
class Input:
    """What is aggregated over rows. Without `value` it is the rows themselves."""

    aggregation: Aggregation
    value: exp.Expr | None
    share: str = ""

    @property
    def per_row(self) -> exp.Expr:
        return self.value if self.value is not None else exp.Literal.number(1)

    def over(self, value: exp.Expr | None, dialect: str) -> exp.Expr:
        """The aggregate of `value`."""
        if value is None:
            return exp.Count(this=exp.Star())
        if self.aggregation is Aggregation.COUNT_DISTINCT:
            return exp.Count(this=exp.Distinct(expressions=[value]))
        if self.aggregation in PERCENTILES:
            return percentile(value, self.share, dialect)
        return _AGGREGATES[self.aggregation](this=value)

    def is_emulated(self, dialect: str) -> bool:
        return self.aggregation in PERCENTILES and is_emulated(dialect)


def share_of(aggregation: Aggregation, text: str) -> str:
    """Which percentile, as a number from 0 to 1.

    Raises:
        QueryInvalid: it is none.
    """
    if aggregation is Aggregation.MEDIAN:
        return "0.5"
    if aggregation is not Aggregation.PERCENTILE:
        return ""
    try:
        share = Decimal(text.strip())
    except InvalidOperation:
        share = Decimal(-1)
    if not (share.is_finite() and 0 <= share <= 1):
        raise QueryInvalid("A percentile is a number from 0 to 1.", hint="For example 0.9.")
    return format(share, "f")


def cube_of(leaf: Base, words: Vocabulary) -> Cube:
    """The cube whose rows are aggregated."""
    if isinstance(leaf, RowAggregate):
        return words.cube(leaf.cube)
    return words.measure(leaf.measure)[0]


def cubes_of(base: Sequence[Base], words: Vocabulary) -> list[Cube]:
    """The cubes of several, each once."""
    cubes = [cube_of(leaf, words) for leaf in base]
    return list({cube.name: cube for cube in cubes}.values())


def all_cubes(expressions: Iterable[Expression], words: Vocabulary) -> set[str]:
    """Names of all cubes whose rows are aggregated, however deep inside."""
    found: set[str] = set()
    for expression in expressions:
        for leaf in leaves(expression, words):
            match leaf:
                case Windowed():
                    found |= all_cubes((leaf.of,), words)
                case PerGroup():
                    found |= all_cubes((leaf.each,), words)
                case Overall():
                    found |= all_cubes((leaf.overall,), words)
                case _:
                    found.add(cube_of(leaf, words).name)
    return found


def aggregation_of(leaf: Base | PerGroup, words: Vocabulary) -> Aggregation:
    """How it is folded."""
    if isinstance(leaf, MeasureTerm):
        return words.measure(leaf.measure)[1].aggregation
    return leaf.aggregation


def is_count(leaf: Leaf, words: Vocabulary) -> bool:
    """Whether nothing means 0."""
    return not isinstance(leaf, Overall | Windowed) and aggregation_of(leaf, words) in COUNTS


def input_of(leaf: Base, rows: Rows) -> Input:
    """The rows' side of an aggregate; rows that do not fulfil its conditions give NULL."""
    if isinstance(leaf, RowAggregate):
        return _of_rows(leaf, rows)
    cube, measure = rows.words.measure(leaf.measure)
    value = _measured(measure, cube, rows)
    wheres = [
        rows.authored(text, cube, rows.scope.alias, f"“{measure.title}”")
        for text in measure.filters
    ]
    wheres.extend(rows.conditions(leaf.conditions))
    share = share_of(measure.aggregation, "")
    return Input(measure.aggregation, _conditional(value, wheres), share)


def _of_rows(leaf: RowAggregate, rows: Rows) -> Input:
    share = share_of(leaf.aggregation, leaf.percentile)
    if leaf.aggregation is Aggregation.NUMBER:
        raise QueryInvalid("“number” is no way to aggregate rows.")
    found = rows.expression(leaf.row)
    needs_number = leaf.aggregation not in (*COUNTS, Aggregation.MIN, Aggregation.MAX)
    is_flag = found.kind is DimensionType.BOOLEAN and leaf.aggregation not in COUNTS
    value = as_number(found, leaf.row) if needs_number or is_flag else found.sql
    return Input(leaf.aggregation, _conditional(value, rows.conditions(leaf.conditions)), share)


def _measured(measure: Measure, cube: Cube, rows: Rows) -> exp.Expr | None:
    alias = rows.scope.alias
    if measure.sql:
        return rows.authored(measure.sql, cube, alias, f"“{measure.title}”")
    if measure.column:
        return column(measure.column, alias)
    if measure.aggregation is Aggregation.COUNT:
        return None
    raise QueryInvalid(f"{measure.title} of “{cube.title}” has no column.")


def _conditional(value: exp.Expr | None, wheres: list[exp.Expr]) -> exp.Expr | None:
    if not wheres:
        return value
    then = value if value is not None else exp.Literal.number(1)
    return exp.case().when(exp.and_(*wheres), then)


Compute = Callable[[Leaf], exp.Expr]


def computed(expression: Expression, leaf: Compute, build: Build, steps: int = 0) -> exp.Expr:
    """An expression over groups, from what its leaves are there."""
    match expression:
        case Constant():
            return constant(expression)
        case Arithmetic():
            left = computed(expression.left, leaf, build, steps)
            right = computed(expression.right, leaf, build, steps)
            return arithmetic(expression.operator, left, right)
        case MeasureTerm():
            cube, measure = build.words.measure(expression.measure)
            if measure.aggregation is Aggregation.NUMBER:
                return _of_measures(expression, cube, measure, leaf, build, steps)
    return leaf(expression)


def _of_measures(
    term: MeasureTerm, cube: Cube, measure: Measure, leaf: Compute, build: Build, steps: int
) -> exp.Expr:
    """A measure that is computed from others, each over the rows of the term's conditions."""

    def referred(name: str) -> exp.Expr:
        inner = _referred(term, cube, name)
        return computed(inner, leaf, build, steps + 1)

    _check_number(measure, steps)
    return authored.expression(
        measure.sql,
        dialect=build.dialect,
        what=f"“{measure.title}”",
        alias=cube.name,
        resolve=referred,
    )


def _referred(term: MeasureTerm, cube: Cube, name: str) -> MeasureTerm:
    full = name if "." in name else f"{cube.name}.{name}"
    return MeasureTerm(measure=full, conditions=term.conditions)


def _check_number(measure: Measure, steps: int) -> None:
    if steps >= MAX_STEPS:
        raise QueryInvalid(f"The measure “{measure.title}” refers to itself.")
    if not measure.sql or measure.filters:
        raise QueryInvalid(
            f"The measure “{measure.title}” needs an expression of other measures, and no filters."
        )


def leaves(expression: Expression, words: Vocabulary, steps: int = 0) -> Iterator[Leaf]:
    """Everything that an expression is computed from, not looking into windows and groups."""
    if isinstance(expression, Arithmetic):
        yield from leaves(expression.left, words, steps)
        yield from leaves(expression.right, words, steps)
    elif isinstance(expression, MeasureTerm):
        cube, measure = words.measure(expression.measure)
        if measure.aggregation is not Aggregation.NUMBER:
            yield expression
            return
        _check_number(measure, steps)
        for name in authored.references(measure.sql):
            yield from leaves(_referred(expression, cube, name), words, steps + 1)
    elif not isinstance(expression, Constant):
        yield expression
