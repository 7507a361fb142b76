"""Adding, changing, testing, syncing, pausing and removing data sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from aiser_app.access.permissions import require
from aiser_app.broker.job_queue import JobQueue
from aiser_app.broker.run_events import RunEventLog
from aiser_app.db.identifiers import new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.connection import ConnectionReport
from aiser_app.domain.data_source import DataSource, SourceSettings, SourceStatus
from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import EventKind, Run, RunKind, RunStatus
from aiser_app.errors import Conflict, InvalidInput
from aiser_app.query.sample import FILE_NAME as SAMPLE_FILE
from aiser_app.query.source_access import SourceAccess
from aiser_app.services.run_lifecycle import enqueue_run
from aiser_app.services.sources import find_source
from aiser_app.services.text_input import checked_name, refuse_binary
from aiser_app.services.value_indexes import ValueIndexes

SYNC_SECONDS = 900
"""Deadline of a sync, waiting for a worker included."""
URL_MAX_CHARS = 4_000
DESCRIPTION_MAX_CHARS = 2_000
_SCHEMA_IN_URL = frozenset({"mysql", "clickhouse", "bigquery", "trino"})
"""Engines whose plain table names are those of the database that the address ends with."""
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "max_concurrent": (1, 64),
    "connect_timeout_seconds": (1, 60),
    "query_timeout_seconds": (1, 3_600),
    "cache_seconds": (0, 7 * 86_400),
    "slow_query_seconds": (0, 3_600),
}
"""Least and most of each numeric setting of a source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceChange:
    """What is given is changed; None stays as it is."""

    name: str | None = None
    url: str | None = None
    description: str | None = None
    settings: Mapping[str, Any] | None = None


