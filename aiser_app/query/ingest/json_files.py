"""JSON lists and JSON lines: objects become rows, objects within them columns, lists stay JSON text.

Keys are compared exactly and travel as parameters, so that no key is ever a part of SQL.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.dialects import too_many_columns
from aiser_app.query.ingest.encodings import head_of
from aiser_app.query.ingest.text_tables import TextSource, no_rows

_MAX_DEPTH = 4
"""Objects within objects that become columns; deeper ones stay JSON text."""
_EMPTY = "JSON"
"""What DuckDB calls the structure of an empty object."""
_MIXED = "MIXED"
_UNNESTED = "(SELECT unnest(CAST(json_extract(json, ?) AS JSON[])) AS json FROM {rows})"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Records:
    """Where the rows of a file are."""

    from_sql: str
    """Has one column `json`."""
    parameters: tuple[object, ...]
    notes: tuple[str, ...] = ()


def json_source(connection: duckdb.DuckDBPyConnection, path: Path, *, limit: int = 0) -> TextSource:
    """The file as rows of text; `limit` looks at the first objects only.

    Raises:
        InvalidInput: no list of objects, no rows, too many columns.
    """
    records = _records(connection, path)
    rows = f"(SELECT json FROM {records.from_sql}" + (f" LIMIT {limit})" if limit else ")")  # noqa: S608
    structure = _structure(connection, rows, records.parameters)
    paths = list(_paths(structure, (), 1))
    if not paths:
        raise InvalidInput("The objects of the JSON file have no fields.")
    if len(paths) > limits.MAX_COLUMNS:
        raise too_many_columns(len(paths))
    pointers = [_pointer(path) for path in paths]
    texts = tuple(f"v[{position}]" for position in range(1, len(paths) + 1))
    source = TextSource(
        from_sql=f"(SELECT json_extract_string(json, ?) AS v FROM {rows})",  # noqa: S608 - own names
        parameters=(pointers, *records.parameters),
        texts=texts,
        originals=tuple(".".join(path) for path in paths),
        samples=(),
        notes=records.notes,
    )
    return _with_samples(connection, source)


def _records(connection: duckdb.DuckDBPyConnection, path: Path) -> _Records:
    head, _ = head_of(path)
    start = head.lstrip()[:1]
    if start == "[":
        return _read(path, "array", limits.MAX_OBJECT_BYTES)
    if start != "{":
        raise InvalidInput(
            "The JSON file holds no objects.", hint="Upload a list of objects, or one per line."
        )
    if _is_line_of_json(head):
        return _read(path, "newline_delimited", limits.MAX_OBJECT_BYTES)
    single = _read(path, "unstructured", limits.MAX_DOCUMENT_BYTES)
    key = _list_within(connection, single)
    if key is None:
        return single
    return _Records(
        from_sql=_UNNESTED.format(rows=single.from_sql),
        parameters=(_pointer((key,)), *single.parameters),
        notes=("The rows are those of the one list in the file's object.",),
    )


def _read(path: Path, layout: str, object_bytes: int) -> _Records:
    return _Records(
        from_sql=f"read_json_objects(?, format = '{layout}', maximum_object_size = {object_bytes})",
        parameters=(str(path),),
    )


def _is_line_of_json(head: str) -> bool:
    """Whether the first line is complete: then each line is an object."""
    try:
        json.loads(head.lstrip().splitlines()[0])
    except (ValueError, RecursionError):
        return False
    return True


def _list_within(connection: duckdb.DuckDBPyConnection, single: _Records) -> str | None:
    """The key of the one list of objects in a file that is a single object around it."""
    rows = connection.execute(
        f"SELECT json_structure(json) FROM {single.from_sql} LIMIT 2",  # noqa: S608 - own names
        list(single.parameters),
    ).fetchall()
    structure = json.loads(rows[0][0]) if len(rows) == 1 else None
    if not isinstance(structure, dict):
        return None
    lists = [
        key
        for key, value in structure.items()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    return lists[0] if len(lists) == 1 else None


def _structure(
    connection: duckdb.DuckDBPyConnection, rows: str, parameters: tuple[object, ...]
) -> dict[str, Any]:
    """Keys of all objects, with the structure of their values."""
    cursor = connection.execute(
        f"SELECT json_type(json), json_structure(json) FROM {rows} "  # noqa: S608 - own names
        "GROUP BY ALL ORDER BY count(*) DESC, 2",
        list(parameters),
    )
    merged: dict[str, Any] = {}
    found = False
    while part := cursor.fetchmany(limits.SAMPLE_ROWS):
        for kind, text in part:
            if kind != "OBJECT":
                raise InvalidInput(
                    "The JSON file holds values that are no objects.",
                    hint="Upload a list of objects, or one per line.",
                )
            found = True
            _merge(merged, _plain(json.loads(text)))
            if len(merged) > limits.MAX_COLUMNS:
                raise too_many_columns(len(merged))
    if not found:
        raise no_rows()
    return merged


def _plain(structure: Any) -> dict[str, Any]:
    """An empty object has no structure of its own in DuckDB."""
    return structure if isinstance(structure, dict) else {}


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    """A key whose values are objects in some rows only stays one column, of JSON text."""
    for key, value in other.items():
        mine = into.get(key, "NULL")
        mine, value = (({} if item == _EMPTY else item) for item in (mine, value))
        if mine == "NULL":
            into[key] = value
        elif isinstance(mine, dict) and isinstance(value, dict):
            into[key] = mine
            _merge(mine, value)
        elif isinstance(mine, dict) != isinstance(value, dict) and value != "NULL":
            into[key] = _MIXED


def _paths(structure: dict[str, Any], above: tuple[str, ...], depth: int) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    for key, value in structure.items():
        if "\0" in key:
            raise InvalidInput("The JSON file has keys that are not text.")
        if isinstance(value, dict) and value and depth < _MAX_DEPTH:
            paths += _paths(value, (*above, key), depth + 1)
        else:
            paths.append((*above, key))
    return paths


def _pointer(path: tuple[str, ...]) -> str:
    """A JSON pointer (RFC 6901): exact for every key."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def _with_samples(connection: duckdb.DuckDBPyConnection, source: TextSource) -> TextSource:
    width = len(source.texts)
    most = max(1, min(limits.SAMPLE_ROWS, limits.SAMPLE_CELLS // width))
    rows = connection.execute(
        f"SELECT [left(x, {limits.SAMPLE_CHARS}) FOR x IN v] FROM {source.from_sql} LIMIT {most}",  # noqa: S608 - own names
        list(source.parameters),
    ).fetchall()
    columns = tuple(zip(*(row[0] for row in rows), strict=True))
    return TextSource(
        from_sql=source.from_sql,
        parameters=source.parameters,
        texts=source.texts,
        originals=source.originals,
        samples=columns,
        notes=source.notes,
    )
