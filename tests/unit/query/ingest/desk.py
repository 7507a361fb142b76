"""Files to ingest, a target, and looks into what came of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.query.ingest import (
    IngestMode,
    IngestOrder,
    IngestReport,
    Progress,
    Sniffed,
    Upload,
    ingest,
)
from aiser_app.query.ingest.report import TableReport
from aiser_app.query.ingest.sniffing import sniff


@dataclass
class Desk:
    folder: Path
    told: list[Progress] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def target(self) -> Path:
        return self.folder / "target.duckdb"

    def file(self, name: str, content: bytes | str) -> Upload:
        path = self.folder / uuid.uuid4().hex
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Upload(path=path, file_name=name)

    def scratch(self) -> Path:
        path = self.folder / f"scratch-{uuid.uuid4().hex}"
        path.mkdir()
        return path

    def ingest(
        self,
        name: str,
        content: bytes | str,
        *,
        table: str = "t",
        mode: IngestMode = IngestMode.CREATE,
        types: Mapping[str, str] | None = None,
        mark: str = "",
    ) -> IngestReport:
        order = IngestOrder(
            target=self.target,
            folder=self.scratch(),
            table=table,
            mode=mode,
            types=types or {},
            mark=mark,
        )
        return ingest(self.file(name, content), order, self.cancel, self.told.append)

    def table(self, name: str, content: bytes | str, **options: Any) -> TableReport:
        """The one table that the file became."""
        (table,) = self.ingest(name, content, **options).tables
        return table

    def sniff(self, name: str, content: bytes | str) -> Sniffed:
        return sniff(self.file(name, content), self.scratch())

    def rows(self, sql: str = "SELECT * FROM t") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.target), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def types(self, table: str = "t") -> dict[str, str]:
        rows = self.rows(
            "SELECT column_name, data_type FROM duckdb_columns() "
            f"WHERE table_name = '{table}' ORDER BY column_index"
        )
        return dict(rows)


def workbook(folder: Path, sheets: Mapping[str, list[list[Any]]], **hidden: bool) -> bytes:
    """An .xlsx with these sheets."""
    import xlsxwriter

    path = folder / f"{uuid.uuid4().hex}.xlsx"
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if hidden.get(name):
                sheet.hide()
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if cell is not None:
                        sheet.write(number, column, cell)
    return path.read_bytes()
