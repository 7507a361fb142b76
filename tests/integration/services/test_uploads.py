"""What a worker does with an upload when things go wrong, and what is cleaned up."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.advisory_lock import exclusive
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceStatus
from aiser_app.domain.run import Run
from aiser_app.errors import (
    AiserError,
    Conflict,
    EngineUnavailable,
    NotFound,
    PermissionDenied,
    QueryCancelled,
    ServiceUnavailable,
    StorageFull,
)
from aiser_app.query.ingest import IngestMode
from aiser_app.services import ingesting as ingesting_module
from aiser_app.services.upload_files import clean_uploads, new_upload
from aiser_app.services.uploads import UploadForm
from tests.fixtures.ingests import Uploader
from tests.fixtures.organizations import Tenant, add_tenant, now
from tests.integration.services.syncs import Lines

pytestmark = pytest.mark.integration

CSV = b"id,city\n1,Berlin\n2,Paris\n"


class Desk:
    """One organization that uploads."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tenant: Tenant = add_tenant(services.engine)
        self.actor: Actor = self.tenant.actor(Role.ANALYST)
        self.ingesting = Uploader(services).ingesting
        self.lines = Lines()
        self.cancel = CancelToken()

    def upload(self, content: bytes = CSV, **options: object) -> Run:
        upload = self.services.uploads.begin(self.actor)
        with upload.open_new() as sink:
            sink.write(content)
        form = UploadForm(file_name="f.csv", **options)  # type: ignore[arg-type]
        _, run = self.services.uploads.start(self.actor, upload, form)
        return run

    def work(self, run: Run) -> object:
        return self.ingesting.work(run, self.cancel, self.lines)  # type: ignore[arg-type]

    def ingest(self, content: bytes = CSV, **options: object) -> Run:
        """To its end, also in the books."""
        run = self.upload(content, **options)
        with UnitOfWork(self.services.engine) as uow:
            uow.runs.claim(run.run_id, "w", now())
            uow.commit()
        self.work(run)
        self.close(run)
        return run

    def close(self, run: Run) -> None:
        with UnitOfWork(self.services.engine) as uow:
            open_run = uow.runs.get(run.run_id)
            uow.runs.finish(run.run_id, open_run.attempts, status=ingesting_status())
            uow.commit()

    def source(self, run: Run) -> DataSource | None:
        with UnitOfWork(self.services.engine) as uow:
            return uow.data_sources.find(run.organization_id, run.source_id)

    def files(self) -> list[Path]:
        folder = self.services.settings.uploads_dir / self.tenant.organization_id
        return list(folder.glob("*"))


def ingesting_status() -> object:
    from aiser_app.domain.run import RunStatus

    return RunStatus.SUCCEEDED


@pytest.fixture
def desk(web_services: Services) -> Desk:
    return Desk(web_services)


def test_the_version_of_the_data_changes(desk: Desk) -> None:
    first = desk.ingest()
    before = desk.source(first)
    again = desk.ingest(mode=IngestMode.REPLACE)
    after = desk.source(again)
    assert before is not None
    assert after is not None
    assert before.source_id == after.source_id
    assert before.data_version != after.data_version
    assert before.synced_at is not None
    assert after.synced_at is not None
    assert before.synced_at < after.synced_at
    assert [line[0] for line in desk.lines.told if line[2] == "done"] == [
        "unpack",
        "write",
        "profile",
        "index",
    ] * 2


def test_a_paused_source_stays_paused(desk: Desk) -> None:
    first = desk.ingest()
    source = desk.source(first)
    assert source is not None
    with UnitOfWork(desk.services.engine) as uow:
        uow.data_sources.replace(replace(source, status=SourceStatus.PAUSED, status_reason="why"))
        uow.commit()
    desk.ingest(mode=IngestMode.APPEND)
    after = desk.source(first)
    assert after is not None
    assert (after.status, after.status_reason, after.row_count) == (SourceStatus.PAUSED, "why", 4)


