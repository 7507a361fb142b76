"""The work on a sync: read a source's catalog, and write what it found. Only workers import this."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from sqlalchemy import Engine

from aiser_app.db.advisory_lock import exclusive
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog, SyncPhase, SyncProgress
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.run import Run
from aiser_app.errors import (
    AiserError,
    Conflict,
    EngineUnavailable,
    NotFound,
    QueryCancelled,
    SourcePaused,
)
from aiser_app.query.catalog import read_catalog
from aiser_app.query.source_access import SourceAccess
from aiser_app.services.catalogs import StoredCatalog, model_of, store_catalog
from aiser_app.services.step_lines import StepLines
from aiser_app.services.value_indexes import ValueIndexes

log = logging.getLogger(__name__)

BUDGET_SECONDS = 60.0
"""Time for measuring values and links; see `query.catalog.read` for the statements."""
LINES_PER_PHASE = 20
"""How often a phase tells how far it is: five thousand tables are not five thousand events."""
_TITLES = {
    SyncPhase.SCHEMA: "Read the schema",
    SyncPhase.VALUES: "Look at values",
    SyncPhase.LINKS: "Find links between tables",
}


class Syncing:
    """One per worker process."""

    def __init__(
        self,
        engine: Engine,
        *,
        access: SourceAccess,
        budget_seconds: float = BUDGET_SECONDS,
        values: ValueIndexes | None = None,
    ) -> None:
        """`values` keeps the values of text columns; without it none are read."""
        self._values = values
        self._engine = engine
        self._access = access
        self._budget_seconds = budget_seconds

    def work(self, run: Run, cancel: CancelToken, steps: StepLines) -> Mapping[str, Any]:
        """Sync the source of a claimed run; what an earlier sync found stays until this one ends.

        Raises:
            AiserError: why there is nothing new, for the person who asked; the source says so too.
        """
        with exclusive(self._engine, f"sync:{run.source_id}") as is_ours:
            source = self._begin(run, is_ours=is_ours)
            try:
                return self._sync(source, cancel, steps)
            except Exception as error:
                self._mark_ended(source, error, cancel.reason)
                raise

    def _begin(self, run: Run, *, is_ours: bool) -> DataSource:
        with UnitOfWork(self._engine) as uow:
            source = uow.data_sources.lock(run.organization_id, run.source_id)
            if source is None:
                raise NotFound("This data source was removed.")
            if not is_ours:
                raise Conflict(
                    f"“{source.name}” is being synchronized already.",
                    hint="Wait until that ends; it finds everything that this one would.",
                )
            if source.status is SourceStatus.PAUSED:
                raise SourcePaused(
                    f"“{source.name}” is paused: {source.status_reason}", hint="Resume it first."
                )
            source = replace(source, status=SourceStatus.SYNCING)
            uow.data_sources.replace(source)
            uow.commit()
        return source

    def _sync(self, source: DataSource, cancel: CancelToken, steps: StepLines) -> Mapping[str, Any]:
        started = perf_counter()
        warnings = self._check(source, steps)
        catalog = read_catalog(
            self._access.engine(source.engine),
            source,
            budget_seconds=self._budget_seconds,
            report=_Lines(steps),
            cancel=cancel,
        )
        stored = self._store(source, catalog, warnings, cancel, steps)
        if self._values is not None:
            self._values.renew(self._access, source, catalog, cancel, steps)
        return _outcome(stored, catalog, perf_counter() - started)

    def _check(self, source: DataSource, steps: StepLines) -> tuple[str, ...]:
        """The connection's warnings. Raises `EngineUnavailable` with the step that fails."""
        report = self._access.test(source)
        failed = report.failed_step
        if failed is not None:
            steps.report("connect", "Connect", failed.message, state="fail")
            raise EngineUnavailable(
                failed.message or f"“{source.name}” cannot be reached.",
                hint="Test the connection of the source.",
            )
        steps.report("connect", "Connect", report.server_version)
        return report.warnings

    def _store(
        self,
        source: DataSource,
        catalog: Catalog,
        warnings: tuple[str, ...],
        cancel: CancelToken,
        steps: StepLines,
    ) -> StoredCatalog:
        started = perf_counter()
        steps.report("store", "Write down what was found", state="run")
        with UnitOfWork(self._engine) as uow:
            hidden = uow.source_tables.hidden_names(source.source_id)
        model = model_of(catalog, source, hidden)
        with UnitOfWork(self._engine) as uow:
            current = uow.data_sources.lock(source.organization_id, source.source_id)
            if current is None:
                raise NotFound("This data source was removed.")
            if cancel.is_set:
                raise QueryCancelled("The sync was stopped.")
            stored = store_catalog(
                uow,
                _as_synced(current, source, warnings),
                catalog,
                datetime.now(UTC),
                model=model,
            )
            uow.commit()
        words = " ".join(stored.changes.in_words()) or "Nothing changed."
        milliseconds = (perf_counter() - started) * 1000
        steps.report("store", "Write down what was found", words, duration_ms=milliseconds)
        return stored

    def _mark_ended(self, source: DataSource, error: Exception, reason: str | None) -> None:
        """Say on the source why there is nothing new; queries of what is known go on."""
        if reason in ("shutdown", "lost"):
            return  # another attempt goes on with it
        try:
            with UnitOfWork(self._engine) as uow:
                current = uow.data_sources.lock(source.organization_id, source.source_id)
                if current is None or current.status is not SourceStatus.SYNCING:
                    return
                status, why = _status_after(current, error, reason)
                uow.data_sources.replace(replace(current, status=status, status_reason=why))
                uow.commit()
        except AiserError as failed:
            # The first failure is the one to tell.
            log.warning(
                "sync_ending_not_written",
                extra={"source_id": source.source_id, "code": failed.code},
            )


