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


@pytest.mark.parametrize("idle_seconds", [15.0, -1.0], ids=["used just now", "rested for long"])
def test_a_connection_that_was_cut_is_replaced(
    migrated_database_url: str, idle_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart of Postgres: what the server said last is seen before the next use."""
    monkeypatch.setattr("aiser_app.db.engine.IDLE_SECONDS", idle_seconds)
    engine = open_engine(migrated_database_url)
    with UnitOfWork(engine) as uow:
        victim = backend_of(uow)
    with UnitOfWork(engine) as uow:
        assert backend_of(uow) == victim
    with psycopg.connect(migrated_database_url, autocommit=True) as killer:
        gone = killer.execute("SELECT pg_terminate_backend(%s, 5000)", [victim]).fetchone()
        assert gone == (True,)
    with UnitOfWork(engine) as uow:
        assert uow.organizations.find_name(new_id()) is None
        assert backend_of(uow) != victim
    engine.dispose()


def test_a_connection_that_was_closed_here_is_replaced(migrated_database_url: str) -> None:
    engine = open_engine(migrated_database_url)
    with UnitOfWork(engine) as uow:
        victim = backend_of(uow)
        driver = uow.organizations._session.connection().connection.driver_connection
    assert driver is not None
    driver.close()
    with UnitOfWork(engine) as uow:
        assert backend_of(uow) != victim
    engine.dispose()


def test_what_a_server_says_besides_is_no_reason_to_leave_it(migrated_database_url: str) -> None:
    """A notice lies in the socket like the last word of a server that ends: it is asked."""
    engine = open_engine(migrated_database_url)
    with UnitOfWork(engine, each_alone=True) as uow:
        talker = backend_of(uow)
        uow.organizations._session.connection().execute(text("LISTEN something"))
    with psycopg.connect(migrated_database_url, autocommit=True) as other:
        other.execute("NOTIFY something")
        other.execute("SELECT 1")
    with UnitOfWork(engine) as uow:
        assert backend_of(uow) == talker
    engine.dispose()


def test_each_statement_alone_is_a_transaction(engine: Engine) -> None:
    """For reads, and for one write: no BEGIN, and nothing left to commit."""
    organization_id = new_id()
    called: list[str] = []
    with UnitOfWork(engine, each_alone=True) as uow:
        uow.organizations.add(organization_id, "Alone", now())
        uow.after_commit(lambda: called.append("hook"))
        assert find_name(engine, organization_id) == "Alone"
        uow.commit()
    assert called == ["hook"]
    with UnitOfWork(engine) as uow:  # the same connection, as if nothing had happened
        uow.organizations.add(new_id(), "Together", now())
        isolation = text("SELECT count(*) FROM organizations WHERE name = 'Together'")
        assert uow.organizations._session.connection().execute(isolation).scalar_one() >= 1
    with UnitOfWork(engine) as uow:
        connection = uow.organizations._session.connection()
        assert connection.execute(isolation).scalar_one() == 0


def test_the_last_changes_and_the_commit_are_one(engine: Engine) -> None:
    names = {new_id(): f"Together {number}" for number in range(3)}
    seen: list[list[str | None]] = []
    with UnitOfWork(engine) as uow:
        uow.after_commit(lambda: seen.append([find_name(engine, one) for one in names]))
        uow.commit(last=lambda: add_all(uow, names))
    assert seen == [list(names.values())]


def test_when_one_of_the_last_changes_fails_nothing_happened(engine: Engine) -> None:
    called: list[str] = []
    taken, fresh = new_id(), new_id()
    with UnitOfWork(engine) as uow:
        uow.organizations.add(taken, "Taken", now())
        uow.commit()
    with UnitOfWork(engine) as uow:
        uow.after_commit(lambda: called.append("hook"))
        with pytest.raises(psycopg.IntegrityError):
            uow.commit(last=lambda: add_all(uow, {fresh: "Fresh", taken: "Again"}))
    assert find_name(engine, fresh) is None
    assert find_name(engine, taken) == "Taken"
    assert called == []


def test_a_connection_cut_before_the_last_changes_is_service_unavailable(engine: Engine) -> None:
    organization_id = new_id()

    def work() -> None:
        with UnitOfWork(engine) as uow:
            victim = backend_of(uow)
            with engine.connect() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": victim})
            uow.commit(last=lambda: add_all(uow, {organization_id: "Lost"}))

    with pytest.raises(ServiceUnavailable):
        work()
    assert find_name(engine, organization_id) is None


def add_all(uow: UnitOfWork, names: dict[str, str]) -> None:
    """By statements whose results nobody reads."""
    statement = text("INSERT INTO organizations VALUES (:id, :name, now())")
    for organization_id, name in names.items():
        uow.organizations._session.connection().execute(
            statement, {"id": organization_id, "name": name}
        )


def test_a_lazy_commit_is_seen_at_once_and_concerns_itself_alone(engine: Engine) -> None:
    organization_id = new_id()
    with UnitOfWork(engine) as uow:
        uow.organizations.add(organization_id, "Lazy", now())
        uow.commit(lazily=True)
    assert find_name(engine, organization_id) == "Lazy"
    with UnitOfWork(engine) as uow:
        connection = uow.organizations._session.connection()
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"


def test_a_connection_cut_within_a_unit_of_work_is_service_unavailable(engine: Engine) -> None:
    def work() -> None:
        with UnitOfWork(engine) as uow:
            victim = backend_of(uow)
            with engine.connect() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": victim})
            uow.organizations.has_owner()

    with pytest.raises(ServiceUnavailable):
        work()
