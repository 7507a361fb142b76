"""What a sync writes, what it leaves when it fails, and what it costs where there is very much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from aiser_app.db.advisory_lock import exclusive
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.catalog import Catalog
from aiser_app.domain.connection import ConnectionReport, ConnectionStep, StepOutcome
from aiser_app.domain.data_source import SourceStatus
from aiser_app.errors import (
    Conflict,
    EngineUnavailable,
    NotFound,
    QueryCancelled,
    ServiceUnavailable,
    SourcePaused,
)
from aiser_app.query.catalog import MAX_STATEMENTS
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.postgres import PostgresEngine
from aiser_app.services import syncing
from aiser_app.services.catalogs import granted_tables, store_catalog
from aiser_app.stack.postgres import Postgres
from tests.fixtures.organizations import Tenant, add_tenant, now
from tests.integration.services.syncs import Sync, a_sync
from tests.unit.query.catalog.engines import a_table, answering, no_rows, sqlite_engine

pytestmark = pytest.mark.integration

SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)",
    "INSERT INTO customers VALUES (1, 'Ada'), (2, 'Bob')",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id))",
    "INSERT INTO orders VALUES (1, 1), (2, 1), (3, 2)",
    "CREATE VIEW buyers AS SELECT name FROM customers JOIN orders ON customer_id = customers.id",
)


@pytest.fixture
def tenant(engine: Engine) -> Tenant:
    return add_tenant(engine)


@pytest.fixture
def shop(engine: Engine, tenant: Tenant) -> Sync:
    return a_sync(engine, tenant, sqlite_engine(*SHOP))


def test_a_sync_writes_tables_model_and_source(shop: Sync) -> None:
    outcome = shop.run()
    assert outcome["changes"] == ["3 new tables: buyers, customers, orders."]
    assert {key: outcome[key] for key in ("tables", "columns", "rows", "links", "left_out")} == {
        "tables": 3, "columns": 5, "rows": 5, "links": 1, "left_out": 0,
    }  # fmt: skip
    assert 0 < outcome["statements"] == len(shop.engine.statements) <= 4
    assert outcome["seconds"] > 0
    source = shop.stored()
    assert (source.status, source.status_reason) == (SourceStatus.READY, "")
    assert (source.table_count, source.row_count) == (3, 5)
    assert source.synced_at is not None
    assert len(source.data_version) == 32
    assert shop.names() == ["buyers", "customers", "orders"]
    model = shop.model()
    assert model is not None
    assert {cube.name for cube in model.cubes} == {"buyers", "customers", "orders"}
    assert ("connect", "", "done") in shop.lines.told
    assert ("schema", "3 tables", "done") in shop.lines.told
    assert ("values", "2 of 2", "done") in shop.lines.told
    assert shop.lines.told[-1] == ("store", "3 new tables: buyers, customers, orders.", "done")


def test_a_second_sync_says_what_changed_and_keeps_an_equal_model(shop: Sync) -> None:
    shop.run()
    before = shop.stored()
    assert shop.run()["changes"] == []
    assert shop.lines.told[-1] == ("store", "Nothing changed.", "done")
    assert shop.stored().data_version != before.data_version
    model = shop.model()
    assert model is not None
    assert model.version == 1
    shop.engine = sqlite_engine(
        *SHOP[:2], "CREATE TABLE orders (id TEXT PRIMARY KEY, customer_id INTEGER, paid REAL)"
    )
    assert shop.run()["changes"] == [
        "1 table is gone: buyers.",
        "1 new column: orders.paid.",
        "1 column changed its type: orders.id from INTEGER to TEXT.",
    ]
    model = shop.model()
    assert model is not None
    assert model.version == 2
    assert shop.names() == ["customers", "orders"]


def test_warnings_of_the_connection_are_kept(shop: Sync) -> None:
    shop.engine.report = ConnectionReport(steps=(), warnings=("The role can write.",))
    assert shop.run()["warnings"] == ["The role can write."]
    assert shop.stored().warnings == ("The role can write.",)


def test_hidden_tables_stay_hidden_and_out_of_the_model(shop: Sync) -> None:
    shop.run()
    with UnitOfWork(shop.database) as uow:
        assert uow.source_tables.set_hidden(shop.source.source_id, "orders", hidden=True)
        assert not uow.source_tables.set_hidden(shop.source.source_id, "nothing", hidden=True)
        uow.commit()
    outcome = shop.run()
    assert outcome["left_out"] == 1
    assert "1 of 3 tables are not part of the model" in outcome["notes"][0]
    model = shop.model()
    assert model is not None
    assert {cube.name for cube in model.cubes} == {"buyers", "customers"}
    with UnitOfWork(shop.database) as uow:
        assert uow.source_tables.get(shop.source.source_id, "orders").hidden_from_ai
        assert uow.source_tables.hidden_names(shop.source.source_id) == {"orders"}


def test_the_guard_gets_tables_that_stay_usable(shop: Sync) -> None:
    source = shop.stored()
    with UnitOfWork(shop.database) as uow:
        assert list(granted_tables(uow, source)) == []
    shop.run()
    source = shop.stored()
    with UnitOfWork(shop.database) as uow:
        tables = granted_tables(uow, source)
        assert granted_tables(uow, source) is tables
    assert list(tables) == ["buyers", "customers", "orders"]
    assert tables["buyers"].depends_on == ("customers", "orders")
    assert tables["customers"].columns == ("id", "name")
    assert tables["customers"].column_types == {"id": "integer", "name": "string"}
    assert tables["orders"].row_estimate == 3
    shop.engine = sqlite_engine(*SHOP[:2])
    shop.run()
    with UnitOfWork(shop.database) as uow:
        assert list(granted_tables(uow, shop.stored())) == ["customers"]


def test_a_failing_sync_leaves_what_was_known(shop: Sync) -> None:
    shop.run()
    before, model = shop.stored(), shop.model()

    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        raise EngineUnavailable("The database went away.")

    shop.engine = answering("sqlite", run, a_table("other", "id INTEGER"))
    with pytest.raises(EngineUnavailable):
        shop.run()
    after = shop.stored()
    assert (after.status, after.status_reason) == (SourceStatus.FAILED, "The database went away.")
    assert replace(after, status=before.status, status_reason="") == before
    assert shop.names() == ["buyers", "customers", "orders"]
    assert shop.model() == model
    shop.engine = sqlite_engine(*SHOP)
    shop.run()
    assert (shop.stored().status, shop.stored().status_reason) == (SourceStatus.READY, "")


@pytest.mark.parametrize("message", ["The password is wrong.", ""])
def test_a_connection_that_fails_says_which_step(shop: Sync, message: str) -> None:
    shop.engine.report = ConnectionReport(
        steps=(StepOutcome(step=ConnectionStep.SIGN_IN, is_ok=False, message=message),)
    )
    with pytest.raises(EngineUnavailable):
        shop.run()
    assert shop.engine.described == 0
    assert (
        shop.stored().status_reason == message or "cannot be reached" in shop.stored().status_reason
    )
    assert shop.lines.told == [("connect", message, "fail")]


def test_an_error_of_our_own_is_told_without_its_text(
    shop: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Catalog:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(syncing, "read_catalog", fail)
    with pytest.raises(ZeroDivisionError):
        shop.run()
    assert shop.stored().status_reason == "Something went wrong inside Aiser."


@pytest.mark.parametrize(
    ("reason", "synced", "status", "why"),
    [
        ("cancelled", True, SourceStatus.READY, ""),
        ("cancelled", False, SourceStatus.FAILED, "The sync was stopped."),
        ("deadline", True, SourceStatus.FAILED, "The sync did not end within its time."),
        ("shutdown", True, SourceStatus.SYNCING, ""),
        ("lost", True, SourceStatus.SYNCING, ""),
    ],
)
def test_a_stopped_sync(
    shop: Sync, reason: str, synced: bool, status: SourceStatus, why: str
) -> None:
    if synced:
        shop.run()
    shop.cancel.cancel(reason)
    with pytest.raises(QueryCancelled):
        shop.run()
    assert (shop.stored().status, shop.stored().status_reason) == (status, why)


def test_a_stop_at_the_last_moment_writes_nothing(
    shop: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = syncing.model_of

    def stopping(*arguments: Any) -> Any:
        shop.cancel.cancel()
        return original(*arguments)

    monkeypatch.setattr(syncing, "model_of", stopping)
    with pytest.raises(QueryCancelled):
        shop.run()
    assert shop.names() == []


def test_an_earlier_failure_is_still_told_after_a_stop(shop: Sync) -> None:
    shop.run()
    shop.set(status_reason="The password is wrong.", status=SourceStatus.FAILED)
    shop.cancel.cancel()
    with pytest.raises(QueryCancelled):
        shop.run()
    assert shop.stored().status is SourceStatus.FAILED
    assert shop.stored().status_reason == "The password is wrong."


def test_two_syncs_of_one_source_do_not_mix(shop: Sync) -> None:
    with exclusive(shop.database, f"sync:{shop.source.source_id}") as held:
        assert held
        with pytest.raises(Conflict, match="is being synchronized already"):
            shop.run()
        assert shop.stored().status is SourceStatus.SYNCING
    assert shop.run()["tables"] == 3


def test_a_paused_source_is_left_alone(shop: Sync) -> None:
    shop.set(status=SourceStatus.PAUSED, status_reason="maintenance")
    with pytest.raises(SourcePaused, match="maintenance"):
        shop.run()
    assert shop.engine.described == 0
    assert shop.stored().status is SourceStatus.PAUSED


@pytest.mark.parametrize("fails", [False, True])
def test_a_pause_meanwhile_stays(shop: Sync, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    original = syncing.model_of

    def pausing(*arguments: Any) -> Any:
        shop.set(status=SourceStatus.PAUSED, status_reason="maintenance")
        if fails:
            raise EngineUnavailable("gone")
        return original(*arguments)

    monkeypatch.setattr(syncing, "model_of", pausing)
    if fails:
        with pytest.raises(EngineUnavailable):
            shop.run()
    else:
        shop.run()
    assert (shop.stored().status, shop.stored().status_reason) == (
        SourceStatus.PAUSED, "maintenance",
    )  # fmt: skip
    assert len(shop.names()) == (0 if fails else 3)


def test_a_new_address_meanwhile_makes_what_was_read_worthless(
    shop: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = syncing.model_of

    def changing(*arguments: Any) -> Any:
        shop.set(sealed_url="another")
        return original(*arguments)

    monkeypatch.setattr(syncing, "model_of", changing)
    with pytest.raises(Conflict, match="address"):
        shop.run()
    assert shop.names() == []
    assert shop.stored().status is SourceStatus.FAILED


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_source_that_was_removed(shop: Sync, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    original = syncing.model_of
    with UnitOfWork(shop.database) as uow:
        real = type(uow.data_sources)
    known = real.lock

    def gone(*arguments: Any) -> Any:
        monkeypatch.setattr(real, "lock", lambda *_: None)
        return original(*arguments)

    if when == "before":
        monkeypatch.setattr(real, "lock", lambda *_: None)
    monkeypatch.setattr(syncing, "model_of", gone)
    with pytest.raises(NotFound):
        shop.run()
    monkeypatch.setattr(real, "lock", known)
    assert shop.names() == []


def test_an_ending_that_cannot_be_written_does_not_hide_the_failure(
    shop: Sync, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> Catalog:
        def down(*_: object) -> None:
            raise ServiceUnavailable("Postgres is away.")

        monkeypatch.setattr(
            "aiser_app.db.repositories.data_sources.DataSourceRepository.lock", down
        )
        raise EngineUnavailable("gone")

    monkeypatch.setattr(syncing, "read_catalog", fail)
    with pytest.raises(EngineUnavailable, match="gone"):
        shop.run()
    assert "sync_ending_not_written" in caplog.text


def test_kept_data_does_not_become_younger_by_being_read(shop: Sync) -> None:
    source = replace(shop.source, engine="duckdb", synced_at=now())
    shop.set(synced_at=source.synced_at, engine="duckdb")
    with UnitOfWork(shop.database) as uow:
        stored = store_catalog(uow, source, Catalog(source_id=source.source_id, tables=()), now())
        uow.commit()
    assert stored.source.synced_at == source.synced_at
    assert shop.stored().synced_at == source.synced_at
    assert stored.model.version == 1


def test_names_that_cannot_be_kept_are_told(engine: Engine, tenant: Tenant) -> None:
    schemas = [a_table("n" * 401, "id INTEGER"), a_table("short", "id INTEGER")]
    sync = a_sync(engine, tenant, answering("sqlite", lambda text, values: [], *schemas))
    outcome = sync.run()
    assert outcome["tables"] == 1
    assert outcome["changes"] == ["1 new table: short."]
    assert outcome["notes"][-1] == "1 tables have names that are too long to be kept."


def test_five_thousand_tables_are_stored_in_seconds(engine: Engine, tenant: Tenant) -> None:
    columns = [f"column_{number} INTEGER" for number in range(29)]
    schemas = [
        a_table(f"table_{number}", "id INTEGER", *columns, primary_key=("id",))
        for number in range(5_000)
    ]
    sync = a_sync(engine, tenant, no_rows("postgres", *schemas))
    sync.set(settings=replace(sync.source.settings, sample_values=False))
    outcome = sync.run()
    assert (outcome["tables"], outcome["columns"]) == (5_000, 150_000)
    assert outcome["left_out"] == 4_700
    assert outcome["statements"] == 0
    assert outcome["seconds"] < 120
    assert len(sync.lines.told) < 20
    print(f"5,000 tables in memory, synced and stored: {outcome['seconds']} s")
    with UnitOfWork(engine) as uow:
        page, total = uow.source_tables.list_page(
            sync.source.source_id, search="TABLE_499", offset=2, limit=3
        )
    assert total == 11
    assert [item.table.name for item in page] == ["table_4991", "table_4992", "table_4993"]


TABLES = 2_000


@pytest.fixture
def large_database(fresh_database_url: str) -> str:
    """Two thousand tables in chains of references, in transactions that the server has locks for."""
    with psycopg.connect(fresh_database_url, autocommit=True) as owner:
        owner.execute("SET synchronous_commit = off")
        for first in range(0, TABLES, 250):
            make = (
                f"DO $$ BEGIN FOR i IN {first}..{first + 249} LOOP EXECUTE format('CREATE TABLE %I "
                "(id bigint PRIMARY KEY, %I bigint, kind text, at timestamp)', 'thing_' || i, "
                "'thing_' || (i + 1) || '_id'); END LOOP; END $$"
            )
            owner.execute(make.encode())
        owner.execute("INSERT INTO thing_7 SELECT i, i, 'k' || i % 3 FROM generate_series(1, 9) i")
        owner.execute("CREATE VIEW looks AS SELECT kind FROM thing_7")
        name = fresh_database_url.rpartition("/")[2].partition("?")[0]
        owner.execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'".encode())
    return fresh_database_url


def test_a_large_database_is_asked_little(
    engine: Engine, tenant: Tenant, large_database: str, postgres_server: Postgres,
    server_folder: Path,
) -> None:  # fmt: skip
    postgres = PostgresEngine(unseal=str, rules=HostRules())
    sync = a_sync(engine, tenant, postgres, name="postgres", url=large_database)
    log = server_folder / "postgres.log"
    start = log.stat().st_size
    try:
        outcome = sync.run()
    finally:
        postgres.close()
    with log.open(encoding="utf-8", errors="replace") as stream:
        stream.seek(start)
        seen = [
            line
            for line in stream
            if " LOG:  " in line and ("statement: " in line or "execute " in line)
        ]
    queries = [line for line in seen if "SELECT" in line]
    assert outcome["tables"] == TABLES + 1
    # One each to the next, but for the last, and for the one whose values speak against it.
    assert outcome["links"] == TABLES - 2
    assert outcome["left_out"] == TABLES + 1 - 300
    assert 0 < outcome["statements"] <= MAX_STATEMENTS
    assert outcome["statements"] <= len(queries) <= 2 * MAX_STATEMENTS
    assert not [line for line in queries if "looks" in line]
    print(
        f"{TABLES} tables in PostgreSQL: {outcome['seconds']} s, {len(seen)} statements in its log"
    )
