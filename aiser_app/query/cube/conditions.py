"""Conditions of a semantic query as Cube's filters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from aiser_app.domain.semantic_model import DimensionType, SemanticModel
from aiser_app.domain.semantic_query import Condition, Filter, FilterGroup, FilterOperator
from aiser_app.query.cube.failures import CubeNotUsed

_ON_TEXT = frozenset(
    {
        FilterOperator.CONTAINS,
        FilterOperator.NOT_CONTAINS,
        FilterOperator.STARTS_WITH,
        FilterOperator.NOT_STARTS_WITH,
        FilterOperator.ENDS_WITH,
        FilterOperator.NOT_ENDS_WITH,
    }
)
_COMPARING = frozenset(
    {FilterOperator.GT, FilterOperator.GTE, FilterOperator.LT, FilterOperator.LTE}
)
_WILDCARDS = frozenset("%_\\")
_FROM_DAY = frozenset({FilterOperator.GTE, FilterOperator.AFTER_OR_ON_DATE})
_AFTER_DAY = frozenset({FilterOperator.GT, FilterOperator.AFTER_DATE})
_BEFORE_DAY = frozenset({FilterOperator.LT, FilterOperator.BEFORE_DATE})
_TO_DAY = frozenset({FilterOperator.LTE, FilterOperator.BEFORE_OR_ON_DATE})
_TRUTH = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


def condition_for_cube(item: Condition, model: SemanticModel) -> dict[str, Any]:
    """The condition, however it nests.

    Raises:
        CubeNotUsed: Cube has no words for it, or understands it in another way.
    """
    if isinstance(item, FilterGroup):
        if item.is_negated:
            raise CubeNotUsed("Cube cannot express the opposite of several conditions.")
        parts = [condition_for_cube(part, model) for part in item.conditions]
        return {"or" if item.is_any else "and": parts}
    if not isinstance(item, Filter):
        raise CubeNotUsed("Cube cannot express whether related rows exist.")
    return _filter(item, model)


def _filter(item: Filter, model: SemanticModel) -> dict[str, Any]:
    if item.other or item.part is not None or item.role:
        raise CubeNotUsed("Cube cannot express a comparison of two columns or of parts of dates.")
    dimension = model.find_dimension(item.member)
    if dimension is None and model.find_measure(item.member) is None:
        raise CubeNotUsed(f"Cube's model has no “{item.member[:80]}”.")
    if item.operator in (FilterOperator.SET, FilterOperator.NOT_SET):
        return {"member": item.member, "operator": item.operator.value}
    if not item.values:
        raise CubeNotUsed("A filter has no value.")
    if dimension is not None and dimension.type is DimensionType.TIME:
        return _on_time(item)
    if item.operator in _COMPARING and len(item.values) != 1:
        raise CubeNotUsed("A comparison has more than one value.")
    values = list(item.values)
    if dimension is not None and dimension.type is DimensionType.BOOLEAN:
        values = [_truth(value) for value in values]
    if item.operator in _ON_TEXT and any(_WILDCARDS & set(value) for value in values):
        raise CubeNotUsed("Cube takes % and _ in a text for wildcards.")
    return {"member": item.member, "operator": item.operator.value, "values": values}


def _truth(value: str) -> str:
    found = _TRUTH.get(value.strip().casefold())
    if found is None:
        raise CubeNotUsed("A filter on yes or no has another value.")
    return found


def _on_time(item: Filter) -> dict[str, Any]:
    """A day is a span of time: after it begins with the next one. Cube means its first moment."""
    days = [_day(value) for value in item.values]
    if item.operator is FilterOperator.IN_DATE_RANGE and len(days) == 2:
        return _moment(item.member, "inDateRange", days)
    if item.operator is FilterOperator.EQUALS:
        found = [_moment(item.member, "inDateRange", [day, day]) for day in days]
        return found[0] if len(found) == 1 else {"or": found}
    if len(days) != 1:
        raise CubeNotUsed("Cube cannot express this condition on a date.")
    if item.operator in _FROM_DAY:
        return _moment(item.member, "afterOrOnDate", days)
    if item.operator in _AFTER_DAY:
        return _moment(item.member, "afterOrOnDate", [_next(days[0])])
    if item.operator in _BEFORE_DAY:
        return _moment(item.member, "beforeDate", days)
    if item.operator in _TO_DAY:
        return _moment(item.member, "beforeDate", [_next(days[0])])
    raise CubeNotUsed("Cube cannot express this condition on a date.")


def _moment(member: str, operator: str, days: Sequence[date]) -> dict[str, Any]:
    return {"member": member, "operator": operator, "values": [day.isoformat() for day in days]}


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise CubeNotUsed("Cube cannot express a comparison with a time of day.") from None


def _next(day: date) -> date:
    try:
        return day + timedelta(days=1)
    except OverflowError:
        raise CubeNotUsed("A date is too late.") from None
