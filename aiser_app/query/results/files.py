"""The files of the result store: their names, what lies there, and what dead writers left."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aiser_app.errors import NotFound

SPILL_FOLDER = ".spill"
"""Below the root: where sorting puts what does not fit in memory."""
LEFTOVER_SECONDS = 2 * 3600
"""A file that nobody has written to for this long belongs to a process that died: no query and no
export runs for longer."""

FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room for a file."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUFFIX = ".arrow"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """Rows of one result on disk. Results that share rows have equal `content`."""

    organization_id: str
    result_id: str
    path: Path
    content: tuple[int, int]
    """Device and inode."""
    size: int
    """Bytes on disk."""
    linked_at: float
    """When the rows were written or last shared; seconds since 1970."""


def result_path(root: Path, result_id: str, organization_id: str) -> Path:
    """Identifiers come from requests too: nothing but plain names may become a path."""
    if not _IDENTIFIER.fullmatch(result_id) or not _IDENTIFIER.fullmatch(organization_id):
        raise NotFound("There is no such result.")
    return root / organization_id / f"{result_id}{_SUFFIX}"


def stored_files(root: Path) -> Iterator[StoredFile]:
    """Every result that is complete; what vanishes meanwhile is left out."""
    for path in root.glob(f"*/*{_SUFFIX}"):
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue
        yield StoredFile(
            organization_id=path.parent.name,
            result_id=path.stem,
            path=path,
            content=(facts.st_dev, facts.st_ino),
            size=facts.st_size,
            linked_at=facts.st_ctime,
        )


def remove_leftovers(root: Path) -> int:
    """Delete what dead processes left half-written; returns how many files (or folders of one)."""
    spilled = (root / SPILL_FOLDER).glob("*/*")
    removed = sum(_remove_if_old(path) for path in (*root.glob("*/.*.tmp"), *spilled))
    for folder in (root / SPILL_FOLDER).glob("*"):
        with contextlib.suppress(OSError):  # in use
            folder.rmdir()
    return removed


def _remove_if_old(path: Path) -> bool:
    try:
        if time.time() - path.stat().st_mtime < LEFTOVER_SECONDS:
            return False
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return False
    return True
