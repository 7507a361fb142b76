"""Figures from what stands before a phrase and what the phrase can mean under the root."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.semantic_model import Aggregation, Cube, Dimension, SemanticModel
from aiser_app.domain.semantic_query import (
    Arithmetic,
    ColumnTerm,
    Condition,
    Constant,
    Expression,
    Filter,
    FilterOperator,
    MeasureTerm,
    Operator,
    RowAggregate,
    RowExpression,
)
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.concepts import product_of
from aiser_app.planner.gazetteer import true_value
from aiser_app.planner.lexicon import own_key
from aiser_app.planner.measuring import default_aggregation, find_measure
from aiser_app.planner.resolving import Option, is_number
from aiser_app.planner.units import convert, number_text
from aiser_app.planner.vocabulary import AGGREGATE_WORDS
from aiser_app.planner.words import plural

_TIME_UNITS = {"hour": "h", "minute": "min", "second": "s", "day": "d"}


def rows_of(cube: Cube, conditions: tuple[Condition, ...] = ()) -> Figure:
    """The number of rows of a cube."""
    measure = find_measure(cube, Aggregation.COUNT, "")
    title = f"number of {plural(cube.title.lower())}"
    expression: Expression
    if measure is None:
        key = cube.primary_key[0] if cube.primary_key else cube.dimensions[0].column
        expression = RowAggregate(
            aggregation=Aggregation.COUNT, cube=cube.name,
            row=Constant(constant="1") if not key else ColumnTerm(member=member_of(cube, key)),
            conditions=conditions,
        )  # fmt: skip
        return Figure(expression, title, cube=cube.name, aggregation=Aggregation.COUNT)
    name = f"{cube.name}.{measure.name}"
    expression = MeasureTerm(measure=name, conditions=conditions)
    return Figure(
        expression, title, "" if conditions else name, cube=cube.name, aggregation=Aggregation.COUNT
    )


def member_of(cube: Cube, column: str) -> str:
    found = next((d for d in cube.dimensions if d.column == column), None)
    return f"{cube.name}.{found.name if found else column}"


def column_figure(
    root: Cube,
    option: Option,
    aggregation: Aggregation | None,
    *,
    conditions: tuple[Condition, ...] = (),
) -> Figure:
    """A column folded as asked, or as its name says. Across joins the column's own cube is folded."""
    dimension = option.dimension
    if dimension is None:
        raise ValueError("only a column can be folded")
    said = aggregation is not None
    fold = aggregation or default_aggregation(dimension) or Aggregation.SUM
    title = f"{AGGREGATE_WORDS[fold]} {dimension.title.lower()}"
    cube_name = option.target.cube
    measure = find_measure(root, fold, dimension.column) if cube_name == root.name else None
    expression: Expression
    if measure is not None:
        name = f"{root.name}.{measure.name}"
        expression = MeasureTerm(measure=name, conditions=conditions)
        return Figure(
            expression, title, "" if conditions else name, dimension.unit, cube=root.name,
            column=dimension, aggregation=fold, fold_said=said,
        )  # fmt: skip
    term = ColumnTerm(member=option.target.member, role=option.role)
    expression = RowAggregate(aggregation=fold, cube=root.name, row=term, conditions=conditions)
    return Figure(
        expression, title, "", dimension.unit, cube=root.name, column=dimension, aggregation=fold,
        fold_said=said,
    )  # fmt: skip


def row_figure(
    root: Cube, row: RowExpression, title: str, aggregation: Aggregation, unit: str = ""
) -> Figure:
    """A computed row value, folded."""
    expression = RowAggregate(aggregation=aggregation, cube=root.name, row=row)
    said = f"{AGGREGATE_WORDS[aggregation]} {title}"
    return Figure(expression, said, unit=unit, cube=root.name, aggregation=aggregation, row=row)


def product_figure(root: Cube, concept: str, aggregation: Aggregation | None) -> Figure | None:
    """Quantity times price as money, where the table has no amount of its own."""
    row = product_of(root, concept)
    if row is None:
        return None
    return row_figure(root, row, "value (quantity times price)", aggregation or Aggregation.SUM)


