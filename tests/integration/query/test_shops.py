"""Compiled queries and the catalog, on real databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aiser_app.domain.data_source import SourceSettings
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.query.catalog import read_catalog
from aiser_app.semantic.compiler import compile_query
from aiser_app.semantic.inference import infer_model
from tests.integration.query.shops import SHOPS, LiveShop
from tests.unit.query.catalog.engines import kept_database
from tests.unit.semantic.builders import SHOP, Shop
from tests.unit.semantic.portable_queries import QUERIES, comparable

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", params=sorted(SHOPS))
def live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveShop]:
    with SHOPS[request.param](tmp_path_factory.mktemp(request.param), request) as shop:
        yield shop


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("kept")
    connection = duckdb.connect()
    for statement in SHOP:
        connection.execute(statement)
    with kept_database(folder, *SHOP) as (engine, source):
        model = infer_model(source.source_id, read_catalog(engine, source))
    yield Shop(model=model, connection=connection)
    connection.close()


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_database_gives_the_rows_of_duckdb(live: LiveShop, kept: Shop, name: str) -> None:
    parts: dict[str, Any] = QUERIES[name]
    compiled = compile_query(
        SemanticQuery(**parts), kept.model, dialect=live.engine.dialect, default_limit=1_000
    )
    assert comparable(live.rows(compiled.sql)) == comparable(kept.rows(**parts))


def test_a_median_is_the_same_everywhere(live: LiveShop, kept: Shop) -> None:
    parts: dict[str, Any] = {"measures": ("orders.median_amount",)}
    compiled = compile_query(
        SemanticQuery(**parts), kept.model, dialect=live.engine.dialect, default_limit=1_000
    )
    assert comparable(live.rows(compiled.sql)) == comparable(kept.rows(**parts))


def test_the_catalog_of_every_database(live: LiveShop) -> None:
    catalog = read_catalog(live.engine, live.source)
    links = {(link.table, link.columns[0][0], link.target) for link in catalog.links}
    assert ("orders", "store_id", "stores") in links
    assert ("customers", "region_id", "regions") in links
    regions, orders = catalog.find_table("regions"), catalog.find_table("orders")
    assert regions is not None
    assert orders is not None
    assert (regions.row_count, orders.row_count) == (3, 6)
    name, placed, key = (
        regions.find_column("name"), orders.find_column("placed"), regions.find_column("region_id")
    )  # fmt: skip
    assert name is not None
    assert placed is not None
    assert key is not None
    assert name.values == ("North", "Nowhere", "South")
    assert (placed.minimum or "")[:19] == "2023-12-31 08:00:00"
    assert key.is_unique
    assert catalog.statements <= 8
    model = infer_model("1" * 32, catalog)
    assert {cube.name for cube in model.cubes} == {
        "customers", "lonely", "orders", "regions", "stores",
    }  # fmt: skip


def test_opting_out_leaves_names_types_and_declared_keys(live: LiveShop) -> None:
    source = replace(live.source, settings=SourceSettings(sample_values=False))
    catalog = read_catalog(live.engine, source)
    assert catalog.statements == 0
    assert not [column for table in catalog.tables for column in table.columns if column.values]
    if live.engine.dialect != "clickhouse":
        assert {link.target for link in catalog.links} == {"customers", "regions", "stores"}
