"""A mark inside of a DuckDB file that says which upload made it what it is.

A worker that dies after the new file is in its place, and before the run is written down, is
followed by a second attempt: it finds the mark, and does not add the same rows twice. The mark is a
sequence, which no catalog lists and no query reaches; its comment holds the report.
"""

from __future__ import annotations

import json

import duckdb

from aiser_app.domain.encoding import decode, encode
from aiser_app.query.ingest.naming import literal, quoted
from aiser_app.query.ingest.report import IngestReport

_PREFIX = "aiser_ingest_"


def set_mark(connection: duckdb.DuckDBPyConnection, mark: str, report: IngestReport) -> None:
    """Replace the mark of the ingest before."""
    former = connection.execute(
        "SELECT sequence_name FROM duckdb_sequences() WHERE starts_with(sequence_name, ?)",
        [_PREFIX],
    ).fetchall()
    for (name,) in former:
        connection.execute(f"DROP SEQUENCE {quoted(name)}")
    if mark:
        name = quoted(_PREFIX + mark)
        connection.execute(f"CREATE SEQUENCE {name}")
        connection.execute(f"COMMENT ON SEQUENCE {name} IS {literal(json.dumps(encode(report)))}")


def find_mark(connection: duckdb.DuckDBPyConnection, mark: str) -> IngestReport | None:
    """The report of the ingest of that mark, if the file is as it left it."""
    row = connection.execute(
        "SELECT comment FROM duckdb_sequences() WHERE sequence_name = ?", [_PREFIX + mark]
    ).fetchone()
    return decode(IngestReport, json.loads(row[0])) if row and mark else None
