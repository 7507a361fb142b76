"""Tables of a source, one row each."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from aiser_app.db.advisory_lock import exclusive
from aiser_app.db.engine import open_unpooled
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.catalog import ColumnProfile, SourceTable, TableProfile
from aiser_app.errors import NotFound, ServiceUnavailable
from tests.fixtures.organizations import Tenant, add_tenant

pytestmark = pytest.mark.integration

FULL = SourceTable(
    table=TableProfile(
        name="sales.orders",
        row_count=7,
        columns=(
            ColumnProfile(
                name="a",
                type="string",
                native_type="text",
                description="x\x00y",
                distinct_count=0,
                null_fraction=0.25,
                values=("p", "q"),
                is_sampled=True,
            ),
            ColumnProfile(name="b", type="integer"),
        ),
        description="d",
        primary_key=("a", "b"),
        foreign_keys=((("b",), "other", ("id",)),),
        indexes=(("a", "b"),),
        is_view=True,
        depends_on=("other",),
    ),
    hidden_from_ai=True,
)


def named(name: str) -> SourceTable:
    return SourceTable(table=TableProfile(name=name, row_count=0, columns=()))


@pytest.fixture
def tenant(engine: Engine) -> Tenant:
    return add_tenant(engine)


def test_what_is_written_is_read_again(engine: Engine, tenant: Tenant) -> None:
    source_id = tenant.source.source_id
    with UnitOfWork(engine) as uow:
        tables = uow.source_tables
        assert tables.replace_all(tenant.organization_id, source_id, [FULL, named("other")]) == 2
        found = tables.get(source_id, "sales.orders")
        assert found.table.columns[0].description == "x\ufffdy"
        assert found.table.columns[0].distinct_count == 0
        assert found.table.columns[1] == FULL.table.columns[1]
        assert found.table.foreign_keys == FULL.table.foreign_keys
        assert found.table.depends_on == ("other",)
        assert found.hidden_from_ai
        assert tables.names(source_id) == ["sales.orders", "other"]
        assert tables.hidden_names(source_id) == {"sales.orders"}
        assert tables.shapes(source_id) == {"sales.orders": {"a": "text", "b": ""}, "other": {}}
        with pytest.raises(NotFound):
            tables.get(source_id, "nothing")
        assert tables.find_many(source_id, []) == []
        assert [item.table.name for item in tables.find_many(source_id, ["other", "x"])] == [
            "other"
        ]


def test_earlier_tables_are_replaced_and_others_left(engine: Engine, tenant: Tenant) -> None:
    stranger = add_tenant(engine)
    with UnitOfWork(engine) as uow:
        for of in (tenant, stranger):
            uow.source_tables.replace_all(of.organization_id, of.source.source_id, [named("a")])
        names = [named("b"), named("b"), named("x" * 401), named("c")]
        source_id = tenant.source.source_id
        assert uow.source_tables.replace_all(tenant.organization_id, source_id, names) == 2
        assert uow.source_tables.names(source_id) == ["b", "c"]
        assert uow.source_tables.names(stranger.source.source_id) == ["a"]
        uow.source_tables.delete_of_source(stranger.organization_id, source_id)
        assert uow.source_tables.names(source_id) == ["b", "c"]
        uow.source_tables.delete_of_source(tenant.organization_id, source_id)
        assert uow.source_tables.names(source_id) == []


def test_pages_of_what_is_searched_for(engine: Engine, tenant: Tenant) -> None:
    source_id = tenant.source.source_id
    with UnitOfWork(engine) as uow:
        tables = [named(f"Order_{number}") for number in range(1_200)] + [named("orders%")]
        uow.source_tables.replace_all(tenant.organization_id, source_id, tables)
        page, total = uow.source_tables.list_page(source_id)
        assert (len(page), total) == (100, 1_201)
        page, total = uow.source_tables.list_page(source_id, search=" order_119 ", limit=5)
        assert total == 11
        assert [item.table.name for item in page] == [
            "Order_119", "Order_1190", "Order_1191", "Order_1192", "Order_1193",
        ]  # fmt: skip
        page, total = uow.source_tables.list_page(source_id, search="%\x00")
        assert (page, total) == ([], 0)
        page, total = uow.source_tables.list_page(source_id, search="%")
        assert [item.table.name for item in page] == ["orders%"]


def test_a_lock_is_held_once_and_given_back(engine: Engine) -> None:
    with exclusive(engine, "test") as first, exclusive(engine, "test") as second:
        assert (first, second) == (True, False)
    with exclusive(engine, "test") as again, exclusive(engine, "other") as other:
        assert again
        assert other


def test_a_lock_ends_with_its_connection(engine: Engine, migrated_database_url: str) -> None:
    from sqlalchemy import text

    mine = open_unpooled(migrated_database_url)
    with exclusive(mine, "lost") as held:
        assert held
        with engine.connect() as admin:
            admin.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 30000) FROM pg_locks WHERE locktype = 'advisory' "
                    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )
        with exclusive(engine, "lost") as taken:
            assert taken
    mine.dispose()


def test_no_lock_without_a_database() -> None:
    away = open_unpooled("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(ServiceUnavailable), exclusive(away, "x"):
        pass
