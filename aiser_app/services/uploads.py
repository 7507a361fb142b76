"""Uploads: takes a file in, looks at it, and hands its ingest to a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from aiser_app.access.permissions import require
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.identifiers import new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.encoding import encode
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import EventKind, Run, RunKind, RunStatus
from aiser_app.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    TooManyAttempts,
)
from aiser_app.query.ingest import (
    IngestMode,
    Sniffed,
    Upload,
    check_types,
    plain_name,
    sniff_apart,
)
from aiser_app.services.run_lifecycle import enqueue_run
from aiser_app.services.sources import find_source
from aiser_app.services.text_input import checked_name
from aiser_app.services.upload_files import UploadFile, new_upload

INGEST_SECONDS = 900
"""Deadline of an ingest, waiting for a worker included."""
SNIFF_SECONDS = 60
MAX_OPEN_INGESTS = 5
"""Of one user."""
MAX_SNIFFS = 2
"""Files that one web process looks at together; the others wait."""
FILE_NAME_CHARS = 255
ORIGIN = "upload"
"""Value of a source's option `origin` when it is made of uploaded files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadForm:
    """What came with a file, unchecked."""

    file_name: str
    name: str = ""
    """Of the table, and of the source when a new one is made; the file's own without it."""
    source: str | None = None
    """Name or id of a source that the table goes into."""
    mode: IngestMode = IngestMode.CREATE
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestRequest:
    """What an ingest run is asked to do."""

    upload_id: str
    file_name: str
    table: str
    mode: IngestMode
    types: Mapping[str, str] = field(default_factory=dict)
    is_first: bool = False
    """The source was made for it, and goes when it fails."""


