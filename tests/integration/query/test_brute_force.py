"""Random questions to random data give what they mean, on the servers that run here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.query.shops import SHOPS, LiveShop
from tests.unit.semantic.brute.oracle import Oracle
from tests.unit.semantic.brute.queries import queries
from tests.unit.semantic.brute.schemas import fixed_schemas
from tests.unit.semantic.test_brute_force import comparable, compiled

pytestmark = pytest.mark.integration

SCHEMAS = fixed_schemas()
"""Made once; only the questions differ from example to example."""


@pytest.fixture(scope="module", params=["clickhouse", "mysql", "postgres"])
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveShop]:
    folder = tmp_path_factory.mktemp(request.param)
    statements = [statement for schema in SCHEMAS for statement in schema.statements()]
    with SHOPS[request.param](folder, request, statements) as shop:
        yield shop


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_servers(live: LiveShop, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(SCHEMAS))
    query = data.draw(queries(schema))
    sql = compiled(schema, query, live.engine.dialect)
    assert comparable(live.rows(sql)) == comparable(Oracle(schema, query).rows()), sql
