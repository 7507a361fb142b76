"""The connection that ingests: it reaches its own database and the files it was given, nothing else."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import AiserError, InvalidInput, QueryCancelled, StorageFull
from aiser_app.query.ingest.report import Progress, Report

MEMORY_LIMIT = "1GB"
THREADS = 2
POLL_SECONDS = 0.5
"""How often progress is told; also how often an interrupt is repeated until it is heard."""

_DISK = re.compile(
    r"write|truncate|sync|no space|too large|quota|read-only file system", re.IGNORECASE
)
"""What DuckDB says when the disk refuses something; a damaged file is an I/O error for it, too."""

_PROFILE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": MEMORY_LIMIT,
    "threads": str(THREADS),
}


@contextmanager
def ingest_connection(
    database: Path | None, folder: Path, files: Sequence[Path]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open `database`, or one in memory; `folder` is for what does not fit into memory.

    Failures of DuckDB leave as errors in words for the person who uploaded.
    """
    try:
        config = {**_PROFILE, "temp_directory": str(folder / "spill")}
        with duckdb.connect(str(database or ":memory:"), config=config) as connection:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = true")  # without it there is no progress
            connection.execute("SET enable_progress_bar_print = false")
            # After this no statement reaches another file, nor changes these settings back.
            connection.execute("SET allowed_paths = ?", [[str(path) for path in files]])
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection
    except duckdb.Error as error:
        raise as_ingest_error(error) from error


@contextmanager
def watched(
    connection: duckdb.DuckDBPyConnection, cancel: CancelToken, report: Report, step: str
) -> Iterator[None]:
    """Tell progress while a statement runs, and interrupt it on cancel.

    Raises:
        QueryCancelled: somebody stopped it.
    """
    done = threading.Event()

    def watch() -> None:
        told = 0.0
        while not done.wait(POLL_SECONDS):
            percent = connection.query_progress()
            if cancel.is_set:
                connection.interrupt()
            elif percent > told:
                told = percent
                report(Progress(step=step, fraction=round(percent / 100, 3)))

    refuse_cancelled(cancel)
    thread = threading.Thread(target=watch, name="ingest-watch", daemon=True)
    thread.start()
    try:
        yield
    except duckdb.Error:
        refuse_cancelled(cancel)
        raise
    finally:
        done.set()
        thread.join()


def refuse_cancelled(cancel: CancelToken) -> None:
    if cancel.is_set:
        raise QueryCancelled("The ingest was stopped.")


def as_ingest_error(error: duckdb.Error) -> AiserError:
    """What went wrong, without paths and without DuckDB's advice on settings nobody can change."""
    text = str(error)
    if isinstance(error, duckdb.OutOfMemoryException) and "max_temp_directory_size" not in text:
        return InvalidInput(
            "The file needs more memory than one ingest may use.",
            hint="Split it into several files, or upload it as Parquet.",
        )
    if "maximum recursion depth" in text or "too deeply nested" in text:
        return InvalidInput("The JSON is nested too deeply.", hint="Export it as a plain list.")
    if "Malformed JSON" in text:
        return InvalidInput(f"The JSON is damaged{_place(text)}.", hint="Export the file again.")
    if "maximum_object_size" in text:
        return InvalidInput(
            "One object of the JSON file is too large.",
            hint="Upload a list of objects, or one object per line.",
        )
    is_spill = isinstance(error, duckdb.OutOfMemoryException)
    if is_spill or (isinstance(error, duckdb.IOException) and _DISK.search(text)):
        return disk_full()
    return InvalidInput("The file cannot be read as a table.", hint="Export it again, as CSV.")


def disk_full() -> StorageFull:
    return StorageFull(
        "There is not enough room on the disk for this file.",
        hint="Free some space, then upload it again. What was there before is untouched.",
    )


def _place(text: str) -> str:
    found = re.search(r"in (line|record/value) (\d{1,12})", text)
    return f" in {found.group(1).partition('/')[0]} {int(found.group(2)):,}" if found else ""
