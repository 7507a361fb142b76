"""Rows on disk. A file appears under its name only when it is complete, readable by its owner only."""

from __future__ import annotations

import csv
import io
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from aiser_app.domain.result import Column, Result
from aiser_app.domain.semantic_query import Filter, Order
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.query.results.columns import result_columns, stored_batch, stored_schema
from aiser_app.query.results.page import PageQuery, ResultPage
from aiser_app.query.results.values import csv_value, defused, json_rows, json_values

MAX_BYTES = 512 * 1024 * 1024
"""Most bytes of one result, measured uncompressed."""
MAX_PAGE_ROWS = 10_000
"""Most rows that one page may ask for."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CSV_ROWS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRows:
    """What was kept. `truncated` is True when there were more rows than were kept."""

    columns: tuple[Column, ...]
    row_count: int
    truncated: bool
    byte_count: int


class ResultStore:
    """Arrow IPC files under `root/<organization>/<result>.arrow`."""

    def __init__(self, root: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._pages = PageQuery()

    def write(
        self,
        batches: Iterable[pa.RecordBatch],
        schema: pa.Schema,
        *,
        result_id: str,
        organization_id: str,
        limit: int,
        columns: tuple[Column, ...] = (),
    ) -> StoredRows:
        """Keep the first `limit` rows while they arrive; nothing remains of a write that fails.

        Args:
            batches: the rows, at least one more than `limit` if there are more.
            schema: their schema as the engine reports it.
            result_id: name of the new file.
            organization_id: whose folder it goes to.
            limit: most rows that are kept.
            columns: titles and units by column name, for the facts that are returned.
        """
        target = self._path(result_id, organization_id)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = target.with_name(f".{result_id}.{uuid.uuid4().hex}.tmp")
        kept_schema = stored_schema(schema)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with (
                os.fdopen(descriptor, "wb") as file,
                pa.ipc.new_file(file, kept_schema, options=_WRITE_OPTIONS) as writer,
            ):
                rows, size, truncated = self._copy(batches, kept_schema, writer, limit)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return StoredRows(
            columns=result_columns(kept_schema, columns),
            row_count=rows,
            truncated=truncated,
            byte_count=size,
        )

    def page(
        self,
        result: Result,
        offset: int = 0,
        limit: int = 1_000,
        sort: Sequence[Order] = (),
        filters: Sequence[Filter] = (),
    ) -> ResultPage:
        """Rows `offset` to `offset + limit` after filtering and sorting.

        Raises:
            InvalidInput: an unknown column, a value that does not fit, a limit out of range.
            NotFound: the rows are gone.
        """
        if offset < 0 or not 0 <= limit <= MAX_PAGE_ROWS:
            raise InvalidInput(f"A page has 0 to {MAX_PAGE_ROWS:,} rows and a positive offset.")
        table = self.read_arrow(result)
        columns = result_columns(table.schema, result.columns)
        if sort or filters:
            rows, count = self._pages.run(
                table, columns, offset=offset, limit=limit, sort=sort, filters=filters
            )
        else:
            rows, count = json_rows(table.slice(offset, limit)), table.num_rows
        return ResultPage(
            columns=columns, rows=rows, offset=offset, row_count=count, truncated=result.truncated
        )

    def read_arrow(self, result: Result) -> pa.Table:
        """All rows.

        Raises:
            NotFound: the rows are gone.
        """
        with self._open(result) as reader:
            return reader.read_all()

    def arrow_bytes(self, result: Result) -> bytes:
        """All rows as one Arrow IPC stream, without its compression.

        Raises:
            NotFound: the rows are gone.
        """
        table = self.read_arrow(result)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())

    def csv_chunks(self, result: Result) -> Iterator[bytes]:
        """UTF-8 CSV with a header line, in pieces; text that looks like a formula is defused.

        Raises:
            NotFound: the rows are gone; raised before the first piece.
        """
        table = self.read_arrow(result)
        return _csv(table, result_columns(table.schema, ()))

    def delete(self, result_id: str, organization_id: str) -> None:
        """Remove the rows; removing what is gone already is fine."""
        self._path(result_id, organization_id).unlink(missing_ok=True)

    def _path(self, result_id: str, organization_id: str) -> Path:
        """Identifiers come from requests too: nothing but plain names may become a path."""
        if not _IDENTIFIER.fullmatch(result_id) or not _IDENTIFIER.fullmatch(organization_id):
            raise NotFound("There is no such result.")
        return self._root / organization_id / f"{result_id}.arrow"

    def _open(self, result: Result) -> pa.ipc.RecordBatchFileReader:
        path = self._path(result.result_id, result.organization_id)
        try:
            return pa.ipc.open_file(pa.memory_map(str(path)))
        except (OSError, pa.ArrowException) as error:
            raise NotFound(
                "The rows of this result are no longer kept.", hint="Ask the question again."
            ) from error

    def _copy(
        self,
        batches: Iterable[pa.RecordBatch],
        schema: pa.Schema,
        writer: pa.ipc.RecordBatchFileWriter,
        limit: int,
    ) -> tuple[int, int, bool]:
        """(rows kept, bytes kept, whether there were more)."""
        rows = size = 0
        for incoming in batches:
            batch = stored_batch(incoming, schema)
            room = self._room(batch, limit - rows, self._max_bytes - size)
            if room:
                kept = batch.slice(0, room)
                writer.write_batch(kept)
                rows += room
                size += kept.nbytes
            if room < batch.num_rows:
                return rows, size, True
        return rows, size, False

    @staticmethod
    def _room(batch: pa.RecordBatch, rows_left: int, bytes_left: int) -> int:
        """How many rows of the batch still fit."""
        fitting = min(batch.num_rows, max(0, rows_left))
        if fitting and batch.slice(0, fitting).nbytes > bytes_left:
            per_row = max(1, batch.nbytes // batch.num_rows)
            fitting = min(fitting, max(0, bytes_left) // per_row)
        return int(fitting)


_WRITE_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def _csv(table: pa.Table, columns: tuple[Column, ...]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([defused(column.name) for column in columns])
    is_text = [column.type in ("string", "json") for column in columns]
    for batch in table.to_batches(max_chunksize=_CSV_ROWS):
        values = [json_values(column) for column in batch.columns]
        for row in zip(*values, strict=True):
            cells = [csv_value(value) for value in row]
            writer.writerow(
                [defused(cell) if text else cell for cell, text in zip(cells, is_text, strict=True)]
            )
        yield _drained(buffer)
    if buffer.tell():
        yield _drained(buffer)


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
