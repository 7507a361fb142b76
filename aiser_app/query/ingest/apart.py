"""The same as `sniff` and `ingest`, in a process of their own that dies with its file.

Files of strangers meet parsers in C++ and Rust here. What breaks one of them, or makes it take all
memory, ends a child that holds no secrets, no connections and no other person's data; and a Stop is
a kill, which no parser can miss.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import aiser_app
from aiser_app import errors
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.encoding import decode, encode
from aiser_app.errors import AiserError, InvalidInput, QueryCancelled, QueryTimedOut
from aiser_app.query.ingest.report import (
    IngestOrder,
    IngestReport,
    Progress,
    Report,
    Sniffed,
    Upload,
)

log = logging.getLogger(__name__)

_PROJECT = Path(aiser_app.__file__).parents[1]
_MODULE = "aiser_app.query.ingest"
_SCRATCH = ".ingest-"


def sniff_apart(upload: Upload, scratch: Path, *, timeout_seconds: float) -> Sniffed:
    """As `sniff`, with a scratch folder below `scratch` that is removed afterwards.

    Raises:
        QueryTimedOut: it took too long.
        AiserError: as `sniff`.
    """
    with _folder(scratch, "") as folder:
        task = {"do": "sniff", "upload": encode(upload), "folder": str(folder)}
        found = _run(task, folder, CancelToken(), lambda _: None, timeout_seconds)
    return decode(Sniffed, found)


def ingest_apart(
    upload: Upload,
    order: IngestOrder,
    cancel: CancelToken,
    report: Report,
    *,
    timeout_seconds: float,
) -> IngestReport:
    """As `ingest`; the caller holds the right to write the target.

    Raises:
        QueryTimedOut, QueryCancelled: it was stopped.
        AiserError: as `ingest`.
    """
    task = {"do": "ingest", "upload": encode(upload), "order": encode(order)}
    return decode(IngestReport, _run(task, order.folder, cancel, report, timeout_seconds))


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target for work on it; those that a dead process left are removed.

    The caller holds the right to write the target: nobody else is at it.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _folder(target.parent, f"{target.stem}-") as folder:
        yield folder


@contextmanager
def _folder(parent: Path, name: str) -> Iterator[Path]:
    prefix = f"{_SCRATCH}{name}"
    if name:
        for left in parent.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=prefix, ignore_cleanup_errors=True) as path:
        yield Path(path)


def _run(
    task: Mapping[str, Any],
    folder: Path,
    cancel: CancelToken,
    report: Report,
    timeout_seconds: float,
) -> Any:
    child = subprocess.Popen(  # noqa: S603 - our own module, no text of anybody
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_PROJECT,
        # Nothing of our own environment: addresses and passwords are in it.
        env={"HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        start_new_session=True,
    )
    timed_out = threading.Event()

    def give_up() -> None:
        timed_out.set()
        child.kill()

    timer = threading.Timer(timeout_seconds, give_up)
    timer.daemon = True
    timer.start()
    unregister = cancel.on_cancel(child.kill)
    try:
        answer = _talk(child, task, report)
    finally:
        unregister()
        timer.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                _close(pipe)
    if cancel.is_set:
        raise QueryCancelled("The ingest was stopped.")
    if timed_out.is_set():
        raise QueryTimedOut(
            f"The file was not read within {timeout_seconds:,.0f} s.",
            hint="Split it into several files, or upload it as Parquet.",
        )
    return _result(answer, child.returncode)


def _talk(
    child: subprocess.Popen[bytes], task: Mapping[str, Any], report: Report
) -> Mapping[str, Any] | None:
    """Send the task, pass progress on; the answer, or None when the child died without one."""
    assert child.stdin is not None  # noqa: S101 - a pipe
    assert child.stdout is not None  # noqa: S101 - a pipe
    try:
        child.stdin.write(json.dumps(task).encode() + b"\n")
        # Stays open: its end tells the child that we are gone.
        child.stdin.flush()
    except BrokenPipeError:
        return None
    for line in child.stdout:
        message: dict[str, Any] = json.loads(line)
        if "progress" not in message:
            return message
        report(decode(Progress, message["progress"]))
    return None


def _result(answer: Mapping[str, Any] | None, status: int | None) -> Any:
    if answer is None:
        log.warning("ingest_child_died", extra={"status": status})
        raise InvalidInput(
            "Reading the file broke off: it is damaged, or needs more memory than one file may take.",
            hint="Export it again, as CSV or Parquet, or split it.",
        )
    if "result" in answer:
        return answer["result"]
    kind = getattr(errors, str(answer["error"]), None)
    if isinstance(kind, type) and issubclass(kind, AiserError):
        raise kind(answer["message"], hint=answer["hint"])
    log.error("ingest_child_failed", extra={"error": answer["error"], "at": answer["message"]})
    raise RuntimeError(str(answer["error"]))


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        log.debug("ingest_child_was_gone")
