"""Queries over several sources: judged, pulled as Arrow from each, joined in a DuckDB beside Aiser."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiser_app.domain.actor import Claims
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import BoundParameter
from aiser_app.query.engines.contract import RowStream
from aiser_app.query.federation.constants import Parameters
from aiser_app.query.federation.explaining import explained
from aiser_app.query.federation.gate import JudgedFederation, judge_federation
from aiser_app.query.federation.local import joined, local_database
from aiser_app.query.federation.plan import PART_BYTES, PART_ROWS, FederatedSource
from aiser_app.query.federation.pulling import Caps, PartFacts, Pull

ROUTE = "duckdb"
ENGINE = "duckdb"
_LEFT_BEHIND_SECONDS = 24 * 3600
"""Folders of a process that died are removed when they are older than any query."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FederationSettings:
    folder: Path
    """Where parts and spilled joins may lie for the time of a query; readable by the owner only."""
    memory_limit: str = "1GB"
    """Of the join itself; parts are read where they lie."""
    temporary_limit: str = "8GB"
    """What the join may spill to disk."""
    threads: int = 2
    part_rows: int = PART_ROWS
    part_bytes: int = PART_BYTES


@dataclass(slots=True)
class FederatedQuery:
    """A judged query; `open_rows` runs it, `why` then tells what each source sent."""

    judged: JudgedFederation
    settings: FederationSettings
    parts: list[PartFacts] = field(default_factory=list)
    """What was pulled by the last run."""

    @property
    def sources(self) -> tuple[DataSource, ...]:
        """Those that are read, in the order in which the query names them."""
        found = {
            part.part.source.source.source_id: part.part.source.source for part in self.judged.parts
        }
        return tuple(found.values())

    @property
    def sql(self) -> str:
        """As the query was understood: for people, and with the sources for cache keys."""
        return self.judged.plan.shown_sql

    @property
    def parameters(self) -> tuple[BoundParameter, ...]:
        return self.judged.final.statement.parameters

    @property
    def tables(self) -> tuple[str, ...]:
        """As people write them: `source.table`."""
        return tuple(part.part.address for part in self.judged.parts)

    @property
    def policies(self) -> tuple[str, ...]:
        return self.judged.policies

    def why(self) -> str:
        """Which parts came from where, and what was left out at their sources."""
        return explained(self.parts)

    @contextmanager
    def open_rows(self, timeout_seconds: float, cancel: CancelToken) -> Iterator[RowStream]:
        """Run it. Time limit and cancel stop every part in its database, and the join here.

        Raises:
            AiserError: as engines do; a failure of a source names it.
        """
        deadline = time.monotonic() + timeout_seconds
        settings = self.settings
        with (
            _private_folder(settings.folder) as folder,
            local_database(
                folder,
                memory_limit=settings.memory_limit,
                temporary_limit=settings.temporary_limit,
                threads=settings.threads,
            ) as connection,
        ):
            caps = Caps(rows=settings.part_rows, bytes=settings.part_bytes)
            pulled = Pull(self.judged.parts, folder, caps).run(timeout_seconds, cancel)
            self.parts = [part.facts for part in pulled]
            with joined(
                connection,
                {part.facts.part.name: part.table for part in pulled},
                self.judged.final.statement,
                timeout_seconds=max(0.001, deadline - time.monotonic()),
                cancel=cancel,
            ) as rows:
                yield rows


def prepare(
    sql: str,
    sources: Sequence[FederatedSource],
    *,
    claims: Claims,
    parameters: Parameters,
    limit: int,
    settings: FederationSettings,
) -> FederatedQuery:
    """Judge a query over several sources; nothing runs yet.

    Args:
        sql: in DuckDB's SQL, tables written as `source.table` or `source.schema.table`.
        sources: what it may use, and what of it this actor gets to see.
        claims: whose query it is.
        parameters: values of `:name`.
        limit: rows wanted of the answer.
        settings: where and how much.

    Raises:
        QueryDenied: a guard refused it, or it names what is not there.
    """
    judged = judge_federation(
        sql,
        sources,
        claims=claims,
        parameters=parameters,
        limit=limit,
        max_rows=settings.part_rows,
    )
    return FederatedQuery(judged=judged, settings=settings)


@contextmanager
def _private_folder(root: Path) -> Iterator[Path]:
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_left_behind(root)
    folder = Path(tempfile.mkdtemp(prefix="federated-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_behind(root: Path) -> None:
    oldest = time.time() - _LEFT_BEHIND_SECONDS
    for entry in os.scandir(root):
        if entry.name.startswith("federated-") and entry.stat().st_mtime < oldest:
            shutil.rmtree(entry.path, ignore_errors=True)
