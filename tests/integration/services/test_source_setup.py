"""Sources are added, changed, tested, paused and removed by those who may, and nobody's secret leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.data_source import SourceSettings, SourceStatus
from aiser_app.domain.run import RunKind, RunStatus
from aiser_app.errors import (
    Conflict,
    EngineUnavailable,
    InvalidInput,
    NotFound,
    PermissionDenied,
)
from aiser_app.services.run_lifecycle import worker_lost_failure
from aiser_app.services.source_setup import SourceChange, checked_settings
from tests.fixtures.customer import Shop
from tests.fixtures.mariadb import MariaDB
from tests.fixtures.organizations import Tenant, add_tenant, now
from tests.fixtures.query_desk import make_desk

pytestmark = pytest.mark.integration
URL = "postgresql://reader:hunter2-canary@db.example.com:5432/shop"


@pytest.fixture
def tenant(web_services: Services) -> Tenant:
    return add_tenant(web_services.engine)


@pytest.fixture
def admin(tenant: Tenant) -> Actor:
    return tenant.actor(Role.ADMIN)


@pytest.fixture
def live_url(shop: Shop) -> str:
    return shop.url


def test_a_new_source_is_sealed_and_synced(web_services: Services, admin: Actor) -> None:
    setup = web_services.source_setup
    source, run = setup.create(
        admin, name="Shop", change=SourceChange(url=URL, description="What we sell")
    )
    assert (source.engine, source.status) == ("postgres", SourceStatus.SYNCING)
    assert (run.kind, run.status, run.source_id) == (
        RunKind.SYNC,
        RunStatus.QUEUED,
        source.source_id,
    )
    assert "hunter2" not in source.sealed_url
    assert "hunter2" not in repr(source)
    shown = setup.shown_url(admin, source)
    assert "db.example.com" in shown
    assert "hunter2" not in shown
    assert setup.shown_url(replace(admin, permissions=frozenset()), source) == ""
    with pytest.raises(Conflict):
        setup.create(admin, name="Shop", change=SourceChange(url=URL))
    with pytest.raises(Conflict):
        setup.sync(admin, "Shop")
    with UnitOfWork(web_services.engine) as uow:
        events = uow.audit_events.list_all(admin.organization_id)
    assert "source.created" in [event.kind for event in events]
    assert "hunter2" not in str(events)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://a:b@h/d",
        "sqlite:////etc/passwd",
        "duckdb:///etc/x.duckdb",
        "shillelagh://",
        "mysql://a:b@h/d?local_infile=1",
        "postgresql://a:b@h/d?options=-c%20x",
        "nonsense",
        "x" * 5_000,
    ],
)
def test_addresses_that_may_not_be_used_are_refused(
    web_services: Services, admin: Actor, url: str
) -> None:
    with pytest.raises(InvalidInput):
        web_services.source_setup.create(admin, name="X", change=SourceChange(url=url))


def test_a_source_needs_an_address_and_a_name(web_services: Services, admin: Actor) -> None:
    for name, change in (("X", SourceChange()), (" ", SourceChange(url=URL))):
        with pytest.raises(InvalidInput):
            web_services.source_setup.create(admin, name=name, change=change)
    with pytest.raises(InvalidInput):
        web_services.source_setup.test_url(admin, SourceChange())


def test_only_administrators_may(web_services: Services, tenant: Tenant) -> None:
    setup = web_services.source_setup
    for role in (Role.ANALYST, Role.VIEWER):
        who = tenant.actor(role)
        for attempt in (
            lambda who=who: setup.create(who, name="X", change=SourceChange(url=URL)),
            lambda who=who: setup.change(who, "Orders", SourceChange(name="Y")),
            lambda who=who: setup.pause(who, "Orders", "because"),
            lambda who=who: setup.resume(who, "Orders"),
            lambda who=who: setup.delete(who, "Orders"),
            lambda who=who: setup.test(who, "Orders"),
            lambda who=who: setup.test_url(who, SourceChange(url=URL)),
            lambda who=who: setup.sync(who, "Orders"),
        ):
            with pytest.raises(PermissionDenied):
                attempt()


def test_sources_of_others_do_not_exist(web_services: Services, tenant: Tenant) -> None:
    stranger = add_tenant(web_services.engine).actor(Role.OWNER)
    setup, source_id = web_services.source_setup, tenant.source.source_id
    for attempt in (
        lambda: setup.change(stranger, source_id, SourceChange(name="Y")),
        lambda: setup.pause(stranger, source_id, "because"),
        lambda: setup.delete(stranger, source_id),
        lambda: setup.test(stranger, source_id),
        lambda: setup.sync(stranger, source_id),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_what_is_given_is_changed(web_services: Services, admin: Actor) -> None:
    setup = web_services.source_setup
    source, _ = setup.create(admin, name="Shop", change=SourceChange(url=URL))
    changed = setup.change(
        admin,
        source.source_id,
        SourceChange(
            name="Store",
            url=URL.replace("shop", "store"),
            description="New",
            settings={"max_concurrent": 2, "sample_values": False},
        ),
    )
    assert (changed.name, changed.description) == ("Store", "New")
    assert changed.settings == SourceSettings(max_concurrent=2, sample_values=False)
    assert "store" in setup.shown_url(admin, changed)
    with pytest.raises(Conflict):
        setup.change(admin, "Store", SourceChange(name="Orders"))
    with pytest.raises(InvalidInput):
        setup.change(admin, "Store", SourceChange(description="x" * 3_000))
    with pytest.raises(InvalidInput):
        setup.change(admin, "Orders", SourceChange(url=URL))  # uploaded data has no address


@pytest.mark.parametrize(
    "given",
    [
        {"nope": 1},
        {"max_concurrent": 0},
        {"max_concurrent": "4"},
        {"max_concurrent": True},
        {"cache_seconds": -1},
        {"connect_timeout_seconds": 1e9},
        {"sample_values": "perhaps"},
    ],
)
def test_settings_out_of_range_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        checked_settings(SourceSettings(), given)


def test_a_limit_may_be_taken_away_again() -> None:
    limited = checked_settings(SourceSettings(), {"query_timeout_seconds": 5})
    assert limited.query_timeout_seconds == 5
    assert checked_settings(limited, {"query_timeout_seconds": None}) == SourceSettings()


def test_a_paused_source_answers_nothing_until_it_is_resumed(web_services: Services) -> None:
    desk = make_desk(web_services)
    web_services.source_setup.pause(desk.admin, "Orders", "moving house")
    view = desk.run("SELECT id FROM orders")
    assert view["error"]["code"] == "source_paused"
    assert "moving house" in view["error"]["message"]
    web_services.source_setup.resume(desk.admin, "Orders")
    assert desk.run("SELECT id FROM orders")["status"] == "succeeded"


def test_a_removed_source_leaves_its_history(web_services: Services) -> None:
    desk = make_desk(web_services)
    view = desk.run("SELECT id FROM orders")
    path = (
        web_services.settings.sources_dir
        / web_services.sources.get(desk.actor, "Orders").options["path"]
    )
    assert path.exists()
    web_services.source_setup.delete(desk.admin, "Orders")
    assert not path.exists()
    with pytest.raises(NotFound):
        web_services.sources.get(desk.actor, desk.tenant.source.source_id)
    again = web_services.runs.view(desk.actor, view["run_id"])
    assert again["rows"] == view["rows"]
    assert again["source"] is None
    assert len(web_services.query_history.list(desk.actor)) == 1
    fresh, _ = web_services.source_setup.create(
        desk.admin, name="Orders", change=SourceChange(url=URL)
    )
    assert fresh.name == "Orders"


def test_a_connection_is_tested_step_by_step(
    web_services: Services, admin: Actor, live_url: str
) -> None:
    setup = web_services.source_setup
    good = setup.test_url(admin, SourceChange(url=live_url))
    assert good.is_ok, good
    wrong = setup.test_url(admin, SourceChange(url=live_url.replace("reads-only", "wrong-word")))
    assert wrong.failed_step is not None
    assert wrong.failed_step.step == "sign_in"
    assert "wrong-word" not in str(wrong)
    source, _ = setup.create(admin, name="Live", change=SourceChange(url=live_url))
    report = setup.test(admin, "Live")
    assert report.is_ok
    with UnitOfWork(web_services.engine) as uow:
        kept = uow.data_sources.find(admin.organization_id, source.source_id)
    assert kept is not None
    assert kept.warnings == report.warnings


def test_keys_can_be_rotated(web_services: Services, admin: Actor, live_url: str) -> None:
    setup = web_services.source_setup
    source, _ = setup.create(admin, name="Sealed", change=SourceChange(url=live_url))
    assert web_services.key_rotation.rotate() >= 1
    with UnitOfWork(web_services.engine) as uow:
        kept = uow.data_sources.find(admin.organization_id, source.source_id)
    assert kept is not None
    assert kept.sealed_url != source.sealed_url
    assert setup.test(admin, "Sealed").is_ok
    with pytest.raises(Exception, match="key"):
        web_services.data.sealer.open(source.sealed_url)


def test_an_engine_that_is_not_here_is_named(web_services: Services) -> None:
    with pytest.raises(EngineUnavailable):
        web_services.data.sources.engine("oracle")
    assert "postgres" in web_services.data.sources.dialects


def test_files_beyond_the_folder_of_sources_are_never_removed(
    web_services: Services, tmp_path: Path
) -> None:
    desk = make_desk(web_services)
    outside = tmp_path / "precious.duckdb"
    outside.write_text("mine")
    shared = web_services.settings.sources_dir / "nyc_flights.duckdb"
    shared.touch()
    for path in (str(outside), "", shared.name):
        moved = replace(desk.tenant.source, options={"path": path})
        desk.services.source_setup._remove_file(moved)
    assert outside.exists()
    assert shared.exists()
    shared.unlink()


def test_a_stopped_or_lost_sync_leaves_its_source_usable(
    web_services: Services, admin: Actor, live_url: str
) -> None:
    setup, sources = web_services.source_setup, web_services.sources
    source, run = setup.create(admin, name="Stopped", change=SourceChange(url=live_url))
    assert web_services.runs.cancel(admin, run.run_id).status is RunStatus.CANCELLED
    stopped = sources.get(admin, "Stopped")
    assert stopped.status is SourceStatus.FAILED
    assert "stopped" in stopped.status_reason
    lost = setup.sync(admin, "Stopped")
    lifecycle = make_desk(web_services).lifecycle
    assert lifecycle.finish(lost.run_id, 0, status=RunStatus.FAILED, failure=worker_lost_failure())
    assert "died" in sources.get(admin, source.source_id).status_reason
    with UnitOfWork(web_services.engine) as uow:
        uow.data_sources.replace(replace(stopped, synced_at=now()))
        uow.commit()
    again = setup.sync(admin, "Stopped")
    web_services.runs.cancel(admin, again.run_id)
    assert sources.get(admin, "Stopped").status is SourceStatus.READY


def test_tables_of_mysql_may_be_written_with_their_database(
    web_services: Services, mariadb_server: MariaDB
) -> None:
    mariadb_server.run("CREATE DATABASE warehouse")
    mariadb_server.run("CREATE TABLE goods AS SELECT 7 AS amount", database="warehouse")
    desk = make_desk(web_services)
    change = SourceChange(url=mariadb_server.url("warehouse"))
    _, run = web_services.source_setup.create(desk.admin, name="Goods", change=change)
    desk.execution.execute(run.run_id)
    for table in ("goods", "warehouse.goods"):
        view = desk.run(f"SELECT amount FROM {table}", sources=["Goods"])
        assert view["rows"] == [[7]], view.get("error")
    foreign = desk.run("SELECT user FROM mysql.user", sources=["Goods"])
    assert foreign["error"]["code"] == "query_denied"
