"""Figures made of figures: shares, rates, ratios, differences, growth. Each takes its cue out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import (
    Arithmetic,
    Condition,
    Constant,
    Expression,
    Filter,
    FilterOperator,
    MeasureTerm,
    Operator,
    RowAggregate,
    WindowKind,
    Windowed,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.concepts import CONCEPT_WORDS, NAMED_RATIOS, concept_columns
from aiser_app.planner.clauses.cues import NEUTRAL
from aiser_app.planner.clauses.figuring import column_figure, rows_of, with_conditions
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import name_words
from aiser_app.planner.resolving import Option, is_number
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import stem, word_set

Walks = Callable[[Sequence[Segment]], Completing]
"""Makes a fresh walk over some segments under the root of this attempt."""

_PREDICATES = word_set("""was were is are had have has did do does came come comes go goes went been be
    made make makes happened took take takes""")
_CONTENT = (
    Kind.LINK,
    Kind.WEEKDAY,
    Kind.COMPARE,
    Kind.CUE,
    Kind.EXTREME,
    Kind.LITERAL,
    Kind.MATCH,
    Kind.DATE,
    Kind.UNKNOWN,
)


def positions(segments: Sequence[Segment], *cues: str) -> list[int]:
    return [n for n, s in enumerate(segments) if s.kind is Kind.CUE and s.word in cues]


def without_cues(segments: Sequence[Segment], *cues: str) -> list[Segment]:
    return [s for s in segments if not (s.kind is Kind.CUE and s.word in cues)]


def read_through(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """A completed walk, unless it fails."""
    walk = walks(segments)
    walk.run()
    walk.sketch.lists = walk.sketch.asks_which and walk.sketch.extreme is not None
    subject = walk.sketch.subject
    if (
        not walk.sketch.figures
        and walk.sketch.extreme is None
        and (subject is None or subject.is_rows)
    ):
        if not walk.sketch.asks_how_much:
            walk.sketch.counts = True
    if not walk.sketch.failure:
        walk.complete()
    return None if walk.sketch.failure else walk


def set_figures(walk: Completing, figures: list[Figure]) -> Completing:
    walk.sketch.figures = figures
    return walk


def share(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """The part of a whole that fulfils a condition, or that each group has."""
    places = positions(segments, "share")
    if not places:
        return None
    at = places[0]
    is_percentage = _is_percentage(segments)
    rest = [*segments[:at], *segments[at + 1 :]]
    rest = without_cues(rest, "share", "percent")
    base, predicate = _split_at_predicate(without_cues(segments[at + 1 :], "share", "percent"))
    full = read_through(walks, rest)
    if full is None or not full.sketch.figures:
        return None
    figure = full.sketch.figures[0]
    only = _conditions_of_part(walks, full, base, predicate)
    if not only:
        return _share_of_groups(full, figure, is_percentage)
    whole = [c for c in full.sketch.conditions if c not in only]
    part = with_conditions(figure, tuple(only))
    expression = Arithmetic(operator=Operator.DIVIDE, left=part.expression, right=figure.expression)
    full.sketch.conditions = whole
    title = f"share of {figure.title}"
    return set_figures(
        full, [Figure(expression, title, is_percentage=is_percentage, cube=full.root.name)]
    )


def _is_percentage(segments: Sequence[Segment]) -> bool:
    words = " ".join(s.text.lower() for s in segments if s.kind is Kind.CUE)
    return any(w in words for w in ("percent", "%", "pct", "rate"))


def _split_at_predicate(segments: Sequence[Segment]) -> tuple[list[Segment], list[Segment]]:
    """ "Orders | used at least one coupon": what the whole is, and what its part does."""
    seen = False
    for n, segment in enumerate(segments):
        seen = seen or segment.kind is Kind.LINK
        is_verb = segment.kind is Kind.FUNCTION and (
            segment.word in _PREDICATES or segment.word in NEUTRAL
        )
        is_relative = segment.kind is Kind.CUE and segment.word in (
            "relative",
            "without",
            "never",
            "any",
            "null",
        )
        if seen and (is_verb or is_relative):
            behind = list(segments[n:])
            if any(s.kind in _CONTENT for s in behind):
                return list(segments[:n]), behind
    return list(segments), []


def _conditions_of_part(
    walks: Walks, full: Completing, base: list[Segment], predicate: list[Segment]
) -> list[Condition]:
    """Conditions that only the part fulfils; without a predicate all but dates belong to it."""
    conditions = full.sketch.conditions
    if not predicate:
        return list(conditions)
    whole = read_through(walks, base)
    known = whole.sketch.conditions if whole is not None else []
    return [c for c in conditions if c not in known]


def _share_of_groups(full: Completing, figure: Figure, is_percentage: bool) -> Completing | None:
    if not full.sketch.groups and full.sketch.grain is None:
        return None
    expression = Windowed(window=WindowKind.SHARE, of=figure.expression)
    title = f"share of {figure.title}"
    new = Figure(expression, title, is_percentage=is_percentage, cube=full.root.name)
    return set_figures(full, [new])


def rate(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """ "Bounce rate", "cancellation rate": rows with the state, of all rows."""
    places = [n for n in positions(segments, "rate") if n > 0]
    if not places:
        return None
    at = places[0]
    named = segments[at - 1]
    if named.kind is not Kind.LINK:
        return None
    rest = without_cues([*segments[: at - 1], *segments[at + 1 :]], "percent", "rate")
    part = walks([named])
    part.run()
    conditions = tuple(part.sketch.conditions)
    if not conditions or part.sketch.failure:
        return None
    full = walks(rest)
    full.run()
    if full.sketch.failure:
        return None
    rows = rows_of(full.root)
    if not full.sketch.figures:
        full.sketch.figures.append(rows)
    full.complete()
    if full.sketch.failure:
        return None
    left = with_conditions(rows, conditions).expression
    expression = Arithmetic(operator=Operator.DIVIDE, left=left, right=rows.expression)
    full.sketch.bound = [*part.sketch.bound, *full.sketch.bound]
    new = Figure(expression, f"{named.text.lower()} rate", is_percentage=True, cube=full.root.name)
    return set_ranked(full, rows, new)


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
    if over is None or under is None or full.sketch.failure:
        return None
    rows = rows_of(full.root)
    full.sketch.figures = [rows]
    full.complete()
    if full.sketch.failure:
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


def set_ranked(full: Completing, old: Figure, new: Figure) -> Completing:
    """Replaces a stand-in figure, also where it ranks."""
    full.sketch.figures = [new]
    if full.sketch.extreme is not None:
        full.sketch.extreme_figure = new
    full.sketch.having = [
        replace(h, figure=new) if h.figure.expression == old.expression else h
        for h in full.sketch.having
    ]
    return full


def ratio(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """ "A divided by B", "ratio of A to B", "A per B" where B is a figure."""
    split = _operands(segments) or _per(walks, segments)
    if split is None:
        return None
    left, right, rest = split
    top, bottom = _operand(walks, left), _operand(walks, right)
    if top is None or bottom is None:
        return None
    if top.sketch.figures[0].aggregation is Aggregation.AVG and not positions(
        segments, "over", "ratio"
    ):
        return None
    full = walks([*rest])
    full.run()
    if full.sketch.failure:
        return None
    full.sketch.figures = [rows_of(full.root)]
    full.complete()
    if full.sketch.failure:
        return None
    return _divide(full, top, bottom, _is_percentage(segments))


def _divide(
    full: Completing, top: Completing, bottom: Completing, is_percentage: bool
) -> Completing:
    a, b = top.sketch.figures[0], bottom.sketch.figures[0]
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


def _operands(
    segments: Sequence[Segment],
) -> tuple[list[Segment], list[Segment], list[Segment]] | None:
    over = positions(segments, "over")
    if over:
        at = over[0]
        start = _phrase_start(segments, at)
        end = _phrase_end(segments, at + 1)
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
    end = _phrase_end(segments, middle + 1)
    left = list(segments[named[0] + 1 : middle])
    return left, list(segments[middle + 1 : end]), [*segments[: named[0]], *segments[end:]]


def _phrase_start(segments: Sequence[Segment], at: int) -> int:
    start = at
    while start > 0 and segments[start - 1].kind in (Kind.LINK, Kind.AGGREGATE, Kind.DISTINCT):
        start -= 1
    return start


def _phrase_end(segments: Sequence[Segment], at: int) -> int:
    end = at
    while end < len(segments) and segments[end].kind not in (
        Kind.GROUP,
        Kind.DATE,
        Kind.GRAIN,
        Kind.CUE,
    ):
        end += 1
    return end


def _per(
    walks: Walks, segments: Sequence[Segment]
) -> tuple[list[Segment], list[Segment], list[Segment]] | None:
    """ "Cost per click" divides; "cost per channel" groups. A second group tells them apart too."""
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
        start = _phrase_start(segments, at)
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


def _operand(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    walk = walks(segments)
    walk.run()
    if walk.sketch.failure:
        return None
    subject = walk.sketch.subject
    if not walk.sketch.figures and subject is not None and not subject.is_rows:
        cube = walk.options.model.find_cube(subject.cube)
        if cube is not None:
            walk.sketch.figures.append(rows_of(cube))
            return walk
    walk.sketch.lists = False
    walk.complete()
    return walk if walk.sketch.figures and not walk.sketch.failure else None


def difference(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """ "Difference between A and B", "A minus B", "how many more … did A … than B"."""
    more = positions(segments, "more")
    if more:
        return _more_than(walks, segments, more[0])
    places = positions(segments, "difference", "minus")
    if not places:
        return None
    at = places[0]
    if segments[at].word == "minus":
        start, end = _phrase_start(segments, at), _phrase_end(segments, at + 1)
        left, right = segments[start:at], segments[at + 1 : end]
        rest = [*segments[:start], *segments[end:]]
    else:
        middle = next(
            (n for n in range(at + 2, len(segments)) if segments[n].kind is Kind.AND), None
        )
        if middle is None:
            return None
        end = _phrase_end(segments, middle + 1)
        left, right = segments[at + 1 : middle], segments[middle + 1 : end]
        rest = [*segments[:at], *segments[end:]]
    return _subtract(walks, left, right, rest)


def _subtract(
    walks: Walks, left: Sequence[Segment], right: Sequence[Segment], rest: Sequence[Segment]
) -> Completing | None:
    first, second = _operand(walks, left), _operand(walks, right)
    full = walks(rest)
    full.run()
    if first is None or second is None or full.sketch.failure:
        return None
    has_own = not full.sketch.figures
    a, b = first.sketch.figures[0], second.sketch.figures[0]
    if not has_own:
        a = b = full.sketch.figures[0]
    elif first.sketch.conditions and second.sketch.conditions and b.aggregation != a.aggregation:
        b = a
    full.sketch.figures = full.sketch.figures or [rows_of(full.root)]
    full.complete()
    if full.sketch.failure:
        return None
    if second.sketch.conditions and not first.sketch.conditions and a.expression != b.expression:
        full.sketch.conditions.extend(second.sketch.conditions)
        second.sketch.conditions = []
    left_side = with_conditions(a, tuple(first.sketch.conditions)).expression
    right_side = with_conditions(b, tuple(second.sketch.conditions)).expression
    if left_side == right_side:
        return None
    minus = Arithmetic(operator=Operator.SUBTRACT, left=left_side, right=right_side)
    for walk in (first, second):
        full.sketch.bound.extend(walk.sketch.bound)
        for reason, amount in walk.sketch.costs.items():
            if reason != "what to show is not said":
                full.sketch.cost(reason, amount)
    return set_figures(
        full, [Figure(minus, f"{a.title} minus {b.title}", unit=a.unit, cube=full.root.name)]
    )


def _more_than(walks: Walks, segments: Sequence[Segment], at: int) -> Completing | None:
    than = next((n for n, s in enumerate(segments) if s.text.lower() == "than" and n > at), None)
    if than is None:
        return None
    end = than + 1
    while end < len(segments) and segments[end].kind in (Kind.LINK, Kind.DATE, Kind.FUNCTION):
        end += 1
    right = walks(segments[than + 1 : end])
    right.run()
    full = read_through(walks, [*segments[:at], *segments[at + 1 : than], *segments[end:]])
    if full is None or not full.sketch.figures or right.sketch.failure:
        return None
    figure = full.sketch.figures[0]
    theirs = tuple(right.sketch.conditions)
    members = {c.member for c in theirs if isinstance(c, Filter)}
    ours = tuple(c for c in full.sketch.conditions if isinstance(c, Filter) and c.member in members)
    if not theirs or not ours:
        return None
    ours = tuple(_without_values(c, theirs) for c in ours)
    full.sketch.conditions = [
        c for c in full.sketch.conditions if not (isinstance(c, Filter) and c.member in members)
    ]
    sign = -1 if any(w in segments[at].text.lower() for w in ("fewer", "less", "lower")) else 1
    first, second = (ours, theirs) if sign == 1 else (theirs, ours)
    minus = Arithmetic(
        operator=Operator.SUBTRACT, left=with_conditions(figure, first).expression,
        right=with_conditions(figure, second).expression,
    )  # fmt: skip
    full.sketch.bound.extend(right.sketch.bound)
    return set_figures(full, [Figure(minus, f"difference in {figure.title}", cube=full.root.name)])


def _without_values(ours: Filter, theirs: tuple[Condition, ...]) -> Filter:
    taken = {
        v for c in theirs if isinstance(c, Filter) and c.member == ours.member for v in c.values
    }
    kept = tuple(v for v in ours.values if v not in taken)
    return replace(ours, values=kept or ours.values)


def is_plain(expression: Expression) -> bool:
    return isinstance(expression, MeasureTerm | RowAggregate | Constant)


def dated(member: str, role: str, first: str, last: str) -> Filter:
    return Filter(
        member=member, role=role, operator=FilterOperator.IN_DATE_RANGE, values=(first, last)
    )
