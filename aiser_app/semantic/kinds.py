"""Types and units of figures, for columns, conditions and missing values."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation, Cube, DimensionType, Measure
from aiser_app.domain.semantic_query import (
    Arithmetic,
    Constant,
    Expression,
    MeasureTerm,
    Operator,
    Overall,
    PerGroup,
    RowAggregate,
    Windowed,
    WindowKind,
)
from aiser_app.semantic.aggregates import Leaf, aggregation_of
from aiser_app.semantic.scope import Build
from aiser_app.semantic.vocabulary import COUNTS

_KEEPS = (Aggregation.MIN, Aggregation.MAX)
_ALIKE = (WindowKind.PREVIOUS, WindowKind.CHANGE, WindowKind.RUNNING_TOTAL, WindowKind.TOTAL)


def value_kind(leaf: Leaf, build: Build) -> DimensionType:
    """A number, unless it is the smallest or largest of something else."""
    if isinstance(leaf, Overall):
        return expression_kind(leaf.overall, build)
    if isinstance(leaf, Windowed):
        is_same = leaf.window is WindowKind.PREVIOUS
        return expression_kind(leaf.of, build) if is_same else DimensionType.NUMBER
    if aggregation_of(leaf, build.words) not in _KEEPS:
        return DimensionType.NUMBER
    if isinstance(leaf, PerGroup):
        return expression_kind(leaf.each, build)
    if isinstance(leaf, RowAggregate):
        found = build.words.row_kind(leaf.row)
        return DimensionType.NUMBER if found is DimensionType.BOOLEAN else found
    cube, measure = build.words.measure(leaf.measure)
    return _measured_kind(cube, measure)


def _measured_kind(cube: Cube, measure: Measure) -> DimensionType:
    for dimension in cube.dimensions:
        if measure.column and dimension.column == measure.column and not dimension.text_format:
            return dimension.type
    return DimensionType.NUMBER


def expression_kind(expression: Expression, build: Build) -> DimensionType:
    if isinstance(expression, Constant | Arithmetic):
        return DimensionType.NUMBER
    return value_kind(expression, build)


def is_whole(expression: Expression, build: Build) -> bool:
    """Whether it is always a whole number."""
    match expression:
        case Constant():
            return expression.constant.strip().lstrip("-").isdigit()
        case Arithmetic():
            sides = (expression.left, expression.right)
            is_exact = expression.operator is not Operator.DIVIDE
            return is_exact and all(is_whole(side, build) for side in sides)
        case Overall():
            return is_whole(expression.overall, build)
        case Windowed():
            if expression.window is WindowKind.RANK:
                return True
            return expression.window in _ALIKE and is_whole(expression.of, build)
        case PerGroup():
            adds = (*_KEEPS, Aggregation.SUM)
            if expression.aggregation in adds:
                return is_whole(expression.each, build)
            return expression.aggregation in COUNTS
    return aggregation_of(expression, build.words) in COUNTS


def unit_of(expression: Expression, build: Build) -> str:
    """The unit that a figure keeps from its measure."""
    match expression:
        case MeasureTerm():
            return build.words.measure(expression.measure)[1].unit
        case Overall():
            return unit_of(expression.overall, build)
        case PerGroup():
            return "" if expression.aggregation in COUNTS else unit_of(expression.each, build)
        case Windowed():
            keeps = expression.window in (*_ALIKE, WindowKind.MEAN, WindowKind.MOVING_AVERAGE)
            return unit_of(expression.of, build) if keeps else ""
        case Arithmetic():
            sides = {unit_of(expression.left, build), unit_of(expression.right, build)}
            is_sum = expression.operator in (Operator.ADD, Operator.SUBTRACT)
            return sides.pop() if is_sum and len(sides) == 1 else ""
    return ""
