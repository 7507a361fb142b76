"""Attaching a Cube to a source, trying it, and letting go of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from aiser_app.access.permissions import require
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.connection import ConnectionReport
from aiser_app.domain.data_source import CUBE_SECRET, CUBE_URL, DataSource
from aiser_app.domain.permission import Permission
from aiser_app.domain.run import Run
from aiser_app.errors import Conflict, InvalidInput
from aiser_app.query.cube import CubeAccess
from aiser_app.services.source_setup import SourceSetup, source_event
from aiser_app.services.sources import find_source


class CubeSetup:
    def __init__(self, engine: Engine, *, cube: CubeAccess, setup: SourceSetup) -> None:
        self._engine = engine
        self._cube = cube
        self._setup = setup

    def attach(self, actor: Actor, name_or_id: str, *, url: str, secret: str) -> Run | None:
        """From now on semantic queries go by way of this Cube; its model is read in the background.

        Address and secret come together: a secret never goes to an address that it was not given for.

        Returns:
            The sync that reads the model; None when one is under way, which then has to be repeated.

        Raises:
            InvalidInput: the address or the secret cannot be used.
        """
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = self._locked(uow, actor, name_or_id)
            source = replace(source, options=self._cube.attached(source, url, secret))
            self._write(uow, actor, source, "source.cube_attached")
        return self._sync(actor, source)

    def detach(self, actor: Actor, name_or_id: str) -> Run | None:
        """Queries go to the source itself again, and the next sync infers its model.

        Raises:
            Conflict: there is no Cube.
        """
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = _with_cube(self._locked(uow, actor, name_or_id))
            names = (CUBE_URL, CUBE_SECRET)
            kept = {name: text for name, text in source.options.items() if name not in names}
            source = replace(source, options=kept)
            self._write(uow, actor, source, "source.cube_detached")
        return self._sync(actor, source)

    def test(
        self, actor: Actor, name_or_id: str, *, url: str | None = None, secret: str | None = None
    ) -> ConnectionReport:
        """Try the Cube of a source, or another one before it is attached, step by step.

        Raises:
            InvalidInput: one of address and secret is missing, or cannot be used.
            Conflict: neither is given, and there is no Cube.
        """
        require(actor, Permission.SOURCES_MANAGE)
        with UnitOfWork(self._engine) as uow:
            source = find_source(uow, actor.organization_id, name_or_id)
        if (url is None) != (secret is None):
            raise InvalidInput("Give the address of the Cube together with its API secret.")
        if url is not None and secret is not None:
            source = replace(source, options=self._cube.attached(source, url, secret))
        return self._cube.test(_with_cube(source), actor)

    @staticmethod
    def shown_url(actor: Actor, source: DataSource) -> str:
        """The address of the attached Cube, for those who may change it."""
        return source.cube_url if actor.may(Permission.SOURCES_MANAGE) else ""

    @staticmethod
    def _locked(uow: UnitOfWork, actor: Actor, name_or_id: str) -> DataSource:
        found = find_source(uow, actor.organization_id, name_or_id)
        return uow.data_sources.lock(actor.organization_id, found.source_id) or found

    @staticmethod
    def _write(uow: UnitOfWork, actor: Actor, source: DataSource, kind: str) -> None:
        uow.data_sources.replace(source)
        uow.audit_events.add(source_event(actor, kind, source, datetime.now(UTC)))
        uow.commit()

    def _sync(self, actor: Actor, source: DataSource) -> Run | None:
        try:
            return self._setup.sync(actor, source.source_id)
        except Conflict:
            return None


def _with_cube(source: DataSource) -> DataSource:
    if not source.cube_url:
        raise Conflict(f"No Cube is attached to “{source.name}”.")
    return source