class _Lines:
    """Progress as step lines: the first of a phase, every twentieth part of it, and its end."""

    def __init__(self, steps: StepLines) -> None:
        self._steps = steps
        self._phase: SyncPhase | None = None
        self._started = 0.0
        self._told = 0

    def __call__(self, progress: SyncProgress) -> None:
        if progress.phase is not self._phase:
            self._phase, self._started, self._told = progress.phase, perf_counter(), -1
        is_done = 0 < progress.total == progress.done
        part = progress.done * LINES_PER_PHASE // max(1, progress.total)
        if part == self._told and not is_done:
            return
        self._told = part
        self._steps.report(
            progress.phase.value,
            _TITLES[progress.phase],
            _detail(progress),
            state="done" if is_done else "run",
            duration_ms=(perf_counter() - self._started) * 1000 if is_done else None,
        )


def _detail(progress: SyncProgress) -> str:
    if progress.phase is SyncPhase.SCHEMA:
        return f"{progress.total:,} tables" if progress.total else ""
    return f"{progress.done:,} of {progress.total:,}"


def _as_synced(current: DataSource, read: DataSource, warnings: tuple[str, ...]) -> DataSource:
    """Whoever paused it meanwhile, or changed its address, is right."""
    if current.sealed_url != read.sealed_url:
        raise Conflict(
            f"The address of “{current.name}” was changed meanwhile.", hint="Synchronize it again."
        )
    if current.status is SourceStatus.PAUSED:
        return replace(current, warnings=warnings)
    return replace(current, status=SourceStatus.READY, status_reason="", warnings=warnings)


def _status_after(
    source: DataSource, error: Exception, reason: str | None
) -> tuple[SourceStatus, str]:
    if reason == "cancelled" and source.synced_at is not None and not source.status_reason:
        return SourceStatus.READY, ""
    if reason == "cancelled":
        return SourceStatus.FAILED, source.status_reason or "The sync was stopped."
    if reason == "deadline":
        return SourceStatus.FAILED, "The sync did not end within its time."
    if isinstance(error, AiserError):
        return SourceStatus.FAILED, error.message
    return SourceStatus.FAILED, "Something went wrong inside Aiser."


def _outcome(stored: StoredCatalog, catalog: Catalog, seconds: float) -> Mapping[str, Any]:
    return {
        "tables": stored.table_count,
        "columns": stored.column_count,
        "rows": stored.source.row_count,
        "links": len(catalog.links),
        "changes": list(stored.changes.in_words()),
        "seconds": round(seconds, 2),
        "statements": catalog.statements,
        "left_out": stored.left_out,
        "model_version": stored.model.version,
        "warnings": list(stored.source.warnings),
        "notes": list(_notes(stored, catalog)),
    }


def _notes(stored: StoredCatalog, catalog: Catalog) -> tuple[str, ...]:
    notes = list(catalog.notes)
    if stored.left_out:
        notes.append(
            f"{stored.left_out:,} of {len(catalog.tables):,} tables are not part of the model that "
            "questions are answered with; queries reach them all the same."
        )
    unkept = len(catalog.tables) - stored.table_count
    if unkept:
        notes.append(f"{unkept:,} tables have names that are too long to be kept.")
    return tuple(notes)
