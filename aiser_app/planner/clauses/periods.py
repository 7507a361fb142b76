"""Figures over time: growth between periods, comparison of periods, step to step, running totals."""

from __future__ import annotations

from collections.abc import Sequence

from aiser_app.domain.semantic_query import (
    Arithmetic,
    DimensionRef,
    Expression,
    Filter,
    Granularity,
    Operator,
    Windowed,
    WindowKind,
)
from aiser_app.planner.clauses.completing import Completing
from aiser_app.planner.clauses.figuring import with_conditions
from aiser_app.planner.clauses.forms import (
    Walks,
    dated,
    positions,
    read_through,
    set_figures,
    without_cues,
)
from aiser_app.planner.clauses.sketch import Figure, Group, Moment, bare
from aiser_app.planner.dates import DateSpan, read_dates
from aiser_app.planner.join_paths import Path
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import tokenize

_STEPS = {
    "month": Granularity.MONTH, "mom": Granularity.MONTH, "year": Granularity.YEAR, "yoy": Granularity.YEAR,
    "week": Granularity.WEEK, "wow": Granularity.WEEK, "quarter": Granularity.QUARTER,
    "qoq": Granularity.QUARTER, "day": Granularity.DAY,
}  # fmt: skip
_WINDOWS = {"running": "running total", "moving": "moving average", "rank": "rank"}
_PERCENT = ("percent", "%", "pct", "rate", "growth", "grow", "grew", "grown")


