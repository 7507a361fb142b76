"""What a query over several sources is made of: one part per table, and one query over the parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import NO_POLICIES, GrantedTable, Policies
from aiser_app.query.engines.contract import Engine

PART_ROWS = 5_000_000
"""Most rows that one part may bring."""
PART_BYTES = 2 * 1024**3
"""Most bytes of one part, as uncompressed Arrow."""
MAX_KEYS = 10_000
"""Most distinct join keys that are sent to another source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FederatedSource:
    """A source that the query may use, and what of it this actor gets to see."""

    name: str
    """How the query addresses it; compared without regard to case."""
    source: DataSource
    engine: Engine
    tables: Mapping[str, GrantedTable]
    policies: Policies = NO_POLICIES


@dataclass(frozen=True, kw_only=True, slots=True)
class Reduction:
    """Rows of a part are needed only where `column` has one of the values of another part's column."""

    column: str
    origin: str
    """Local name of the part that has the values."""
    origin_column: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One SELECT over one table of one source; its rows become the local table `name`."""

    name: str
    source: FederatedSource
    table: GrantedTable
    columns: tuple[str, ...]
    """Columns that are read, in the table's order; empty for all of a table with unknown columns."""
    condition: exp.Expr | None = None
    """Only weakens what the query asks: rows that it leaves out cannot matter."""
    rows: int | None = None
    """Most rows that can matter; None when all may."""
    reductions: tuple[Reduction, ...] = ()

    @property
    def address(self) -> str:
        """How people write the table."""
        return f"{self.source.name}.{self.table.name}"

    @property
    def sql(self) -> str:
        return self.written(self.condition)

    def written(self, condition: exp.Expr | None) -> str:
        """The text for the guard, in the dialect of the source."""
        what: list[exp.Expr] = [exp.column(_quoted(column)) for column in self.columns]
        path = [_quoted(name) for name in reversed(self.table.name.split(".", 2))]
        table = exp.Table(**dict(zip(("this", "db", "catalog"), path, strict=False)))
        query = exp.Select(expressions=what or [exp.Star()]).from_(table)
        if condition is not None:
            query = query.where(condition)
        if self.rows is not None:
            query = query.limit(self.rows)
        return bound(query).sql(dialect=self.source.engine.dialect)


@dataclass(frozen=True, kw_only=True, slots=True)
class FederatedPlan:
    parts: tuple[Part, ...]
    final_sql: str
    """DuckDB's SQL over the local tables."""
    shown_sql: str
    """The query as it was understood, with the addresses that people write."""


def bound(tree: exp.Query) -> exp.Query:
    """Parameters as `:name`, which every dialect reads; generators have other ideas."""
    for placeholder in list(tree.find_all(exp.Placeholder)):
        placeholder.replace(exp.Var(this=f":{placeholder.name}"))
    return tree


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
