"""What is asked of the gate: one query, of whom, over what, within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import NO_POLICIES, GrantedTable, Policies
from aiser_app.domain.result import Column
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.domain.verdict import ParameterValue
from aiser_app.errors import AiserError

Parameters: TypeAlias = Mapping[str, ParameterValue | Sequence[ParameterValue]]
"""By name; a list where the query says `IN (:name)`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuerySource:
    """A source that a request may read, and what of it this actor gets to see."""

    source: DataSource
    tables: Mapping[str, GrantedTable]
    """By name; may be lazy, since a source can have thousands."""
    policies: Policies = NO_POLICIES


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheUse:
    """How a request wants to use earlier results."""

    bypass: bool = False
    """Run again, and replace what is kept."""
    stale_ok_seconds: float = 0.0
    """How much too old a result may be when a newer one is being made meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SemanticAsk:
    """The question behind the SQL, for a route that does not take SQL."""

    query: SemanticQuery
    model: SemanticModel
    members: tuple[str, ...] = ()
    """Member of the model per column of the request, in parallel."""
    refusal: AiserError | None = None
    """Why our compiler cannot write SQL for it: then the request's `sql` is empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRequest:
    """SQL is in the dialect of the one source, or in DuckDB's where there are several.

    It is empty where only another route can answer `semantic`.
    """

    actor: Actor
    sources: tuple[QuerySource, ...]
    sql: str
    limit: int
    """Most rows that are kept."""
    timeout_seconds: float
    purpose: str
    """Where it comes from: agent, api, editor, card, export, alert …"""
    run_id: str = ""
    queue_ms: float = 0.0
    """How long the request waited until a worker took it, for the record."""
    columns: tuple[Column, ...] = ()
    """Titles and units by column name, for the result's columns."""
    parameters: Parameters = field(default_factory=dict)
    cache: CacheUse = field(default_factory=CacheUse)
    semantic: SemanticAsk | None = None

    @property
    def main(self) -> QuerySource:
        return self.sources[0]