def _far_key(model: SemanticModel, option: Option) -> ColumnTerm | None:
    """The column that refers to a thing several joins away."""
    if len(option.path.joins) < 2:
        return None
    owner = model.find_cube(option.path.joins[-2].target)
    key = own_key(owner, option.path.joins[-1].columns) if owner is not None else None
    if owner is None or key is None:
        return None
    return ColumnTerm(member=f"{owner.name}.{key.name}")


def distinct_figure(model: SemanticModel, root: Cube, option: Option) -> Figure | None:
    """Different things that the rows refer to."""
    dimension: Dimension | None = option.dimension
    if option.path.joins and len(option.path.joins) == 1 and option.target.kind == "cube":
        dimension = own_key(root, option.path.joins[0].columns)
        if dimension is not None:
            return _distinct(root, dimension, f"{root.name}.{dimension.name}", "")
    if option.target.kind == "cube":
        term = _far_key(model, option)
        if term is None:
            return None
        expression = RowAggregate(aggregation=Aggregation.COUNT_DISTINCT, cube=root.name, row=term)
        return Figure(
            expression, f"number of different {plural(option.title or 'things')}", cube=root.name,
            aggregation=Aggregation.COUNT_DISTINCT,
        )  # fmt: skip
    if dimension is None:
        return None
    return _distinct(root, dimension, option.target.member, option.role)


def _distinct(root: Cube, dimension: Dimension, member: str, role: str) -> Figure:
    title = f"number of different {plural(dimension.title.lower())}"
    if member.partition(".")[0] == root.name:
        measure = find_measure(root, Aggregation.COUNT_DISTINCT, dimension.column)
        if measure is not None:
            name = f"{root.name}.{measure.name}"
            return Figure(
                MeasureTerm(measure=name), title, name, cube=root.name, column=dimension,
                aggregation=Aggregation.COUNT_DISTINCT,
            )  # fmt: skip
    expression = RowAggregate(
        aggregation=Aggregation.COUNT_DISTINCT,
        cube=root.name,
        row=ColumnTerm(member=member, role=role),
    )
    return Figure(
        expression, title, cube=root.name, column=dimension, aggregation=Aggregation.COUNT_DISTINCT
    )


def with_conditions(figure: Figure, conditions: tuple[Condition, ...]) -> Figure:
    """The same figure over fewer rows."""
    if not conditions:
        return figure
    expression = figure.expression
    if isinstance(expression, MeasureTerm | RowAggregate):
        expression = replace(expression, conditions=(*expression.conditions, *conditions))
    elif isinstance(expression, Arithmetic):
        left = with_conditions(Figure(expression.left, ""), conditions).expression
        right = with_conditions(Figure(expression.right, ""), conditions).expression
        expression = replace(expression, left=left, right=right)
    return replace(figure, expression=expression, measure="")


def in_unit(figure: Figure, word: str) -> Figure:
    """As in "downtime hours": minutes become hours."""
    wanted = _TIME_UNITS.get(word, "")
    if not wanted or not figure.unit or wanted == figure.unit:
        return figure
    factor = convert(1.0, wanted, figure.unit)
    if factor is None or factor == 1.0:
        return figure
    constant = Constant(constant=number_text(factor))
    expression = Arithmetic(operator=Operator.DIVIDE, left=figure.expression, right=constant)
    return replace(figure, expression=expression, measure="", unit=wanted)


def flag_condition(option: Option, *, is_true: bool) -> Condition:
    """A yes/no column as a condition; text and number columns hold their own words for yes."""
    dimension = option.dimension
    stored = true_value(dimension) if dimension is not None else ""
    if stored:
        operator = FilterOperator.EQUALS if is_true else FilterOperator.NOT_EQUALS
        return Filter(
            member=option.target.member, operator=operator, values=(stored,), role=option.role
        )
    value = "true" if is_true else "false"
    return Filter(
        member=option.target.member,
        operator=FilterOperator.EQUALS,
        values=(value,),
        role=option.role,
    )


def is_foldable(option: Option) -> bool:
    return option.dimension is not None and is_number(option.dimension)
