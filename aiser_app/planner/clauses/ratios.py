"""Ratios: of two figures, per something that is a figure itself, or with a name of their own."""

from __future__ import annotations

from collections.abc import Sequence

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import (
    Arithmetic,
    Constant,
    Expression,
    Operator,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.figuring import column_figure, rows_of, with_conditions
from aiser_app.planner.clauses.forms import (
    Walks,
    failed,
    is_percentage,
    operand,
    phrase_end,
    phrase_start,
    positions,
    set_ranked,
    without_cues,
)
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.concepts import CONCEPT_WORDS, NAMED_RATIOS, concept_columns
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option, is_number
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import stem


def named_ratio(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """Ratios with a name of their own: click-through rate, cost per click."""
    places = positions(segments, "named_ratio")
    if not places:
        return None
    top, bottom, factor = NAMED_RATIOS[tuple(segments[places[0]].concept.split())]
    rest = without_cues(segments, "named_ratio", "percent", "rate")
    full = walks(rest)
    full.run()
    over, under = _column_called(full, top), _column_called(full, bottom)
    if over is None or under is None or failed(full):
        return None
    rows = rows_of(full.root)
    full.sketch.figures = [rows]
    full.complete()
    if failed(full):
        return None
    expression: Expression = Arithmetic(
        operator=Operator.DIVIDE, left=over.expression, right=under.expression
    )
    if factor not in (1, 100):
        constant = Constant(constant=str(int(factor)))
        expression = Arithmetic(operator=Operator.MULTIPLY, left=constant, right=expression)
    new = Figure(
        expression,
        segments[places[0]].text.lower(),
        is_percentage=factor == 100,
        cube=full.root.name,
    )
    full.sketch.note(segments[places[0]].text, f"{over.title} / {under.title}", "name", 0.93)
    return set_ranked(full, rows, new)


def _column_called(walk: Completing, word: str) -> Figure | None:
    """The total of the root's column with this word in its name, or with this meaning."""
    concept = CONCEPT_WORDS.get(word, "")
    found = [d for d, _ in concept_columns(walk.root, concept)] if concept else []
    if not found:
        found = [
            d
            for d in walk.root.dimensions
            if is_number(d) and stem(word) in name_words(d.name, d.title)
        ]
    if not found:
        return None
    target = Target("dimension", walk.root.name, found[0].name)
    option = Option(target, Path(walk.root.name), 1.0, dimension=found[0])
    return column_figure(walk.root, option, Aggregation.SUM)


def ratio(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """As in "A divided by B", "ratio of A to B", "A per B" where B is a figure."""
    split = _operands(segments) or _per(walks, segments)
    if split is None:
        return None
    left, right, rest = split
    top, bottom = operand(walks, left), operand(walks, right)
    if top is None or bottom is None:
        return None
    if top.sketch.figures[0].aggregation is Aggregation.AVG and not positions(
        segments, "over", "ratio"
    ):
        return None
    full = walks([*rest])
    full.run()
    if failed(full):
        return None
    full.sketch.figures = [rows_of(full.root)]
    full.complete()
    if failed(full):
        return None
    return _divide(full, top, bottom, is_percentage(segments))


def _divide(
    full: Completing, top: Completing, bottom: Completing, is_percentage: bool
) -> Completing:
    a, b = _added_up(top), _added_up(bottom)
    left = with_conditions(a, tuple(top.sketch.conditions)).expression
    right = with_conditions(b, tuple(bottom.sketch.conditions)).expression
    expression = Arithmetic(operator=Operator.DIVIDE, left=left, right=right)
    for walk in (top, bottom):
        full.sketch.bound.extend(walk.sketch.bound)
        for reason, amount in walk.sketch.costs.items():
            full.sketch.cost(reason, amount)
    rows = full.sketch.figures[0]
    title = f"{a.title} per {b.title.removeprefix('number of ').removeprefix('total ')}"
    return set_ranked(
        full, rows, Figure(expression, title, is_percentage=is_percentage, cube=full.root.name)
    )


def _added_up(walk: Completing) -> Figure:
    """A side of a ratio is a total, unless the question folds it otherwise."""
    figure = walk.sketch.figures[0]
    if figure.fold_said or figure.column is None or not figure.measure:
        return figure
    target = Target("dimension", walk.root.name, figure.column.name)
    option = Option(target, Path(walk.root.name), 1.0, dimension=figure.column)
    return column_figure(walk.root, option, Aggregation.SUM)


def _operands(
    segments: Sequence[Segment],
) -> tuple[list[Segment], list[Segment], list[Segment]] | None:
    over = positions(segments, "over")
    if over:
        at = over[0]
        start = phrase_start(segments, at)
        end = phrase_end(segments, at + 1)
        rest = [*segments[:start], *segments[end:]]
        return (
            list(segments[start:at]),
            list(segments[at + 1 : end]),
            without_cues(rest, "ratio", "percent", "rate"),
        )
    named = positions(segments, "ratio")
    if not named:
        return None
    middle = next(
        (
            n
            for n in range(named[0] + 2, len(segments))
            if segments[n].text.lower() in ("to", "and", "over")
        ),
        None,
    )
    if middle is None:
        return None
    end = phrase_end(segments, middle + 1)
    left = list(segments[named[0] + 1 : middle])
    return left, list(segments[middle + 1 : end]), [*segments[: named[0]], *segments[end:]]


def _per(
    walks: Walks, segments: Sequence[Segment]
) -> tuple[list[Segment], list[Segment], list[Segment]] | None:
    """As in "Cost per click" divides; "cost per channel" groups. A second group tells them apart too."""
    for at, segment in enumerate(segments):
        if (
            segment.kind is not Kind.GROUP
            or segment.text.lower() != "per"
            or at + 1 >= len(segments)
        ):
            continue
        follower = segments[at + 1]
        if follower.kind is not Kind.LINK or at == 0:
            continue
        if not (_is_figure(walks, follower) or _grouped_behind(segments, at + 2)):
            continue
        start = phrase_start(segments, at)
        if start == at:
            continue
        return list(segments[start:at]), [follower], [*segments[:start], *segments[at + 2 :]]
    return None


def _grouped_behind(segments: Sequence[Segment], at: int) -> bool:
    """Another "by" right behind: "downtime hours per work order by plant"."""
    return at < len(segments) and segments[at].kind is Kind.GROUP


def _is_figure(walks: Walks, segment: Segment) -> bool:
    walk = walks([segment])
    choices = walk.options.of(segment)
    number, other = choices.best("numbers"), choices.best("entities", "groups", "times", "texts")
    return number is not None and (other is None or number[1].score > other[1].score + 0.15)
