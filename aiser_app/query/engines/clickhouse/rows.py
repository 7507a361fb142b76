"""Rows of one query: an Arrow stream over HTTP, whose end is never taken on trust."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aiser_app.query.engines.clickhouse.errors import PART_BYTES, PartTooLong
from aiser_app.query.engines.clickhouse.session import FAILURES
from aiser_app.query.engines.clickhouse.types import Column, arrow_schema

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_TAIL_BYTES = 8_192


class BrokenOff(OSError):
    """The answer ended before its end; `Tail.text` may say why."""


class Tail:
    """A response as a file for Arrow, that remembers how it ended.

    When a query fails while rows flow, ClickHouse writes the error's text into the stream and stops.
    """

    closed = False

    def __init__(self, response: Any) -> None:
        self._response = response
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        if size > PART_BYTES:
            # Or it is no length at all, but the text of an error.
            self._last = (self._last + self._response.read1(_TAIL_BYTES))[-_TAIL_BYTES:]
            raise PartTooLong
        parts = []
        left = size
        while size < 0 or left > 0:
            # Piece by piece: a whole read would lose what came before a connection was cut.
            part = self._response.read1(left if size >= 0 else _TAIL_BYTES)
            if not part:
                break
            parts.append(part)
            left -= len(part)
            self._last = (self._last + part)[-_TAIL_BYTES:]
            if size < 0:
                parts.clear()
        return b"".join(parts)

    def close(self) -> None:
        """Without waiting for what is still on the way."""
        self.closed = True
        with contextlib.suppress(*FAILURES):
            self._response.close()

    @property
    def text(self) -> str:
        return self._last.decode(errors="replace")

    @property
    def is_whole(self) -> bool:
        return self._last.endswith(END_OF_STREAM)

    def rest(self) -> None:
        """Read what is left, so that `text` has the end: an error may follow the last batch."""
        self.read()


class Rows:
    """Batches as they arrive; `errors` turns failures into Aiser's, with the tail's help."""

    def __init__(
        self,
        tail: Tail,
        columns: list[Column],
        errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._tail = tail
        self._errors = errors
        with errors():
            self._reader = pa.ipc.open_stream(pa.PythonFile(tail, mode="r"))
            self.schema: pa.Schema = arrow_schema(self._reader.schema, columns)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with self._errors():
                batch = self._next()
            if batch is None:
                return
            yield batch

    def _next(self) -> pa.RecordBatch | None:
        try:
            batch = self._reader.read_next_batch()
        except StopIteration:
            self._tail.rest()
            if not self._tail.is_whole:
                raise BrokenOff from None
            return None
        except pa.ArrowException:
            with contextlib.suppress(*FAILURES):
                self._tail.rest()
            raise
        arrays = [
            _converted(array, field.type)
            for array, field in zip(batch.columns, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _converted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_string(kind):
        return _text(array)
    return array if array.type == kind else pc.cast(array, kind, safe=False)


def _text(array: pa.Array) -> pa.Array:
    """A String of ClickHouse may hold any bytes; what is not UTF-8 is replaced."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raw = array.view(pa.binary()).to_pylist()
        return pa.array([None if v is None else v.decode(errors="replace") for v in raw])
    return array
