"""A stored file by random access: only the batches and columns that are asked for are read.

Files are read, never mapped: a mapped file that vanishes from a shared folder ends the process.
An open file stays readable after the clean-up has removed its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from aiser_app.query.results.columns import ROW_COUNTER

Positions: TypeAlias = npt.NDArray[np.int64]


class StoredTable:
    """Rows of one result, which never change."""

    def __init__(self, path: Path) -> None:
        """Raises `OSError` or `pa.ArrowException` for files that are gone or damaged."""
        self._file = pa.OSFile(str(path))
        self._reader = pa.ipc.open_file(self._file)
        fields = list(self._reader.schema)
        self._is_counted = bool(fields) and fields[-1].name == ROW_COUNTER
        self.schema = pa.schema(fields[:-1] if self._is_counted else fields)
        self._starts = self._row_starts()

    @property
    def row_count(self) -> int:
        return int(self._starts[-1])

    def batches(self, columns: Sequence[int] | None = None) -> Iterator[pa.RecordBatch]:
        """All batches; with `columns`, only these, in ascending order."""
        reader = self._reader if columns is None else self._partial(columns)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            yield self._visible(batch) if columns is None else batch

    def slice(self, offset: int, limit: int) -> pa.Table:
        """Rows `offset` to `offset + limit` in stored order."""
        end = min(offset + limit, self.row_count)
        found = []
        if offset < end:
            first = int(np.searchsorted(self._starts, offset, side="right")) - 1
            for number in range(first, self._reader.num_record_batches):
                start, stop = int(self._starts[number]), int(self._starts[number + 1])
                if start >= end:
                    break
                lower = max(0, offset - start)
                batch = self._visible(self._reader.get_batch(number))
                found.append(batch.slice(lower, min(stop, end) - start - lower))
        return pa.Table.from_batches(found, schema=self.schema)

    def gather(self, positions: Positions) -> pa.Table:
        """The rows at these positions, in this order. Holds them and one batch in memory."""
        order = np.argsort(positions, kind="stable")
        ascending = positions[order]
        found = []
        bounds = np.searchsorted(ascending, self._starts)
        for number, (lower, upper) in enumerate(pairwise(bounds.tolist())):
            if lower == upper:
                continue
            inside = pa.array(ascending[lower:upper] - self._starts[number])
            found.append(self._visible(self._reader.get_batch(number)).take(inside))
        table = pa.Table.from_batches(found, schema=self.schema)
        if len(order) < 2 or bool(np.all(order[1:] > order[:-1])):
            return table
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return table.take(pa.array(back))

    def _visible(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = batch.columns[:-1] if self._is_counted else batch.columns
        if not columns:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * batch.num_rows, pa.struct([])))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _partial(self, columns: Sequence[int]) -> pa.ipc.RecordBatchFileReader:
        options = pa.ipc.IpcReadOptions(included_fields=list(columns))
        return pa.ipc.open_file(self._file, options=options)

    def _row_starts(self) -> Positions:
        """Number of the first row of each batch, and the number of rows at the end."""
        narrow = [len(self._reader.schema) - 1] if self._is_counted else [0]
        counts = [0, *(batch.num_rows for batch in self.batches(narrow))]
        return np.cumsum(np.array(counts, dtype=np.int64))
