"""Units of comparisons: "more than 2 hours" against a column kept in minutes."""

from __future__ import annotations

from aiser_app.planner.vocabulary import UNITS
from aiser_app.planner.words import stem


def kind_of(unit: str) -> str:
    """Base unit of the quantity that a unit measures; empty when the unit is unknown."""
    found = UNITS.get(unit.lower()) or UNITS.get(stem(unit.lower()))
    return found[0] if found else ""


def convert(number: float, unit: str, column_unit: str) -> float | None:
    """The number in the unit of the column; None when the two do not measure the same."""
    if not unit:
        return number
    given = UNITS.get(unit.lower()) or UNITS.get(stem(unit.lower()))
    wanted = UNITS.get(column_unit.lower()) or UNITS.get(stem(column_unit.lower()))
    if given is None or wanted is None or given[0] != wanted[0]:
        return None
    return round(number * given[1] / wanted[1], 6)


def number_text(number: float) -> str:
    """Shortest text of a number, as filter values are written."""
    return str(int(number)) if number == int(number) else repr(number)
