"""Files on their way in: one random name each, under the folder of their organization."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aiser_app.db.identifiers import is_id, new_id
from aiser_app.errors import StorageFull

LEFTOVER_SECONDS = 24 * 3600
"""An upload this old belongs to a run that has ended, or that never began."""
FREE_BYTES = 256 * 1024 * 1024
"""Room on the disk below which no upload is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadFile:
    """`path` is made of identifiers only; the name that somebody gave the file is never part of it."""

    upload_id: str
    path: Path

    def open_new(self) -> BinaryIO:
        """For writing, by its owner alone.

        Raises:
            StorageFull: there is no room for files.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            room = os.statvfs(self.path.parent)
            if room.f_bavail * room.f_frsize < FREE_BYTES:
                raise no_room()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise no_room() from error
        return os.fdopen(descriptor, "wb", buffering=0)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def new_upload(uploads_dir: Path, organization_id: str) -> UploadFile:
    return upload_of(uploads_dir, organization_id, new_id())


def upload_of(uploads_dir: Path, organization_id: str, upload_id: str) -> UploadFile:
    """Where a file of that id is, or was."""
    return UploadFile(upload_id=upload_id, path=uploads_dir / organization_id / upload_id)


def clean_uploads(uploads_dir: Path, *, now: float | None = None) -> int:
    """Remove files that nobody will ingest any more; returns how many."""
    moment = time.time() if now is None else now
    removed = 0
    for path in _old(uploads_dir, moment - LEFTOVER_SECONDS):
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def _old(uploads_dir: Path, before: float) -> Iterator[Path]:
    for path in uploads_dir.glob("*/*"):
        try:
            if is_id(path.name) and path.stat().st_mtime < before:
                yield path
        except FileNotFoundError:
            continue


def no_room() -> StorageFull:
    return StorageFull(
        "There is not enough room on the disk for this file.",
        hint="Free some space, then upload it again.",
    )
