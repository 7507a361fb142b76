"""The steps that follow with certainty: how the question was read, joined, checked and answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiser_app.domain.answer import Chip, ReasoningStep
from aiser_app.domain.result import Result
from aiser_app.domain.semantic_model import Join, SemanticModel
from aiser_app.domain.semantic_query import Existence, Filter, SemanticQuery

KIND = "deductive"


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedJoin:
    """An edge of the model that the query walked."""

    owner: str
    join: Join


def reading_step(
    chips: Sequence[Chip], bound: Sequence[Mapping[str, Any]], model: SemanticModel
) -> ReasoningStep | None:
    """How the words of the question became a query; None when nothing was linked."""
    if not bound and not chips:
        return None
    links = [f"“{b['text']}” is {b['member']} ({b['how']})" for b in bound]
    scores = [float(b.get("score", 1.0)) for b in bound]
    return ReasoningStep(
        kind=KIND,
        claim="Read as: " + ", ".join(f"{chip.key} {chip.value}" for chip in chips)
        if chips
        else "Linked the words of the question to the model",
        how="; ".join(links) + "." if links else "",
        evidence=f"semantic model, version {model.version}",
        confidence=round(min(scores, default=1.0), 2),
    )


def used_joins(
    query: SemanticQuery | None, tables: Sequence[str], model: SemanticModel
) -> tuple[UsedJoin, ...]:
    """Edges between the tables of a query, by the roles that it names."""
    if query is None:
        return ()
    filters = {f.role for f in query.filters if isinstance(f, Filter | Existence)}
    times = {t.role for t in query.time_dimensions}
    roles = {d.role for d in query.dimensions} | filters | times
    used = [cube for cube in model.cubes if cube.table in tables]
    names = {cube.name for cube in used}
    return tuple(
        UsedJoin(owner=cube.name, join=join)
        for cube in used
        for join in cube.joins
        if join.target in names and (not join.role or not (roles - {""}) or join.role in roles)
    )


def join_step(used: UsedJoin) -> ReasoningStep:
    """Why two tables belong together."""
    join = used.join
    pairs = " and ".join(own if own == other else f"{own} = {other}" for own, other in join.columns)
    declared = join.source != "inferred"
    role = f" as {join.role}" if join.role else ""
    return ReasoningStep(
        kind=KIND,
        claim=f"Each row of {used.owner} belongs to one of {join.target}{role}",
        how=f"Joined on {pairs}, many to one, so no row is counted twice.",
        evidence="declared in the database" if declared else "inferred from names and values",
        confidence=round(join.score, 2),
    )


def guard_step(result: Result) -> ReasoningStep:
    """That only what was allowed has run."""
    count = len(result.tables)
    return ReasoningStep(
        kind=KIND,
        claim="The query only reads, and only what you may see",
        how=(
            f"One SELECT over {count} allowed {'table' if count == 1 else 'tables'}; the statement "
            "was checked as a tree and the checked form is what ran."
        ),
        evidence=", ".join(result.tables),
    )


def result_step(result: Result) -> ReasoningStep:
    """What came back, and whether that is all of it."""
    rows = "1 row" if result.row_count == 1 else f"{result.row_count:,} rows"
    read = "" if result.rows_read is None else f" from {result.rows_read:,} rows"
    whole = f"cut off at {result.limit:,} rows: there are more" if result.truncated else "all shown"
    return ReasoningStep(
        kind=KIND,
        claim=f"The data gives {rows}, {whole}",
        how=f"{result.engine} computed {rows}{read} in {result.duration_ms:,.0f} ms.",
        evidence=f"result {result.result_id[:8]}, data as of {result.as_of:%Y-%m-%d %H:%M} UTC",
        confidence=0.8 if result.truncated else 1.0,
        duration_ms=result.duration_ms,
    )
