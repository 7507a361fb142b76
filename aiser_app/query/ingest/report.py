"""What is known of a file before and after it became tables; plain values, so that it travels as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class FileKind(StrEnum):
    CSV = "csv"
    """Also with tabs, semicolons or pipes."""
    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    XLSX = "xlsx"


class IngestMode(StrEnum):
    CREATE = "create"
    """The table must not exist."""
    APPEND = "append"
    """Rows are added to an existing table with the same columns."""
    REPLACE = "replace"
    """The table is made anew, whether it exists or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnReport:
    name: str
    """In the table."""
    original: str
    """In the file; empty where the file has none."""
    type: str
    """text, integer, decimal, number, boolean, date, timestamp or json."""
    note: str = ""
    """How values were read, where that is not evident: day before month, decimal comma."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfit:
    """Values of one column that are not of the type that was asked for; they became empty."""

    column: str
    type: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """One line that is no row of the table."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TableReport:
    name: str
    rows: int
    """That this file brought."""
    total_rows: int
    """Of the table now."""
    columns: tuple[ColumnReport, ...]
    rejected_rows: int = 0
    rejected: tuple[Rejected, ...] = ()
    """The first of them."""
    unfit: tuple[Unfit, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestReport:
    kind: FileKind
    tables: tuple[TableReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def rejected_rows(self) -> int:
        return sum(table.rejected_rows for table in self.tables)


@dataclass(frozen=True, kw_only=True, slots=True)
class SniffedTable:
    """A table as it would be ingested, judged by the head of the file."""

    name: str
    """Of the sheet; empty where a file holds one table."""
    columns: tuple[ColumnReport, ...]
    rows: tuple[tuple[str | None, ...], ...]
    """The first rows, as text."""
    has_header: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Sniffed:
    kind: FileKind
    tables: tuple[SniffedTable, ...]
    encoding: str = ""
    delimiter: str = ""
    packed: str = ""
    """gz or zip, if it came packed."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file on disk, and the name that somebody gave it: never a path, only a hint at its kind."""

    path: Path
    file_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IngestOrder:
    """What is to become of an upload."""

    target: Path
    """The DuckDB file; made if it is not there."""
    folder: Path
    """Empty scratch folder on the same file system; the caller removes it."""
    table: str
    mode: IngestMode = IngestMode.CREATE
    types: Mapping[str, str] = field(default_factory=dict)
    """Types that a person corrected, by name of the column, in the table or in the file."""
    mark: str = ""
    """Names this order: a file that bears it has been written already, by an attempt that died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    step: str
    """unpack, read or write"""
    fraction: float | None = None
    """0 to 1, where it can be known."""
    rows: int | None = None


Report = Callable[[Progress], None]