class Uploads:
    def __init__(
        self,
        engine: Engine,
        *,
        queue: JobQueue,
        events: RunEventLog,
        uploads_dir: Path,
        max_bytes: int,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._events = events
        self._uploads_dir = uploads_dir
        self._sniffing = threading.BoundedSemaphore(MAX_SNIFFS)
        self.max_bytes = max_bytes

    def begin(self, actor: Actor) -> UploadFile:
        """A place for a file that is about to come; whoever asked for it removes it on failure.

        Raises:
            PermissionDenied: before a single byte is taken in.
        """
        require(actor, Permission.SOURCES_UPLOAD)
        return new_upload(self._uploads_dir, actor.organization_id)

    def preview(self, actor: Actor, upload: UploadFile, form: UploadForm) -> Sniffed:
        """What the file would become. Nothing is kept, not even the file."""
        require(actor, Permission.SOURCES_UPLOAD)
        with _removed_on(upload, always=True):
            return self._sniff(upload, checked_file_name(form.file_name))

    def start(self, actor: Actor, upload: UploadFile, form: UploadForm) -> tuple[DataSource, Run]:
        """Look at the file, and queue its ingest; the file is removed when this raises.

        Raises:
            InvalidInput, PayloadTooLarge: the file cannot be read; says why.
            NotFound: there is no such source, or no such table to add to.
            Conflict: the name is in use, or another file is being ingested into the source.
            PermissionDenied: the source belongs to somebody else.
        """
        require(actor, Permission.SOURCES_UPLOAD)
        with _removed_on(upload):
            file_name = checked_file_name(form.file_name)
            name = checked_name(form.name or _stem(file_name), "The name")
            check_types(form.types)
            self._sniff(upload, file_name)
            request = IngestRequest(
                upload_id=upload.upload_id,
                file_name=file_name,
                table=plain_name(name, "table"),
                mode=form.mode,
                types=form.types,
            )
            try:
                return self._queue_run(actor, name, form, request)
            except IntegrityError:
                raise _name_in_use(name) from None

    def _sniff(self, upload: UploadFile, file_name: str) -> Sniffed:
        with self._sniffing:
            return sniff_apart(
                Upload(path=upload.path, file_name=file_name),
                upload.path.parent,
                timeout_seconds=SNIFF_SECONDS,
            )

    def _queue_run(
        self, actor: Actor, name: str, form: UploadForm, request: IngestRequest
    ) -> tuple[DataSource, Run]:
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            _refuse_too_many(uow, actor)
            source = self._existing(uow, actor, name, form)
            if source is None:
                source = _new_source(actor, name)
                uow.data_sources.add(source, now)
            request = replace(request, is_first=source.synced_at is None)
            _check_table(uow, source, request)
            run = _ingest_run(actor, source, request, now)
            uow.runs.add(run)
            uow.audit_events.add(_event(actor, source, request, now))
            uow.after_commit(lambda: self._announce(run))
            uow.commit()
        return source, run

    def _existing(
        self, uow: UnitOfWork, actor: Actor, name: str, form: UploadForm
    ) -> DataSource | None:
        """The source to write into; None when it is to be made."""
        if form.source is not None:
            found: DataSource | None = find_source(uow, actor.organization_id, form.source)
        else:
            found = uow.data_sources.find_by_name(actor.organization_id, name)
        if found is None:
            if form.mode is IngestMode.APPEND:
                raise NotFound("There is no such data source.", hint="Create it: mode create.")
            return None
        source = uow.data_sources.lock(actor.organization_id, found.source_id) or found
        if uow.runs.has_open(source.source_id, RunKind.INGEST):
            raise Conflict(
                f"Another file is being ingested into “{source.name}”.",
                hint="Wait until that has ended, or stop it.",
            )
        _check_may_write(actor, source)
        is_taken = form.source is None and form.mode is IngestMode.CREATE
        if is_taken and source.synced_at is not None:
            raise _name_in_use(source.name)
        return source

    def _announce(self, run: Run) -> None:
        self._events.append(run.run_id, EventKind.QUEUED, {})
        enqueue_run(self._queue, run, INGEST_SECONDS)


@contextmanager
def _removed_on(upload: UploadFile, *, always: bool = False) -> Iterator[None]:
    """Remove the file when the block fails, or in any case."""
    try:
        yield
    except BaseException:
        upload.remove()
        raise
    if always:
        upload.remove()


def checked_file_name(file_name: str) -> str:
    """The last part of what a browser sends, as text; it is shown, and tells the kind."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(character for character in last if character.isprintable()).strip()
    if not shown:
        raise InvalidInput("The file has no name.", hint="Send one with the file.")
    return shown[-FILE_NAME_CHARS:]


def _stem(file_name: str) -> str:
    stem = file_name
    for _ in range(2):  # orders.csv.gz
        head, dot, extension = stem.rpartition(".")
        if dot and head and len(extension) <= 7:
            stem = head
    return stem


def _new_source(actor: Actor, name: str) -> DataSource:
    source_id = new_id()
    return DataSource(
        source_id=source_id,
        organization_id=actor.organization_id,
        name=name,
        engine="duckdb",
        options={
            "path": f"{source_id}.duckdb",
            "origin": ORIGIN,
            "uploaded_by": actor.user_id,
        },
        status=SourceStatus.SYNCING,
    )


def _check_may_write(actor: Actor, source: DataSource) -> None:
    if source.options.get("origin") != ORIGIN:
        raise InvalidInput(
            f"“{source.name}” is not made of uploaded files, so no file can be added to it.",
            hint="Choose another name, or leave out the source.",
        )
    is_own = source.options.get("uploaded_by") == actor.user_id
    if not is_own and not actor.may(Permission.SOURCES_MANAGE):
        raise PermissionDenied(
            f"“{source.name}” was uploaded by somebody else.",
            hint="Ask them or an admin, or upload under another name.",
        )


def _check_table(uow: UnitOfWork, source: DataSource, request: IngestRequest) -> None:
    """What can be told at once; the worker looks again."""
    names = uow.source_tables.names(source.source_id)
    if request.mode is IngestMode.CREATE and request.table in names:
        raise Conflict(
            f"The source already has a table “{request.table}”.",
            hint="Choose another name, or the mode append or replace.",
        )
    if request.mode is IngestMode.APPEND and request.table not in names:
        raise NotFound(
            f"The source has no table “{request.table}”.",
            hint=f"It has {', '.join(names[:20])}." if names else "Create it: mode create.",
        )


def _refuse_too_many(uow: UnitOfWork, actor: Actor) -> None:
    uow.users.lock(actor.organization_id, actor.user_id)
    opened = uow.runs.count_open_of_user(actor.organization_id, actor.user_id, RunKind.INGEST)
    if opened >= MAX_OPEN_INGESTS:
        raise TooManyAttempts(
            f"{MAX_OPEN_INGESTS} files of yours are being ingested.",
            hint="Wait for one to end, or stop one.",
        )


def _ingest_run(actor: Actor, source: DataSource, request: IngestRequest, now: datetime) -> Run:
    return Run(
        run_id=new_id(),
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        source_id=source.source_id,
        kind=RunKind.INGEST,
        request=encode(request),
        status=RunStatus.QUEUED,
        attempts=0,
        created_at=now,
        deadline_at=now + timedelta(seconds=INGEST_SECONDS),
    )


def _event(actor: Actor, source: DataSource, request: IngestRequest, now: datetime) -> AuditEvent:
    return AuditEvent(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        kind="source.uploaded",
        subject=source.name,
        at=now,
        detail={
            "source_id": source.source_id,
            "file": request.file_name,
            "table": request.table,
            "mode": request.mode.value,
        },
    )


def _name_in_use(name: str) -> Conflict:
    return Conflict(
        f"There is a data source “{name}” already.",
        hint="Choose another name, or the mode append or replace.",
    )
