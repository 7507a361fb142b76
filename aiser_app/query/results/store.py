"""Rows on disk. A file appears under its name only when it is complete, readable by its owner only."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from aiser_app.domain.result import Column, Result
from aiser_app.domain.semantic_query import Filter, Order
from aiser_app.errors import CellTooLarge, InvalidInput, NotFound, StorageFull
from aiser_app.query.results.columns import result_columns, stored_schema
from aiser_app.query.results.files import FULL_DISK, SPILL_FOLDER, result_path
from aiser_app.query.results.page import ResultPage
from aiser_app.query.results.reading import StoredTable
from aiser_app.query.results.selected import SelectedRows
from aiser_app.query.results.selection import RowSelector
from aiser_app.query.results.values import json_rows
from aiser_app.query.results.writing import RowWriter

MAX_BYTES = 512 * 1024 * 1024
"""Most bytes of one result, measured uncompressed."""
MAX_CELL_BYTES = 16 * 1024 * 1024
"""Most bytes of one value."""
MAX_PAGE_ROWS = 10_000
"""Most rows that one page may ask for."""

_WRITE_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
"""Half the bytes on disk, and no slower than writing them all."""
_BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRows:
    """What was kept. `truncated` is True when there were more rows than were kept."""

    columns: tuple[Column, ...]
    row_count: int
    truncated: bool
    byte_count: int
    """Uncompressed."""
    limiting_factor: str = ""
    """What cut it off when it is truncated: `rows` or `bytes`."""
    time_to_first_batch_ms: float = 0.0
    """What the database needed before rows flowed."""


class ResultStore:
    """Arrow IPC files under `root/<organization>/<result>.arrow`.

    Nothing is synchronized to disk on purpose: rows that a power cut takes away read as "no longer
    kept", and can be asked for again. See docs/decisions/0013-results.md.
    """

    def __init__(
        self, root: Path, *, max_bytes: int = MAX_BYTES, max_cell_bytes: int = MAX_CELL_BYTES
    ) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._max_cell_bytes = max_cell_bytes
        self._selector = RowSelector(root / SPILL_FOLDER)

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

        Raises:
            StorageFull: there is no room on the disk.
            CellTooLarge: one value is too large to be kept.
        """
        kept_schema = stored_schema(schema)
        clock = _FirstBatch(batches)
        with self._new_file(result_id, organization_id) as temporary:
            rows = self._fill(temporary, clock, kept_schema, limit)
        return StoredRows(
            columns=result_columns(pa.schema(list(kept_schema)[:-1]), columns),
            row_count=rows.row_count,
            truncated=bool(rows.limiting_factor),
            byte_count=rows.byte_count,
            limiting_factor=rows.limiting_factor,
            time_to_first_batch_ms=clock.milliseconds,
        )

    def _fill(
        self, path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, limit: int
    ) -> RowWriter:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with (
            os.fdopen(descriptor, "wb", buffering=_BUFFER_BYTES) as file,
            pa.ipc.new_file(file, schema, options=_WRITE_OPTIONS) as writer,
        ):
            rows = RowWriter(
                writer,
                schema,
                limit=limit,
                max_bytes=self._max_bytes,
                max_cell_bytes=self._max_cell_bytes,
            )
            for batch in batches:
                if not rows.add(batch):
                    break
            rows.finish()
        return rows

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
        selected = self.select(result, sort, filters)
        with _gone_if_unreadable():
            rows = json_rows(selected.slice(offset, limit))
        return ResultPage(
            columns=selected.columns,
            rows=rows,
            offset=offset,
            row_count=selected.row_count,
            truncated=result.truncated,
        )

    def select(
        self, result: Result, sort: Sequence[Order] = (), filters: Sequence[Filter] = ()
    ) -> SelectedRows:
        """The rows that the filters leave, in order; read when they are asked for.

        Raises:
            InvalidInput: an unknown column, or a value that does not fit.
            NotFound: the rows are gone; never later, once this has returned.
        """
        path = self._path(result.result_id, result.organization_id)
        with _gone_if_unreadable():
            facts = path.stat()
            table = StoredTable(path)
            identity = (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size)
        positions = None
        if sort or filters:
            positions = self._selector.positions(table, sort, filters, identity=identity)
        size = result.byte_count or 4 * facts.st_size
        return SelectedRows(
            table=table,
            columns=result_columns(table.schema, result.columns),
            positions=positions,
            row_bytes=size // max(1, table.row_count),
            spill_folder=self._root / SPILL_FOLDER,
        )

    def read_arrow(self, result: Result) -> pa.Table:
        """All rows at once: for small results.

        Raises:
            NotFound: the rows are gone.
        """
        with _gone_if_unreadable():
            table = StoredTable(self._path(result.result_id, result.organization_id))
            return pa.Table.from_batches(table.batches(), schema=table.schema)

    def share(self, result_id: str, organization_id: str, new_result_id: str) -> bool:
        """The same rows under another id, without a copy where the disk can; False when gone.

        Removing one of the two does not touch the other.

        Raises:
            StorageFull: there is no room for a copy.
        """
        source = self._path(result_id, organization_id)
        try:
            with self._new_file(new_result_id, organization_id) as temporary:
                try:
                    os.link(source, temporary)
                except FileNotFoundError:
                    raise
                except OSError:  # this file system has no links, or no more for this file
                    shutil.copyfile(source, temporary)
                    temporary.chmod(0o600)
        except FileNotFoundError:
            return False
        return True

    def delete(self, result_id: str, organization_id: str) -> None:
        """Remove the rows; removing what is gone already is fine."""
        self._path(result_id, organization_id).unlink(missing_ok=True)

    def _path(self, result_id: str, organization_id: str) -> Path:
        return result_path(self._root, result_id, organization_id)

    @contextmanager
    def _new_file(self, result_id: str, organization_id: str) -> Iterator[Path]:
        """A temporary path that gets the result's name at the end, or vanishes with any failure."""
        target = self._path(result_id, organization_id)
        temporary = target.with_name(f".{result_id}.{uuid.uuid4().hex}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            yield temporary
            temporary.replace(target)
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise
            raise StorageFull(
                "There is no room left for results; nothing of this one was kept.",
                hint="Ask an administrator to free disk space or to lower AISER_RESULTS_MAX_GB.",
            ) from error
        except MemoryError as error:
            raise CellTooLarge(
                "Some rows of this result do not fit in memory.",
                hint="Select fewer columns, or parts of long values.",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)


class _FirstBatch:
    """Passes batches on, and knows how long the first one took."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = batches
        self.milliseconds = 0.0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        started = time.monotonic()
        for number, batch in enumerate(self._batches):
            if number == 0:
                self.milliseconds = round((time.monotonic() - started) * 1000, 3)
            yield batch
        if not self.milliseconds:
            self.milliseconds = round((time.monotonic() - started) * 1000, 3)


@contextmanager
def _gone_if_unreadable() -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise NotFound(
            "The rows of this result are no longer kept.",
            hint="Run the query or ask the question again.",
        ) from error
