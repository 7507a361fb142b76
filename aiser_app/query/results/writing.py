"""Rows on their way into a file: in batches of a good size, up to a number of rows and bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.errors import CellTooLarge
from aiser_app.query.results.conversion import stored_batch

BATCH_MIN_ROWS: Final = 8_192
"""Smaller batches are put together: each one costs time and space for its description."""
BATCH_MAX_ROWS: Final = 16_384
"""Larger ones are cut: a page decompresses whole batches."""
BATCH_BYTES: Final = 8 * 1024 * 1024
"""Enough for one batch, however few rows it has: what waits here is in memory."""
_ENCODED_BYTES: Final = 32 * 1024 * 1024
"""Most bytes that a piece of an encoded batch may become when every row gets its own value."""


class RowWriter:
    """Takes batches until `limit` rows or `max_bytes` bytes (uncompressed) are kept.

    Memory: one batch of the engine, and about `BATCH_BYTES` of small ones that wait for more.
    """

    def __init__(
        self,
        writer: pa.ipc.RecordBatchFileWriter,
        schema: pa.Schema,
        *,
        limit: int,
        max_bytes: int,
        max_cell_bytes: int,
    ) -> None:
        self._writer = writer
        self._schema = schema
        self._limit = limit
        self._max_bytes = max_bytes
        self._max_cell_bytes = max_cell_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self.row_count = 0
        self.byte_count = 0
        self.limiting_factor = ""
        """What there was too much of: `rows`, `bytes`, or nothing."""

    def add(self, incoming: pa.RecordBatch) -> bool:
        """Keep what fits; False when no more is wanted.

        Raises:
            CellTooLarge: one value is beyond the limit.
        """
        size = incoming.nbytes
        if size > self._max_cell_bytes:
            self._refuse_large_cells(incoming)
        self._waiting.append(incoming)
        self._waiting_rows += incoming.num_rows
        self._waiting_bytes += size
        if (
            self._waiting_rows >= BATCH_MIN_ROWS
            or self._waiting_bytes >= BATCH_BYTES
            or self.row_count + self._waiting_rows > self._limit
        ):
            self.finish()
        return not self.limiting_factor

    def finish(self) -> None:
        """Write what still waits."""
        waiting = self._waiting
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0
        if waiting:
            whole = waiting[0] if len(waiting) == 1 else pa.concat_batches(waiting)
            for piece in _pieces(whole):
                if not self._write(stored_batch(piece, self._schema)):
                    return

    def _write(self, batch: pa.RecordBatch) -> bool:
        fitting = min(batch.num_rows, self._limit - self.row_count)
        if fitting < batch.num_rows:
            self.limiting_factor = "rows"
        room = _fitting_rows(batch, fitting, self._max_bytes - self.byte_count)
        if room < fitting:
            self.limiting_factor = "bytes"
        if room:
            kept = batch.slice(0, room)
            self._writer.write_batch(kept)
            self.row_count += room
            self.byte_count += kept.nbytes
        return room == int(batch.num_rows)

    def _refuse_large_cells(self, batch: pa.RecordBatch) -> None:
        for column, field in zip(batch.columns, batch.schema, strict=True):
            if column.nbytes > self._max_cell_bytes and (
                largest_cell(column) > self._max_cell_bytes
            ):
                raise CellTooLarge(
                    f"A value in the column “{field.name[:80]}” is larger than "
                    f"{self._max_cell_bytes // 1024**2:,} MB.",
                    hint="Leave the column out, or select a part of it with left(…) or substring(…).",
                )


def largest_cell(column: pa.Array) -> int:
    """Bytes of the largest value."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return largest_cell(column.storage)
    if pa.types.is_dictionary(kind):
        return largest_cell(column.dictionary)
    if pa.types.is_run_end_encoded(kind):
        return largest_cell(column.values)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        column = pc.cast(column, pa.large_binary())
    if pa.types.is_nested(kind):
        return max((column.slice(row, 1).nbytes for row in range(len(column))), default=0)
    if pa.types.is_primitive(kind) or pa.types.is_null(kind):
        return 0
    return int(pc.max(pc.binary_length(column)).as_py() or 0)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices that stay small in memory, also when their encodings are undone."""
    widest = max((_encoded_width(column) for column in batch.columns), default=0)
    rows = max(1, min(BATCH_MAX_ROWS, _ENCODED_BYTES // max(1, widest)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _encoded_width(column: pa.Array) -> int:
    """Most bytes that one row of an encoded column can become; 0 for columns that are plain."""
    kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return largest_cell(column)
    return 0


def _fitting_rows(batch: pa.RecordBatch, rows: int, bytes_left: int) -> int:
    """The most rows, up to `rows`, that are not larger than `bytes_left`."""
    if rows <= 0 or batch.slice(0, rows).nbytes <= bytes_left:
        return max(0, rows)
    fitting, too_many = 0, rows
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if batch.slice(0, middle).nbytes <= bytes_left:
            fitting = middle
        else:
            too_many = middle
    return fitting
