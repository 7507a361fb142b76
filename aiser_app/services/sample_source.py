"""The sample as a data source: ingested, looked at, and given a semantic model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aiser_app.db.identifiers import new_id
from aiser_app.domain.catalog import Catalog
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.query.sample import DESCRIPTION, SOURCE_NAME, ensure_sample
from aiser_app.services.sources import SampleSource


@dataclass(frozen=True, kw_only=True)
class SampleMaker:
    """Reads through the same locked engine as every question."""

    sources_dir: Path
    read_catalog: Callable[[DataSource], Catalog]
    infer_model: Callable[[str, Catalog], SemanticModel]

    def __call__(self, organization_id: str) -> SampleSource:
        path = ensure_sample(self.sources_dir)
        source = DataSource(
            source_id=new_id(),
            organization_id=organization_id,
            name=SOURCE_NAME,
            engine="duckdb",
            options={"path": path.name},
            description=DESCRIPTION,
            synced_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        )
        catalog = self.read_catalog(source)
        source = replace(
            source,
            table_count=len(catalog.tables),
            row_count=sum(table.row_count for table in catalog.tables),
        )
        return SampleSource(
            source=source,
            model=self.infer_model(source.source_id, catalog),
            catalog=catalog,
        )
