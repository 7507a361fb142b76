"""Models as people with policies may know them, kept like the models themselves."""

from __future__ import annotations

from dataclasses import replace

from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import GrantedTable, Policies, RowPolicy
from aiser_app.domain.semantic_model import Join
from aiser_app.query.catalog import GrantedTables
from aiser_app.query.request import QuerySource
from aiser_app.services.grants import for_agent
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


def test_what_is_hidden_from_the_agent_is_not_in_its_model() -> None:
    """An edited model may still speak of a table that somebody has hidden since."""
    cache = ModelCache(kept=1)
    orders = MODEL.cubes[0]
    more = replace(
        MODEL,
        cubes=(
            replace(orders, joins=(Join(target="secrets", columns=(("id", "id"),)),)),
            replace(orders, name="secrets", table="secrets"),
            replace(orders, name="mixed", table="", sql="SELECT 1", reads=("orders", "secrets")),
        ),
    )
    shown = cache.for_agent(more, {"secrets", "others"})
    assert [cube.name for cube in shown.cubes] == [orders.name]
    assert shown.cubes[0].joins == ()
    assert cache.for_agent(more, {"secrets", "others"}) is shown
    assert cache.for_agent(more, {"others"}) is more
    assert len(cache.for_agent(more, {"secrets"}).cubes) == 1
    assert "secrets" not in for_agent(granted(), more, {"secrets"}).tables


def test_a_model_with_fewer_cubes_is_seen_as_such() -> None:
    cache = ModelCache()
    policies = granted("1 = 1")
    whole = replace(MODEL, cubes=(*MODEL.cubes, replace(MODEL.cubes[0], name="more")))
    assert len(cache.as_seen(whole, policies).cubes) == len(whole.cubes)
    assert len(cache.as_seen(MODEL, policies).cubes) == len(MODEL.cubes)