class SourceSetup:
    def __init__(
        self,
        engine: Engine,
        *,
        access: SourceAccess,
        queue: JobQueue,
        events: RunEventLog,
        sources_dir: Path,
        values: ValueIndexes | None = None,
    ) -> None:
        self._values = values
        self._engine = engine
        self._access = access
        self._queue = queue
        self._events = events
        self._sources_dir = sources_dir

    def create(self, actor: Actor, *, name: str, change: SourceChange) -> tuple[DataSource, Run]:
        """Register a source and start its first sync.

        Raises:
            InvalidInput: the URL or a setting cannot be used.
            Conflict: the name is in use.
        """
        require(actor, Permission.SOURCES_MANAGE)
        if change.url is None:
            raise InvalidInput("The url is missing.", hint="postgresql://user:password@host/db")
        source = self._with(
            DataSource(
                source_id=new_id(),
                organization_id=actor.organization_id,
                name=checked_name(name, "The name"),
                engine="",
                status=SourceStatus.SYNCING,
            ),
            change,
        )
        now = datetime.now(UTC)
        run = _sync_run(actor, source, now)
        try:
            with UnitOfWork(self._engine) as uow:
                uow.data_sources.add(source, now)
                uow.runs.add(run)
                uow.audit_events.add(_event(actor, "source.created", source, now))
                uow.after_commit(lambda: self._announce(run))
                uow.commit()
        except IntegrityError:
            raise _name_in_use(source.name) from None
        return source, run

    def change(self, actor: Actor, name_or_id: str, change: SourceChange) -> DataSource:
        """Raises as `create`; a new URL is used by the next query."""
        require(actor, Permission.SOURCES_MANAGE)
        now = datetime.now(UTC)
        try:
            with UnitOfWork(self._engine) as uow:
                source = self._locked(uow, actor, name_or_id)
                if change.name is not None:
                    source = replace(source, name=checked_name(change.name, "The name"))
                source = self._with(source, change)
                uow.data_sources.replace(source)
                uow.audit_events.add(
                    _event(actor, "source.changed", source, now, changed=_changed(change))
                )
                uow.commit()
        except IntegrityError:
            raise _name_in_use(change.name or "") from None
        return source

    def pause(self, actor: Actor, name_or_id: str, reason: str) -> DataSource:
        """From now on no query reaches it; those that run come to their end."""
        cleaned = checked_name(reason, "The reason")
        return self._set_status(actor, name_or_id, SourceStatus.PAUSED, cleaned)

    def resume(self, actor: Actor, name_or_id: str) -> DataSource:
        return self._set_status(actor, name_or_id, SourceStatus.READY, "")

    def delete(self, actor: Actor, name_or_id: str) -> None:
        """Remove a source with its policies, tables and kept data; the history of runs stays."""
        require(actor, Permission.SOURCES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            source = self._locked(uow, actor, name_or_id)
            uow.data_policies.delete_of_source(source.organization_id, source.source_id)
            uow.source_tables.delete_of_source(source.organization_id, source.source_id)
            uow.data_sources.delete(source, now)
            uow.audit_events.add(_event(actor, "source.deleted", source, now))
            uow.after_commit(lambda: self._remove_file(source))
            uow.commit()

    def test(self, actor: Actor, name_or_id: str) -> ConnectionReport:
        """Try the connection of a source, step by step; warnings are kept with the source."""
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
        report = self._access.test(source)
        with UnitOfWork(self._engine) as uow:
            locked = uow.data_sources.lock(actor.organization_id, source.source_id)
            if locked is not None and locked.sealed_url == source.sealed_url:
                uow.data_sources.replace(replace(locked, warnings=report.warnings))
                uow.commit()
        return report

    def test_url(self, actor: Actor, change: SourceChange) -> ConnectionReport:
        """The same for an address that is not registered yet."""
        require(actor, Permission.SOURCES_MANAGE)
        if change.url is None:
            raise InvalidInput("The url is missing.")
        blank = DataSource(
            source_id=new_id(), organization_id=actor.organization_id, name="Test", engine=""
        )
        return self._access.test(self._with(blank, change))

    def sync(self, actor: Actor, name_or_id: str) -> Run:
        """Read the catalog again, in the background; the run tells how far it is.

        Raises:
            Conflict: a sync of this source is under way.
        """
        require(actor, Permission.SOURCES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            source = self._locked(uow, actor, name_or_id)
            if uow.runs.has_open(source.source_id, RunKind.SYNC):
                raise Conflict(f"“{source.name}” is being synchronized already.")
            if source.status is not SourceStatus.PAUSED:
                uow.data_sources.replace(replace(source, status=SourceStatus.SYNCING))
            run = _sync_run(actor, source, now)
            uow.runs.add(run)
            uow.after_commit(lambda: self._announce(run))
            uow.commit()
        return run

    def shown_url(self, actor: Actor, source: DataSource) -> str:
        """The address without its password, for those who may change it."""
        return self._access.shown(source) if actor.may(Permission.SOURCES_MANAGE) else ""

    def _with(self, source: DataSource, change: SourceChange) -> DataSource:
        if change.url is not None:
            if len(change.url) > URL_MAX_CHARS:
                raise InvalidInput(f"The url has at most {URL_MAX_CHARS:,} characters.")
            if source.is_kept_here:
                raise InvalidInput("The data of this source was uploaded: it has no address.")
            address = self._access.read(change.url)
            schema = address.database.rpartition("/")[2]
            source = replace(
                source,
                engine=address.engine,
                sealed_url=self._access.seal(change.url),
                options={"schema": schema} if address.engine in _SCHEMA_IN_URL else {},
            )
        if change.description is not None:
            if len(change.description) > DESCRIPTION_MAX_CHARS:
                raise InvalidInput(
                    f"The description has at most {DESCRIPTION_MAX_CHARS:,} characters."
                )
            refuse_binary(change.description, "The description")
            source = replace(source, description=change.description)
        if change.settings is not None:
            source = replace(source, settings=checked_settings(source.settings, change.settings))
        return source

    def _set_status(
        self, actor: Actor, name_or_id: str, status: SourceStatus, reason: str
    ) -> DataSource:
        require(actor, Permission.SOURCES_MANAGE)
        now = datetime.now(UTC)
        with UnitOfWork(self._engine) as uow:
            source = replace(
                self._locked(uow, actor, name_or_id), status=status, status_reason=reason
            )
            uow.data_sources.replace(source)
            kind = "source.paused" if status is SourceStatus.PAUSED else "source.resumed"
            uow.audit_events.add(_event(actor, kind, source, now, reason=reason))
            uow.commit()
        return source

    @staticmethod
    def _locked(uow: UnitOfWork, actor: Actor, name_or_id: str) -> DataSource:
        found = find_source(uow, actor.organization_id, name_or_id)
        return uow.data_sources.lock(actor.organization_id, found.source_id) or found

    def _announce(self, run: Run) -> None:
        self._events.append(run.run_id, EventKind.QUEUED, {})
        enqueue_run(self._queue, run, SYNC_SECONDS)

    def _remove_file(self, source: DataSource) -> None:
        """Of kept data, but not of the sample, which all organizations share.

        Queries that still read it hold the file open until they end.
        """
        if self._values is not None:
            self._values.remove(source.source_id)
        name = source.options.get("path", "")
        path = (self._sources_dir / name).resolve()
        is_ours = name not in ("", SAMPLE_FILE) and path.parent == self._sources_dir.resolve()
        if source.is_kept_here and is_ours:
            path.unlink(missing_ok=True)


def checked_settings(current: SourceSettings, given: Mapping[str, Any]) -> SourceSettings:
    """The settings with what is given in place of what was.

    Raises:
        InvalidInput: an unknown name, a wrong type, a number out of range.
    """
    known = {field.name for field in fields(SourceSettings)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise InvalidInput(
            f"There is no setting “{unknown[0][:80]}”.",
            hint=f"Settings: {', '.join(sorted(known))}.",
        )
    for name, (least, most) in _BOUNDS.items():
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInput(f"{name} is a number.")
        if not least <= value <= most:
            raise InvalidInput(f"{name} is {least:g} to {most:g}.")
    return decode(SourceSettings, {**encode(current), **given})


def _sync_run(actor: Actor, source: DataSource, now: datetime) -> Run:
    return Run(
        run_id=new_id(),
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        source_id=source.source_id,
        kind=RunKind.SYNC,
        status=RunStatus.QUEUED,
        attempts=0,
        created_at=now,
        deadline_at=now + timedelta(seconds=SYNC_SECONDS),
    )


def _event(
    actor: Actor, kind: str, source: DataSource, now: datetime, **detail: object
) -> AuditEvent:
    return AuditEvent(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        kind=kind,
        subject=source.name,
        at=now,
        detail={"source_id": source.source_id, **detail},
    )


def _changed(change: SourceChange) -> list[str]:
    """Names only: a URL has a password in it."""
    return [field.name for field in fields(change) if getattr(change, field.name) is not None]


def _name_in_use(name: str) -> Conflict:
    return Conflict(f"There is a data source “{name}” already.", hint="Choose another name.")
