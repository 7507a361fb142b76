"""SQL in models gets nowhere that SQL of people does not: refused when saved, and when it runs.

Models that hold what no check would let pass are written past it, as a restored backup might do.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aiser_app.bootstrap.web import Services
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.model_version import Origin
from aiser_app.domain.semantic_model import (
    Aggregation,
    Cube,
    Dimension,
    DimensionType,
    Measure,
    Segment,
    SemanticModel,
)
from aiser_app.domain.semantic_query import DimensionRef, SemanticQuery
from aiser_app.errors import AiserError, InvalidInput
from aiser_app.services.policies import PolicyInput
from aiser_app.services.semantic_models import ModelInput
from tests.fixtures.organizations import now
from tests.fixtures.query_desk import QueryDesk, make_desk

pytestmark = [pytest.mark.integration, pytest.mark.security]

COUNT = Measure(name="count", aggregation=Aggregation.COUNT, column="", title="Count")


@pytest.fixture
def desk(web_services: Services) -> Iterator[QueryDesk]:
    desk = make_desk(web_services)
    desk.sync(desk.services.sources.get(desk.admin, "Orders"))
    return desk


def of_sql(sql: str) -> Cube:
    dimension = Dimension(name="a", column="a", type=DimensionType.STRING, title="A")
    return Cube(name="c", table="", sql=sql, title="C", dimensions=(dimension,), measures=(COUNT,))


def of_expression(sql: str) -> Cube:
    dimension = Dimension(name="a", column="", sql=sql, type=DimensionType.STRING, title="A")
    return Cube(name="c", table="orders", title="C", dimensions=(dimension,), measures=(COUNT,))


ATTACKS = [
    of_sql("DELETE FROM orders RETURNING region AS a"),
    of_sql("WITH x AS (DELETE FROM orders RETURNING region) SELECT region AS a FROM x"),
    of_sql("SELECT 1 AS a; DROP TABLE orders"),
    of_sql("SELECT a FROM read_csv('/etc/passwd') AS t (a)"),
    of_sql("SELECT content AS a FROM read_text('/etc/passwd')"),
    of_sql("SELECT sql AS a FROM duckdb_tables()"),
    of_sql("SELECT table_name AS a FROM information_schema.tables"),
    of_sql("SELECT region AS a FROM other.orders"),
    of_sql("COPY orders TO '/tmp/x'"),
    of_expression("getenv('HOME')"),
    of_expression("{CUBE}.region) FROM orders; DROP TABLE orders; --"),
    of_expression("current_setting('access_mode')"),
    Cube(name="c", table="duckdb_tables()", title="C", measures=(COUNT,)),
    Cube(name="c", table="sqlite_master", title="C", measures=(COUNT,)),
]
NOT_SAVED = [
    of_expression("(SELECT max(region) FROM orders)"),
    Cube(
        name="c",
        table="orders",
        title="C",
        measures=(COUNT,),
        segments=(Segment(name="s", title="S", sql="EXISTS (SELECT 1 FROM orders)"),),
    ),
]
"""Queries within expressions: not accepted, and harmless, as they read granted tables only."""


@pytest.mark.parametrize("cube", [*ATTACKS, *NOT_SAVED], ids=range(len(ATTACKS) + len(NOT_SAVED)))
def test_it_is_refused_when_it_is_saved(desk: QueryDesk, cube: Cube) -> None:
    model = SemanticModel(source_id="1" * 32, cubes=(cube,))
    with pytest.raises(InvalidInput):
        desk.services.models.save(desk.admin, "Orders", ModelInput(model=model))
    assert desk.services.models.get(desk.admin, "Orders").edit is None


def forced(desk: QueryDesk, cube: Cube) -> None:
    """In force without having been checked."""
    source = desk.services.sources.get(desk.admin, "Orders")
    with UnitOfWork(desk.services.engine) as uow:
        model = SemanticModel(source_id=source.source_id, cubes=(cube,), version=90)
        uow.semantic_models.add(desk.tenant.organization_id, model, now(), origin=Origin.EDITED)
        uow.commit()


@pytest.mark.parametrize("cube", ATTACKS, ids=range(len(ATTACKS)))
def test_it_is_refused_when_it_runs(desk: QueryDesk, cube: Cube) -> None:
    forced(desk, cube)
    dimensions = (DimensionRef(member="c.a"),) if cube.dimensions else ()
    query = SemanticQuery(measures=("c.count",), dimensions=dimensions)
    try:
        view = desk.run(semantic_query=query)
    except AiserError:
        view = {"status": "failed"}
    assert view["status"] == "failed"
    assert desk.run("SELECT count(*) AS n FROM orders")["rows"] == [[3]]


def test_policies_hold_within_a_cube_of_sql(desk: QueryDesk) -> None:
    pytest.importorskip("aiser_app.semantic.rows", reason="needs the compiler of SQL in models")
    forced(desk, of_sql("SELECT region AS a FROM orders"))
    query = SemanticQuery(measures=("c.count",), dimensions=(DimensionRef(member="c.a"),))
    policy = PolicyInput(name="eu", source="Orders", table="orders", condition="region = 'EU'")
    desk.services.policies.create(desk.admin, policy)
    assert desk.run(semantic_query=query)["rows"] == [["EU", 2]]
