"""One transaction per unit of work; hooks run after the commit and only then."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from aiser_app.db.engine import open_engine
from aiser_app.db.identifiers import new_id
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.errors import ServiceUnavailable
from tests.fixtures.organizations import now

pytestmark = pytest.mark.integration


def find_name(engine: Engine, organization_id: str) -> str | None:
    with UnitOfWork(engine) as uow:
        return uow.organizations.find_name(organization_id)


def backend_of(uow: UnitOfWork) -> int:
    connection = uow.organizations._session.connection()
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_what_is_not_committed_is_rolled_back(engine: Engine) -> None:
    organization_id = new_id()
    called: list[str] = []
    with UnitOfWork(engine) as uow:
        uow.organizations.add(organization_id, "Gone", now())
        uow.after_commit(lambda: called.append("hook"))
    assert find_name(engine, organization_id) is None
    assert called == []


def test_an_error_rolls_back_and_drops_the_hooks(engine: Engine) -> None:
    organization_id = new_id()
    called: list[str] = []

    def work() -> None:
        with UnitOfWork(engine) as uow:
            uow.organizations.add(organization_id, "Gone", now())
            uow.after_commit(lambda: called.append("hook"))
            raise KeyError("on the way")

    with pytest.raises(KeyError):
        work()
    assert find_name(engine, organization_id) is None
    assert called == []


def test_hooks_run_once_after_the_commit_in_order(engine: Engine) -> None:
    organization_id = new_id()
    seen: list[str | None] = []
    with UnitOfWork(engine) as uow:
        uow.organizations.add(organization_id, "Kept", now())
        uow.after_commit(lambda: seen.append(find_name(engine, organization_id)))
        uow.after_commit(lambda: seen.append("second"))
        assert seen == []
        uow.commit()
        uow.commit()
    assert seen == ["Kept", "second"]


def test_a_commit_that_fails_runs_no_hook(engine: Engine) -> None:
    """The constraint is checked at the commit itself."""
    called: list[str] = []
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE deferred_probe (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        )
    try:
        with UnitOfWork(engine) as uow:
            session = uow.organizations._session
            session.connection().execute(text("INSERT INTO deferred_probe VALUES (1), (1)"))
            uow.after_commit(lambda: called.append("hook"))
            with pytest.raises(IntegrityError):
                uow.commit()
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE deferred_probe"))
    assert called == []


def test_a_hook_that_meets_a_dead_store_does_not_undo_the_commit(engine: Engine) -> None:
    organization_id = new_id()
    called: list[str] = []

    def fails() -> None:
        raise ServiceUnavailable("Redis does not answer.")

    with UnitOfWork(engine) as uow:
        uow.organizations.add(organization_id, "Kept", now())
        uow.after_commit(fails)
        uow.after_commit(lambda: called.append("second"))
        uow.commit()
    assert find_name(engine, organization_id) == "Kept"
    assert called == ["second"]


def test_it_is_not_used_outside_of_its_block(engine: Engine) -> None:
    uow = UnitOfWork(engine)
    with pytest.raises(RuntimeError, match="inside"):
        uow.commit()
    with uow, pytest.raises(RuntimeError, match="once"):
        uow.__enter__()


def test_postgres_that_does_not_answer_is_service_unavailable() -> None:
    engine = open_engine("postgresql://aiser:canary-password@127.0.0.1:1/aiser")
    with pytest.raises(ServiceUnavailable) as caught, UnitOfWork(engine) as uow:
        uow.organizations.has_owner()
    assert caught.value.message == "The database does not answer."
    assert caught.value.hint
    assert "canary-password" not in f"{caught.value}{caught.value.hint}"


def test_a_connection_that_was_cut_is_replaced(migrated_database_url: str) -> None:
    """As after a restart of Postgres: pooled connections are tried before they are used."""
    engine = open_engine(migrated_database_url)
    with UnitOfWork(engine) as uow:
        victim = backend_of(uow)
    with psycopg.connect(migrated_database_url, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s)", [victim])
    with UnitOfWork(engine) as uow:
        assert uow.organizations.find_name(new_id()) is None
        assert backend_of(uow) != victim
    engine.dispose()


def test_a_connection_cut_within_a_unit_of_work_is_service_unavailable(engine: Engine) -> None:
    def work() -> None:
        with UnitOfWork(engine) as uow:
            victim = backend_of(uow)
            with engine.connect() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": victim})
            uow.organizations.has_owner()

    with pytest.raises(ServiceUnavailable):
        work()
