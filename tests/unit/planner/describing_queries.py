"""Rich queries in one line, so that expectations can be read."""

from __future__ import annotations

from typing import Any

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import (
    Arithmetic,
    ColumnTerm,
    Constant,
    Duration,
    Existence,
    Filter,
    FilterGroup,
    MeasureTerm,
    Overall,
    PerGroup,
    RowAggregate,
    RowArithmetic,
    SemanticQuery,
    Windowed,
)
from aiser_app.planner.plan import likeliest
from aiser_app.planner.reading import Reading
from tests.unit.planner.asking import TODAY


def tell(model: SemanticModel, question: str, instructions: str = "") -> str:
    """The query, or `asks` with what stands in the way."""
    found = likeliest(question, model, today=TODAY, instructions=instructions)
    if isinstance(found, Reading):
        return describe(found.query)
    return f"asks: {found.clarification.question}"


def describe(query: SemanticQuery) -> str:
    metrics = {m.name: m for m in query.metrics}
    shown = [
        _expression(metrics[m].expression) + (" %" if metrics[m].is_percentage else "")
        if m in metrics
        else m
        for m in query.measures
    ]
    parts = ["rows" if query.is_ungrouped else " + ".join(shown) or "list"]
    groups = [
        f"{t.dimension}:{t.granularity or t.part}"
        for t in query.time_dimensions
        if t.granularity or t.part
    ]
    groups += [d.member + (f"@{d.role}" if d.role else "") for d in query.dimensions]
    parts += [f"by {', '.join(groups)}"] if groups else []
    parts += [f"where {_condition(f, metrics)}" for f in query.filters]
    parts += [
        f"in {t.date_range[0]}..{t.date_range[1]}" for t in query.time_dimensions if t.date_range
    ]
    parts += [
        f"order {'-' if o.descending else '+'}{_name(o.member, metrics)}" for o in query.order
    ]
    if query.limit is not None:
        parts.append(f"limit {query.limit}")
    if query.limit_by:
        parts.append(f"each {', '.join(d.member for d in query.limit_by)}")
    return " ".join(parts)


def _name(member: str, metrics: dict[str, Any]) -> str:
    return _expression(metrics[member].expression) if member in metrics else member


def _condition(item: Any, metrics: dict[str, Any]) -> str:
    if isinstance(item, Filter):
        role = f"@{item.role}" if item.role else ""
        part = f":{item.part}" if item.part else ""
        value = item.other or "|".join(item.values)
        return f"{_name(item.member, metrics)}{role}{part} {item.operator} {value}".strip()
    if isinstance(item, FilterGroup):
        joiner = " or " if item.is_any else " and "
        text = joiner.join(_condition(c, metrics) for c in item.conditions)
        return f"not ({text})" if item.is_negated else f"({text})"
    assert isinstance(item, Existence)
    inner = " and ".join(_condition(c, metrics) for c in item.conditions)
    at_least = f" {item.at_least}+" if item.at_least > 1 else ""
    return f"{'no' if item.is_negated else 'some'}{at_least} {item.cube}" + (
        f" [{inner}]" if inner else ""
    )


def _expression(item: Any) -> str:
    if isinstance(item, Constant):
        return item.constant
    if isinstance(item, MeasureTerm):
        return item.measure + _only(item.conditions)
    if isinstance(item, RowAggregate):
        return f"{item.aggregation}({_row(item.row)})" + _only(item.conditions)
    if isinstance(item, Arithmetic):
        return f"({_expression(item.left)} {item.operator} {_expression(item.right)})"
    if isinstance(item, Windowed):
        return f"{item.window}({_expression(item.of)})"
    if isinstance(item, PerGroup):
        per = [d.member for d in item.per] + (
            [str(item.per_time.granularity)] if item.per_time else []
        )
        return f"{item.aggregation} over {', '.join(per)} of {_expression(item.each)}"
    assert isinstance(item, Overall)
    return f"overall {_expression(item.overall)}"


def _row(item: Any) -> str:
    if isinstance(item, ColumnTerm):
        return item.member
    if isinstance(item, RowArithmetic):
        return f"{_row(item.row_left)} {item.operator} {_row(item.row_right)}"
    if isinstance(item, Duration):
        return (
            f"{item.unit}s from {item.start.member} to {item.end.member if item.end else 'today'}"
        )
    assert isinstance(item, Constant)
    return item.constant


def _only(conditions: Any) -> str:
    return f" {{{' and '.join(_condition(c, {}) for c in conditions)}}}" if conditions else ""
