"""The child of `apart`: one task from standard input, lines of JSON to standard output."""

from __future__ import annotations

import json
import os
import resource
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.encoding import decode, encode
from aiser_app.errors import AiserError, InvalidInput
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.ingesting import ingest
from aiser_app.query.ingest.report import IngestOrder, Progress, Upload
from aiser_app.query.ingest.sniffing import sniff

MAX_ADDRESS_SPACE = 6 * 1024 * limits.MEGABYTE
MAX_FILE_BYTES = 16 * 1024 * limits.MEGABYTE
NICENESS = 5
"""Pages and queries come before files."""


def main(tasks: IO[str], answers: IO[str], *, leave: Callable[[int], None] = os._exit) -> int:
    """Do the one task; ends when `tasks` ends, as that is the end of the parent."""
    task: dict[str, Any] = json.loads(tasks.readline())

    def tell(message: Mapping[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def follow_parent() -> None:
        tasks.read()
        leave(1)

    threading.Thread(target=follow_parent, name="parent-watch", daemon=True).start()
    tell(answer_to(task, lambda progress: tell({"progress": encode(progress)})))
    return 0


def set_limits() -> None:
    """Bounds that no parser gets past."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


def answer_to(task: Mapping[str, Any], report: Callable[[Progress], None]) -> dict[str, Any]:
    """The result of a task, or its failure, as JSON."""
    try:
        return {"result": encode(_do(task, report))}
    except AiserError as error:
        return _failure(type(error).__name__, error.message, error.hint)
    except MemoryError:
        message = "The file needs more memory than one ingest may use."
        return _failure(InvalidInput.__name__, message, "Split it into several files.")
    except OSError as error:
        return _failure(
            "StorageFull", f"The disk refused the data: {os.strerror(error.errno or 0)}."
        )
    except Exception as error:  # noqa: BLE001 - the parent logs it; its text may hold data
        places = traceback.extract_tb(error.__traceback__)[-3:]
        where = " < ".join(f"{place.name}:{place.lineno}" for place in reversed(places))
        return _failure(type(error).__qualname__, where)


def _do(task: Mapping[str, Any], report: Callable[[Progress], None]) -> object:
    upload = decode(Upload, task["upload"])
    if task["do"] == "sniff":
        return sniff(upload, Path(task["folder"]))
    return ingest(upload, decode(IngestOrder, task["order"]), CancelToken(), report)


def _failure(error: str, message: str, hint: str | None = None) -> dict[str, Any]:
    return {"error": error, "message": message, "hint": hint}