def growth(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """Change from one period to another, or from step to step."""
    places = positions(segments, "growth", "previous")
    if not places:
        return None
    cues = [segments[n] for n in places]
    rest = without_cues(
        segments, "growth", "previous", "percent", "share", "rate", "difference", "compare", "more"
    )
    full = read_through(walks, rest)
    if full is None or not full.sketch.figures:
        return None
    words = " ".join(s.text.lower() for s in segments if s.kind is Kind.CUE)
    in_percent = any(w in words for w in _PERCENT)
    _split_range(full)
    spans = full.sketch.spans
    if len(spans) == 2:
        return _between(full, in_percent)
    grain = full.sketch.grain or next(
        (g for c in cues for w, g in _STEPS.items() if w in c.text.lower().split()), None
    )
    if grain is None:
        return None
    full.sketch.grain = grain
    kind = (
        WindowKind.GROWTH
        if in_percent or any(c.word == "previous" for c in cues)
        else WindowKind.CHANGE
    )
    figure = full.sketch.figures[0]
    window = Windowed(window=kind, of=figure.expression)
    title = f"{'growth' if kind is WindowKind.GROWTH else 'change'} of {bare(figure.title)}"
    new = Figure(window, title, is_percentage=kind is WindowKind.GROWTH, cube=full.root.name)
    return set_figures(full, [new])


def _split_range(full: Completing) -> None:
    """As in "From 2024 to 2025" names two periods when something grew between them."""
    if len(full.sketch.spans) != 1 or full.sketch.grain is not None:
        return
    span, moment = full.sketch.spans[0]
    words = span.text.split()
    if words[0].lower() not in ("from", "between"):
        return
    middle = next((n for n, w in enumerate(words) if w.lower() in ("to", "and", "until")), 0)
    ends = [" ".join(words[1:middle]), " ".join(words[middle + 1 :])]
    points = [
        next(iter(read_dates(tokenize(text), 0, full.options.today)), None) for text in ends if text
    ]
    if len(points) == 2 and points[0] is not None and points[1] is not None:
        full.sketch.spans = [(points[0][1], moment), (points[1][1], moment)]


def _filter_of(full: Completing, at: int) -> Filter | None:
    span, moment = full.sketch.spans[at]
    where: Moment | None = moment or full.sketch.moment or full.default_moment()
    if where is None or span.start is None or span.end is None:
        return None
    return dated(where.member, where.role, span.start.isoformat(), span.end.isoformat())


def _starts(span: DateSpan) -> str:
    return span.start.isoformat() if span.start is not None else ""


def _between(full: Completing, in_percent: bool) -> Completing | None:
    """The later period against the earlier one, whichever is named first."""
    _same_year(full)
    full.sketch.spans.sort(key=lambda hit: _starts(hit[0]))
    earlier, later = _filter_of(full, 0), _filter_of(full, 1)
    if earlier is None or later is None:
        return None
    figure = full.sketch.figures[0]
    before = with_conditions(figure, (earlier,)).expression
    after = with_conditions(figure, (later,)).expression
    change: Expression = Arithmetic(operator=Operator.SUBTRACT, left=after, right=before)
    if in_percent:
        change = Arithmetic(operator=Operator.DIVIDE, left=change, right=before)
    full.sketch.spans = []
    title = f"{'growth' if in_percent else 'change'} of {bare(figure.title)}"
    new = Figure(change, title, is_percentage=in_percent, cube=full.root.name)
    return set_figures(full, [new])


def _same_year(full: Completing) -> None:
    """As in "January and March 2025": the year belongs to both."""
    years = [s.end.year for s, _ in full.sketch.spans if s.end is not None]
    if len(years) == 1:
        full.sketch.spans = [
            (s.in_year(years[0]) if s.needs_year else s, m) for s, m in full.sketch.spans
        ]


def compare(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """Two periods side by side, or two values as groups."""
    if not positions(segments, "compare"):
        return None
    full = read_through(walks, without_cues(segments, "compare"))
    if full is None or not full.sketch.figures:
        return None
    if len(full.sketch.spans) == 2:
        return _side_by_side(full)
    return _values_as_groups(full)


def _side_by_side(full: Completing) -> Completing | None:
    _same_year(full)
    filters = [_filter_of(full, 0), _filter_of(full, 1)]
    step = _common_step([s for s, _ in full.sketch.spans])
    if step is not None and full.sketch.grain is None:
        full.sketch.grain = step
        return full
    figure = full.sketch.figures[0]
    if any(f is None for f in filters):
        return None
    new = [
        Figure(
            with_conditions(figure, (item,)).expression, f"{figure.title} {item.values[0]} to {item.values[1]}",
            unit=figure.unit, cube=full.root.name,
        )
        for item in filters
        if item is not None
    ]  # fmt: skip
    full.sketch.spans = []
    return set_figures(full, new)


def _common_step(spans: Sequence[DateSpan]) -> Granularity | None:
    """Both periods are whole years, quarters or months."""
    lengths = {
        (s.end - s.start).days + 1 for s in spans if s.start is not None and s.end is not None
    }
    if len(lengths) == 0 or any(s.start is None or s.start.day != 1 for s in spans):
        return None
    if lengths <= {365, 366}:
        return Granularity.YEAR
    if lengths <= {90, 91, 92}:
        return Granularity.QUARTER
    return Granularity.MONTH if lengths <= {28, 29, 30, 31} else None


def _values_as_groups(full: Completing) -> Completing | None:
    """As in "Germany vs France": rows for both."""
    several = [c for c in full.sketch.conditions if isinstance(c, Filter) and len(c.values) == 2]
    if len(several) != 1:
        return full if len(full.sketch.figures) > 1 else None
    ref = DimensionRef(member=several[0].member, role=several[0].role)
    full.sketch.groups.append(Group((ref,), ref.member.partition(".")[2], Path(full.root.name)))
    return full


def window(walks: Walks, segments: Sequence[Segment]) -> Completing | None:
    """Running totals, moving averages and ranks."""
    places = positions(segments, "running", "moving", "rank")
    if not places:
        return None
    word = segments[places[0]].word
    full = read_through(walks, without_cues(segments, "running", "moving", "rank"))
    if full is None or not full.sketch.figures:
        return None
    figure = full.sketch.figures[0]
    if word != "rank" and full.sketch.grain is None:
        full.sketch.grain = Granularity.MONTH
        full.sketch.assume("Steps are months.")
    kind = {
        "running": WindowKind.RUNNING_TOTAL, "moving": WindowKind.MOVING_AVERAGE, "rank": WindowKind.RANK,
    }[word]  # fmt: skip
    offset = int(full.state.number.number or 3) if full.state.number is not None else 3
    wrapped = Windowed(window=kind, of=figure.expression, offset=offset if word == "moving" else 1)
    title = f"{_WINDOWS[word]} of {bare(figure.title)}"
    if full.sketch.subject is not None and not full.sketch.groups and full.sketch.grain is None:
        full.sketch.groups.append(full.sketch.subject)
    full.sketch.costs.pop(
        f"“{full.state.number.text}” was not used", None
    ) if full.state.number else None
    shown = Figure(wrapped, title, unit="" if word == "rank" else figure.unit, cube=full.root.name)
    return set_figures(full, [figure, shown] if word == "rank" else [shown])
