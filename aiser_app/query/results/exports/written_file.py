"""A file that has to be complete before its first byte can go out."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_FOLDER = "workbooks"
_CHUNK_BYTES = 256 * 1024


@contextmanager
def private_folder(spill_folder: Path) -> Iterator[Path]:
    """A folder that only this process's user may enter, gone at the end with all that is in it.

    What a killed process leaves is removed by the clean-up, like everything below `spill_folder`.
    """
    folder = spill_folder / _FOLDER / uuid.uuid4().hex
    spill_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.parent.mkdir(exist_ok=True, mode=0o700)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class WrittenFile:
    """Reads an open file to its end, then closes it.

    The file has no name any more: whatever ends the reading, a client that goes away or a killed
    process, nothing of it stays on the disk.
    """

    def __init__(self, file: BinaryIO, *, row_count: int) -> None:
        self._file = file
        self.row_count = row_count
        """Rows that found room."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = b"" if self._file.closed else self._file.read(_CHUNK_BYTES)
        if not piece:
            self._file.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self._file.close()
