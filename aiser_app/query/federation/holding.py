"""Rows of a part while they arrive: in memory at first, in a private file when they become many.

The file is mapped into memory when it is complete, so DuckDB reads it without a copy and the
operating system can drop its pages: what a join pulls does not have to fit into memory.
"""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from aiser_app.errors import StorageFull
from aiser_app.query.federation.arrow_types import joinable_batch, joinable_field, with_numbers

MEMORY_BYTES = 64 * 1024**2
"""Of one part; more goes to a file."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class PartTooLarge(Exception):
    """More rows or bytes than one part may bring; `what` says which."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Holding:
    """Takes the batches of one part; `close` gives up its file."""

    def __init__(
        self,
        schema: pa.Schema,
        folder: Path,
        *,
        max_rows: int,
        max_bytes: int,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self.schema = pa.schema([joinable_field(field) for field in schema])
        self.rows = 0
        self.bytes = 0
        self._folder = folder
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._memory_bytes = memory_bytes
        self._batches: list[pa.RecordBatch] = []
        self._sink: pa.NativeFile | None = None
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._path = folder / f"{uuid.uuid4().hex}.arrow"

    def add(self, incoming: pa.RecordBatch) -> None:
        """Keep a batch.

        Raises:
            PartTooLarge: with it, there are more rows or bytes than a part may bring.
            StorageFull: there is no room on the disk.
        """
        batch = joinable_batch(incoming, self.schema)
        self.rows += batch.num_rows
        self.bytes += batch.nbytes
        if self.rows > self._max_rows:
            raise PartTooLarge(f"more than {self._max_rows:,} rows")
        if self.bytes > self._max_bytes:
            raise PartTooLarge(f"more than {self._max_bytes / 1024**3:.3g} GB")
        with _room_on_disk():
            if self._writer is None and self.bytes > self._memory_bytes:
                self._begin_file()
            if self._writer is None:
                self._batches.append(batch)
            else:
                self._writer.write_batch(batch)

    def table(self) -> pa.Table:
        """All rows; call it once, after the last batch."""
        if self._writer is None:
            table = pa.Table.from_batches(self._batches, schema=self.schema)
        else:
            with _room_on_disk():
                self._end_file()
            table = pa.ipc.open_file(pa.memory_map(str(self._path))).read_all()
        return with_numbers(table)

    def close(self) -> None:
        """Give the memory and the file back; a table that was handed out stays readable."""
        self._batches = []
        with suppress(OSError):  # of a file that is not wanted
            self._end_file()
        self._path.unlink(missing_ok=True)

    def _begin_file(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sink = pa.PythonFile(os.fdopen(descriptor, "wb"), mode="w")
        self._writer = pa.ipc.new_file(self._sink, self.schema)
        for batch in self._batches:
            self._writer.write_batch(batch)
        self._batches = []

    def _end_file(self) -> None:
        writer, sink = self._writer, self._sink
        self._writer = self._sink = None
        if writer is not None and sink is not None:
            try:
                writer.close()
            finally:
                sink.close()


@contextmanager
def _room_on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(
            "There is no room left for the rows that are to be joined; nothing of them was kept.",
            hint="Ask an administrator to free disk space, or join fewer rows.",
        ) from error
