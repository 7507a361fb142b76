"""What to ask next: changes of the query just answered, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from aiser_app.domain.semantic_model import Aggregation, Cube, SemanticModel
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.planner.describing import Describer
from aiser_app.planner.lexicon import Lexicon, lexicon_for
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading
from aiser_app.planner.suggestions import example_questions, group_names

_MOST = 5
_ENOUGH = 4


def follow_ups(
    reading: Reading, model: SemanticModel, *, today: date, leader: str = ""
) -> tuple[str, ...]:
    """Three to five questions; `leader` is the name in the first row of a ranking."""
    lexicon = lexicon_for(model)
    found: list[str] = []
    for text in _candidates(reading, lexicon, leader, found):
        if len(found) == _MOST:
            break
        read = plan(text, model, today=today, previous=reading.query)
        if isinstance(read, Reading) and read.query != reading.query and text not in found:
            found.append(text)
    return tuple(found)


def _candidates(reading: Reading, lexicon: Lexicon, leader: str, found: list[str]) -> Iterator[str]:
    """Changes first; whole other questions only where those are too few."""
    yield from _changes(reading, lexicon, leader)
    if len(found) < _ENOUGH:
        yield from _other_questions(reading, lexicon)


def _changes(reading: Reading, lexicon: Lexicon, leader: str) -> Iterator[str]:
    query = reading.query
    describer = Describer(lexicon.model, lexicon.paths)
    root = lexicon.model.find_cube(describer.root_of(query))
    if root is None:
        return
    if leader and _is_value(query.dimensions, leader, lexicon.model):
        yield f"Only {leader}"
    if query.measures and not any(t.granularity for t in query.time_dimensions):
        yield "By month"
    yield from _other_groups(query, root, describer, lexicon)
    yield from _other_fold(query, lexicon.model)
    if reading.shape == "ranking" and query.limit is None:
        yield "Top 5"
    if reading.shape == "ranking":
        down = bool(query.order) and query.order[0].descending
        yield "Lowest first" if down else "Highest first"
    if any(t.granularity for t in query.time_dimensions):
        yield "By quarter"
        yield "By week"


def _other_groups(
    query: SemanticQuery, root: Cube, describer: Describer, lexicon: Lexicon
) -> Iterator[str]:
    used = set(describer.group_phrases(query))
    for name in [n for n in group_names(root, lexicon) if n not in used][:2]:
        yield f"By {name}"


def _other_fold(query: SemanticQuery, model: SemanticModel) -> Iterator[str]:
    measure = model.find_measure(query.measures[0]) if query.measures else None
    if measure is not None and measure.aggregation is Aggregation.AVG:
        yield "Median instead"
    elif measure is not None and measure.aggregation is Aggregation.SUM:
        yield "Average instead"
    elif measure is not None and measure.column:
        yield "Maximum instead"


def _other_questions(reading: Reading, lexicon: Lexicon) -> tuple[str, ...]:
    cube = reading.query.measures[0].partition(".")[0] if reading.query.measures else ""
    key = (cube,) if cube else ()
    if key not in lexicon.examples:
        lexicon.examples[key] = example_questions(lexicon, key, _MOST)
    return lexicon.examples[key]


def _is_value(refs: tuple[DimensionRef, ...], leader: str, model: SemanticModel) -> bool:
    column = model.find_dimension(refs[0].member) if refs else None
    return column is not None and leader in column.values
