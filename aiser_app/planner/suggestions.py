"""Questions that a model can answer, made from the model alone and each tried before it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice

from aiser_app.domain.semantic_model import Aggregation, Cube, Dimension, Join, SemanticModel
from aiser_app.domain.semantic_query import DimensionRef
from aiser_app.planner.describing import Describer, entity_plural
from aiser_app.planner.judging import judge
from aiser_app.planner.lexicon import Lexicon, lexicon_for
from aiser_app.planner.measuring import default_aggregation, name_words
from aiser_app.planner.reading import Reading
from aiser_app.planner.resolving import is_number
from aiser_app.planner.thesaurus import BAD_WHEN_HIGH
from aiser_app.planner.words import MASS_NOUNS, plural, word_set

_TRIED_ON = date(2000, 1, 1)
"""Suggestions contain no relative dates, so that any day will do for trying them."""
_MOST_TRIED = 60
_NO_FIGURES = word_set("year month day hour minute week quarter latitude longitude zone")


def suggest_questions(model: SemanticModel, limit: int = 6) -> list[str]:
    """Up to `limit` different kinds of questions, each of which the planner answers."""
    return list(example_questions(lexicon_for(model), (), limit))


def example_questions(lexicon: Lexicon, cubes: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Examples about the given cubes first, then about those that hold most of the data."""
    model = lexicon.model
    telling = [c for c in model.cubes if c.name in cubes or c.joins or c.default_time_dimension]
    ordered = sorted(
        telling or model.cubes,
        key=lambda c: (c.name not in cubes, not c.joins, -c.row_count, c.name),
    )
    found: list[str] = []
    for text in islice(_rounds([_templates(c, lexicon) for c in ordered[:4]]), _MOST_TRIED):
        if len(found) >= limit:
            break
        if text not in found and answers(text, lexicon):
            found.append(text)
    return tuple(found)


def answers(text: str, lexicon: Lexicon) -> bool:
    return isinstance(judge(text, lexicon, _TRIED_ON, offer=False), Reading)


def _rounds(sources: list[Iterator[str]]) -> Iterator[str]:
    """Three from the first source, then one from each of the others, and so on."""
    while sources:
        for position, source in enumerate(list(sources)):
            taken = list(islice(source, 3 if position == 0 else 1))
            if not taken:
                sources.remove(source)
            yield from taken


def _templates(cube: Cube, lexicon: Lexicon) -> Iterator[str]:
    things = entity_plural(cube)
    numbers = [d for d in cube.dimensions if is_number(d) and _is_figure(d)]
    numbers.sort(key=lambda d: not d.unit)
    groups = group_names(cube, lexicon)
    time = bool(cube.default_time_dimension)
    countable = things.rpartition(" ")[2] not in MASS_NOUNS
    if countable and time:
        yield f"How many {things} by month?"
    if numbers and groups:
        yield f"Which {groups[0]} has the {_worst(numbers[0])} {_phrase(numbers[0])}?"
    if countable and len(groups) > 1:
        yield f"Top 5 {plural(groups[1])} by number of {things}"
    yield from _more_templates(things if countable else "", groups, numbers, time)


def _more_templates(
    things: str, groups: list[str], numbers: list[Dimension], time: bool
) -> Iterator[str]:
    for number in numbers[:3]:
        if time:
            yield f"{_phrase(number).capitalize()} by month"
        for group in groups[:3]:
            yield f"{_phrase(number).capitalize()} by {group}"
    for group in groups[:3] if things else ():
        yield f"Number of {things} by {group}"
    if things:
        yield f"How many {things}?"
    for number in numbers:
        yield f"What is the {_phrase(number)}?"


def _is_figure(dimension: Dimension) -> bool:
    """Something one would chart: not a part of a date, not a place on the map."""
    words = name_words(dimension.name, dimension.title)
    if "time" in words and not dimension.unit:
        return False
    return default_aggregation(dimension) is not None and not words & _NO_FIGURES


def _worst(number: Dimension) -> str:
    is_bad = bool(name_words(number.name, number.title) & BAD_WHEN_HIGH)
    averaged = default_aggregation(number) is Aggregation.AVG
    return "worst" if is_bad and averaged else "highest"


def _phrase(number: Dimension) -> str:
    word = "total" if default_aggregation(number) is Aggregation.SUM else "average"
    return f"{word} {number.title.lower()}"


def group_names(cube: Cube, lexicon: Lexicon) -> list[str]:
    """Names of what the rows can be grouped by: keys with labels first, then short lists."""
    named = {
        join.columns[0][0]
        for join in cube.joins
        if len(join.columns) == 1 and _has_label(lexicon.model, join.target)
    }
    describer = Describer(lexicon.model, lexicon.paths)
    keys = [
        describer.dimension_title(ref, cube.name)
        for join in cube.joins
        if len(join.columns) == 1 and join.columns[0][0] in named
        for ref in _label_refs(lexicon.model, join)
    ]
    lists = [
        d.title.lower()
        for d in cube.dimensions
        if d.column not in named
        and not (d.is_key or d.is_label or d.column in cube.primary_key)
        and 1 < len(d.values) <= 50
    ]
    return keys + lists


def _label_refs(model: SemanticModel, join: Join) -> list[DimensionRef]:
    target = model.find_cube(join.target)
    labels = [d.name for d in target.dimensions if d.is_label] if target else []
    return [DimensionRef(member=f"{join.target}.{name}", role=join.role) for name in labels[:1]]


def _has_label(model: SemanticModel, name: str) -> bool:
    cube = model.find_cube(name)
    return cube is not None and any(d.is_label for d in cube.dimensions)
