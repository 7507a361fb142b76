"""Models as people with policies may know them, kept like the models themselves."""

from __future__ import annotations

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable, Policies, RowPolicy
from aiser_app.query.catalog import GrantedTables
from aiser_app.query.request import QuerySource
from aiser_app.services.model_cache import ModelCache
from tests.fixtures.organizations import orders_model

SOURCE = DataSource(
    source_id="1" * 32, organization_id="0" * 32, name="Shop", engine="duckdb", data_version="1"
)
MODEL = orders_model(SOURCE.source_id)


def granted(condition: str = "", *, lazy: bool = False) -> QuerySource:
    rows = (RowPolicy(name="own", table="orders", condition=condition),) if condition else ()
    tables = {"orders": GrantedTable(name="orders")}
    return QuerySource(
        source=SOURCE,
        tables=GrantedTables(tables, lambda names: [tables[name] for name in names])
        if lazy
        else tables,
        policies=Policies(rows=rows),
    )


def values(model: object) -> bool:
    return "paid" in str(model)


def test_who_sees_everything_gets_the_model_itself() -> None:
    assert ModelCache().as_seen(MODEL, granted()) is MODEL


def test_the_same_policies_get_the_same_object() -> None:
    cache = ModelCache(kept=1)
    seen = cache.as_seen(MODEL, granted("1 = 1", lazy=True))
    assert (values(MODEL), values(seen)) == (True, False)
    assert cache.as_seen(MODEL, granted("1 = 1")) is seen
    other = cache.as_seen(MODEL, granted("2 = 2"))
    assert other == seen
    assert cache.as_seen(MODEL, granted("1 = 1")) is not seen  # only so many are kept
