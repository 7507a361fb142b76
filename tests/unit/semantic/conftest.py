from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from aiser_app.domain.data_source import DataSource
from aiser_app.query.catalog import read_catalog
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.semantic.inference import infer_model
from tests.unit.semantic.builders import SHOP, Shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Model inferred from the file; queries run on a second copy of the same data."""
    folder = tmp_path_factory.mktemp("shop")
    connection = duckdb.connect()
    with duckdb.connect(str(folder / "shop.duckdb")) as file:
        for statement in SHOP:
            file.execute(statement)
            connection.execute(statement)
    engine = DuckDBEngine(folder)
    source = DataSource(
        source_id="1" * 32,
        organization_id="0" * 32,
        name="Shop",
        engine="duckdb",
        options={"path": "shop.duckdb"},
    )
    model = infer_model(source.source_id, read_catalog(engine, source))
    engine.close()
    yield Shop(model=model, connection=connection)
    connection.close()


@pytest.fixture(scope="session")
def sample(
    sample_db: Path, sample_model: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    copy = tmp_path_factory.mktemp("sample_copy") / "copy.duckdb"
    copy.write_bytes(sample_db.read_bytes())
    with duckdb.connect(str(copy), read_only=True) as connection:
        yield Shop(model=sample_model, connection=connection)  # type: ignore[arg-type]
