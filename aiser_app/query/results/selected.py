"""Chosen rows of a stored result, in an order, taken window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from aiser_app.domain.result import Column
from aiser_app.query.results.reading import Positions, StoredTable

WINDOW_BYTES = 48 * 1024 * 1024
"""About what a window of scattered rows may take in memory; each reads the whole file once."""
MIN_WINDOW_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectedRows:
    """`positions` None means all rows as stored."""

    table: StoredTable
    columns: tuple[Column, ...]
    positions: Positions | None
    row_bytes: int
    """Average size of a row."""
    spill_folder: Path
    """Where what does not fit in memory may go."""

    @property
    def row_count(self) -> int:
        """Rows that the filters leave."""
        return self.table.row_count if self.positions is None else len(self.positions)

    def slice(self, offset: int, limit: int) -> pa.Table:
        """A part small enough to be held in memory."""
        if self.positions is None:
            return self.table.slice(offset, limit)
        return self.table.gather(self.positions[offset : offset + limit])

    def windows(self, offset: int, limit: int, rows: int) -> Iterator[pa.Table]:
        """All of `offset` to `offset + limit`, at most `rows` at a time."""
        end = min(offset + limit, self.row_count)
        scattered = max(MIN_WINDOW_ROWS, WINDOW_BYTES // max(1, self.row_bytes))
        step = rows if self.positions is None else scattered
        for start in range(offset, end, step):
            window = self.slice(start, min(step, end - start))
            for part in range(0, window.num_rows, rows):
                yield window.slice(part, rows)
