"""The work on an ingest: a file becomes tables, is profiled, and can be asked. Only workers import this."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.advisory_lock import exclusive
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import Run
from aiser_app.errors import AiserError, Conflict, NotFound
from aiser_app.query.catalog import read_catalog
from aiser_app.query.ingest import (
    IngestOrder,
    IngestReport,
    Progress,
    Upload,
    ingest_apart,
    scratch_folder,
)
from aiser_app.query.source_access import SourceAccess
from aiser_app.services.catalogs import StoredCatalog, model_of, store_catalog
from aiser_app.services.run_actors import actor_of
from aiser_app.services.step_lines import StepLines
from aiser_app.services.upload_files import UploadFile, upload_of
from aiser_app.services.uploads import IngestRequest
from aiser_app.services.value_indexes import ValueIndexes

log = logging.getLogger(__name__)

PROFILE_SECONDS = 60.0
_TITLES = {
    "unpack": "Look at the file",
    "read": "Read the rows",
    "write": "Write the table",
}


class Ingesting:
    """One per worker process."""

    def __init__(
        self,
        engine: Engine,
        *,
        access: SourceAccess,
        sources_dir: Path,
        uploads_dir: Path,
        values: ValueIndexes | None = None,
    ) -> None:
        """`values` keeps the values of text columns; without it none are read."""
        self._values = values
        self._engine = engine
        self._access = access
        self._sources_dir = sources_dir
        self._uploads_dir = uploads_dir

    def work(self, run: Run, cancel: CancelToken, steps: StepLines) -> Mapping[str, Any]:
        """Ingest the file of a claimed run. What was there before stays until the new is whole.

        The file is removed at the end, unless another attempt will need it.

        Raises:
            AiserError: why nothing was ingested, for the person who uploaded.
        """
        request = decode(IngestRequest, run.request)
        # The same lock as a sync: both write down what the source holds.
        with exclusive(self._engine, f"sync:{run.source_id}") as is_ours:
            upload = upload_of(self._uploads_dir, run.organization_id, request.upload_id)
            try:
                if not is_ours:
                    raise Conflict("This source is being renewed already.", hint="Try again soon.")
                outcome = self._ingest(run, request, upload, cancel, steps)
            except BaseException:
                if cancel.reason not in ("shutdown", "lost"):
                    self._give_up(run, request, upload)
                raise
            upload.remove()
        return outcome

    def _ingest(
        self,
        run: Run,
        request: IngestRequest,
        upload: UploadFile,
        cancel: CancelToken,
        steps: StepLines,
    ) -> Mapping[str, Any]:
        started = perf_counter()
        source = self._source(run)
        target = self._sources_dir / source.options["path"]
        seconds_left = (run.deadline_at - datetime.now(UTC)).total_seconds()
        with scratch_folder(target) as folder:
            report = ingest_apart(
                Upload(path=upload.path, file_name=request.file_name),
                IngestOrder(
                    target=target,
                    folder=folder,
                    table=request.table,
                    mode=request.mode,
                    types=request.types,
                    mark=upload.upload_id,
                ),
                cancel,
                _Lines(steps),
                timeout_seconds=max(1.0, seconds_left),
            )
        steps.report("write", _TITLES["write"], _rows_of(report))
        stored = self._store(source, cancel, steps)
        return _outcome(stored, report, perf_counter() - started)

    def _source(self, run: Run) -> DataSource:
        """The source as it is now, and whether the person may still write to it."""
        with UnitOfWork(self._engine) as uow:
            require(actor_of(uow, run), Permission.SOURCES_UPLOAD)
            source = uow.data_sources.find(run.organization_id, run.source_id)
        if source is None:
            raise NotFound("This data source was removed.")
        return source

    def _store(self, source: DataSource, cancel: CancelToken, steps: StepLines) -> StoredCatalog:
        """Profile the file that is in place now, and write down what it holds."""
        started = perf_counter()
        steps.report("profile", "Get to know the columns", state="run")
        catalog = read_catalog(
            self._access.engine(source.engine),
            source,
            budget_seconds=PROFILE_SECONDS,
            cancel=cancel,
        )
        with UnitOfWork(self._engine) as uow:
            hidden = uow.source_tables.hidden_names(source.source_id)
        model = model_of(catalog, source, hidden)
        with UnitOfWork(self._engine) as uow:
            current = uow.data_sources.lock(source.organization_id, source.source_id)
            if current is None:
                raise NotFound("This data source was removed.")
            now = datetime.now(UTC)
            stored = store_catalog(uow, _renewed(current, now), catalog, now, model=model)
            uow.commit()
        milliseconds = (perf_counter() - started) * 1000
        steps.report(
            "profile",
            "Get to know the columns",
            f"{stored.column_count:,} columns",
            duration_ms=milliseconds,
        )
        if self._values is not None:
            self._values.renew(self._access, source, catalog, cancel, steps)
        return stored

    def _give_up(self, run: Run, request: IngestRequest, upload: UploadFile) -> None:
        """Leave nothing behind: neither the file, nor a source that was made for it alone."""
        try:
            upload.remove()
            with UnitOfWork(self._engine) as uow:
                source = uow.data_sources.lock(run.organization_id, run.source_id)
                if source is None or not request.is_first or source.synced_at is not None:
                    return
                uow.data_sources.delete(source, datetime.now(UTC))
                uow.commit()
            (self._sources_dir / source.options["path"]).unlink(missing_ok=True)
        except (AiserError, OSError) as error:
            # The first failure is the one to tell.
            log.warning(
                "ingest_not_tidied",
                extra={"source_id": run.source_id, "error": type(error).__name__},
            )


class _Lines:
    """Progress of the child as step lines; a line that said all there is to say is not told twice."""

    def __init__(self, steps: StepLines) -> None:
        self._steps = steps
        self._step = ""
        self._started = 0.0
        self._told = ""

    def __call__(self, progress: Progress) -> None:
        if progress.step != self._step:
            self._end()
            self._step, self._started, self._told = progress.step, perf_counter(), "-"
        detail = f"{progress.fraction:.0%}" if progress.fraction else ""
        if progress.rows is not None:
            detail = f"{progress.rows:,} rows"
        if detail != self._told:
            self._told = detail
            self._steps.report(self._step, _TITLES[self._step], detail, state="run")

    def _end(self) -> None:
        if self._step:
            milliseconds = (perf_counter() - self._started) * 1000
            self._steps.report(self._step, _TITLES[self._step], duration_ms=milliseconds)


def _renewed(source: DataSource, now: datetime) -> DataSource:
    if source.status is SourceStatus.PAUSED:
        return replace(source, synced_at=now)
    return replace(source, status=SourceStatus.READY, status_reason="", synced_at=now)


def _rows_of(report: IngestReport) -> str:
    rejected = f", {report.rejected_rows:,} lines left out" if report.rejected_rows else ""
    return f"{report.rows:,} rows{rejected}"


def _outcome(stored: StoredCatalog, report: IngestReport, seconds: float) -> Mapping[str, Any]:
    return {
        "source_id": stored.source.source_id,
        "kind": report.kind.value,
        "rows": report.rows,
        "rejected_rows": report.rejected_rows,
        "tables": [encode(table) for table in report.tables],
        "notes": list(report.notes),
        "changes": list(stored.changes.in_words()),
        "model_version": stored.model.version,
        "seconds": round(seconds, 2),
    }
