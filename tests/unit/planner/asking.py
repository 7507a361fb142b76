"""Asks the planner and writes queries in one line, so that expectations can be read."""

from __future__ import annotations

from datetime import date

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.planner.plan import plan
from aiser_app.planner.reading import Reading, Unreadable

TODAY = date(2025, 11, 22)


def read(model: SemanticModel, question: str, previous: SemanticQuery | None = None) -> Reading:
    found = plan(question, model, today=TODAY, previous=previous)
    assert isinstance(found, Reading), (question, found.clarification)
    return found


def refused(
    model: SemanticModel, question: str, previous: SemanticQuery | None = None
) -> Unreadable:
    found = plan(question, model, today=TODAY, previous=previous)
    assert isinstance(found, Unreadable), (question, brief(found.query))
    return found


def brief(query: SemanticQuery) -> str:
    """As in `count by month, name@origin where origin = JFK order -count limit 5`."""
    text = "+".join(_short(m) for m in query.measures) or "-"
    groups = [
        f"{_short(t.dimension)}:{t.granularity}" for t in query.time_dimensions if t.granularity
    ]
    groups += [_short(d.member) + (f"@{d.role}" if d.role else "") for d in query.dimensions]
    text += f" by {', '.join(groups)}" if groups else ""
    for f in query.filters:
        role = f"@{f.role}" if f.role else ""
        text += f" where {_short(f.member)}{role} {f.operator} {'|'.join(f.values)}"
    for t in query.time_dimensions:
        if t.date_range:
            text += f" in {t.date_range[0]}..{t.date_range[1]}"
    for o in query.order:
        text += f" order {'-' if o.descending else '+'}{_short(o.member)}"
    return text + (f" limit {query.limit}" if query.limit is not None else "")


def _short(member: str) -> str:
    return member.partition(".")[2]


def ask(model: SemanticModel, question: str, previous: SemanticQuery | None = None) -> str:
    return brief(read(model, question, previous).query)