def test_a_second_attempt_adds_nothing_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt died between the new file and the books."""
    desk.ingest()
    run = desk.upload(mode=IngestMode.APPEND)

    def die(*_: object, **__: object) -> None:
        desk.cancel.cancel("shutdown")
        raise QueryCancelled("The ingest was stopped.")

    with monkeypatch.context() as patch:
        patch.setattr(ingesting_module, "read_catalog", die)
        with pytest.raises(QueryCancelled):
            desk.work(run)
    assert len(desk.files()) == 1
    desk.cancel = CancelToken()
    outcome = desk.work(run)
    assert outcome["rows"] == 2  # type: ignore[index]
    source = desk.source(run)
    assert source is not None
    assert source.row_count == 4
    assert desk.files() == []


def test_a_stop_keeps_nothing_of_a_first_upload(desk: Desk) -> None:
    run = desk.upload()
    desk.cancel.cancel()
    with pytest.raises(QueryCancelled):
        desk.work(run)
    assert desk.source(run) is None
    assert desk.files() == []


def test_a_failed_renewal_keeps_what_was_there(desk: Desk) -> None:
    first = desk.ingest()
    before = desk.source(first)
    run = desk.upload(b"id,city\nx,Rome\n", mode=IngestMode.APPEND)
    with pytest.raises(AiserError, match="Column id"):
        desk.work(run)
    assert desk.source(run) == before
    assert desk.files() == []


def test_a_sync_at_the_same_time(desk: Desk, web_services: Services) -> None:
    run = desk.upload()
    with (
        exclusive(web_services.engine, f"sync:{run.source_id}"),
        pytest.raises(Conflict, match="renewed already"),
    ):
        desk.work(run)


def test_the_person_was_shut_out_meanwhile(desk: Desk) -> None:
    run = desk.upload()
    user = desk.tenant.users[Role.ANALYST]
    with UnitOfWork(desk.services.engine) as uow:
        uow.users.change(replace(user, role=Role.VIEWER))
        uow.commit()
    with pytest.raises(PermissionDenied):
        desk.work(run)
    assert desk.source(run) is None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_source_was_removed_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    run = desk.upload()
    source = desk.source(run)
    assert source is not None

    def remove() -> None:
        with UnitOfWork(desk.services.engine) as uow:
            uow.data_sources.delete(source, now())
            uow.commit()

    if moment == "before":
        remove()
    else:
        original = ingesting_module.model_of

        def removing(*arguments: object) -> object:
            remove()
            return original(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(ingesting_module, "model_of", removing)
    with pytest.raises(NotFound, match="was removed"):
        desk.work(run)
    assert desk.files() == []


def test_books_that_cannot_be_tidied(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first failure is the one that is told."""
    run = desk.upload()

    def fail(*_: object, **__: object) -> None:
        raise EngineUnavailable("The first failure.")

    def down(*_: object, **__: object) -> None:
        raise ServiceUnavailable("Postgres is away.")

    monkeypatch.setattr(ingesting_module, "read_catalog", fail)
    monkeypatch.setattr("aiser_app.services.upload_files.UploadFile.remove", down)
    with pytest.raises(EngineUnavailable, match="The first failure"):
        desk.work(run)


def test_the_name_was_taken_in_between(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ingest()
    monkeypatch.setattr(
        "aiser_app.db.repositories.data_sources.DataSourceRepository.find_by_name",
        lambda *_: None,
    )
    with pytest.raises(Conflict, match="already"):
        desk.upload()
    assert desk.files() == []


def test_leftovers_are_removed_after_a_day(tmp_path: Path) -> None:
    old, new = new_upload(tmp_path, "a" * 32), new_upload(tmp_path, "a" * 32)
    for upload in (old, new):
        with upload.open_new() as sink:
            sink.write(b"x")
    assert old.path.stat().st_mode & 0o777 == 0o600
    other = tmp_path / ("a" * 32) / "notes.txt"
    other.write_text("not an upload")
    past = time.time() - 2 * 24 * 3600
    for path in (old.path, other):
        os.utime(path, (past, past))
    assert clean_uploads(tmp_path) == 1
    assert not old.path.exists()
    assert new.path.exists()
    assert clean_uploads(tmp_path, now=time.time() + timedelta(days=2).total_seconds()) == 1
    assert other.exists()
    assert clean_uploads(tmp_path / "nowhere") == 0


def test_a_leftover_that_goes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = new_upload(tmp_path, "a" * 32)
    upload.path.parent.mkdir(parents=True)
    upload.path.symlink_to(tmp_path / "gone")
    assert clean_uploads(tmp_path) == 0


def test_no_room_for_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.services.upload_files.FREE_BYTES", 2**62)
    with pytest.raises(StorageFull):
        new_upload(tmp_path, "a" * 32).open_new()
    monkeypatch.undo()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFull):
        new_upload(tmp_path / "file", "a" * 32).open_new()
