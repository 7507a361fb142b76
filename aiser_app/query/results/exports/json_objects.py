"""JSON: an array of objects, or one object per line. Values as in pages, exact as they are."""

from __future__ import annotations

from collections.abc import Generator

import orjson
import pyarrow as pa

from aiser_app.query.results.exports.contract import ExportRows
from aiser_app.query.results.values import json_values

_ROWS = 5_000


def json_chunks(rows: ExportRows) -> Generator[bytes, None, None]:
    """One array with one object per row, a row per line."""
    separator = b"[\n"
    for window in rows.windows(_ROWS):
        yield separator + b",\n".join(_objects(window))
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"


def ndjson_chunks(rows: ExportRows) -> Generator[bytes, None, None]:
    """One object per line."""
    for window in rows.windows(_ROWS):
        yield b"\n".join(_objects(window)) + b"\n"


def _objects(window: pa.Table) -> list[bytes]:
    names = window.column_names
    columns = [json_values(column) for column in window.columns]
    return [orjson.dumps(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
