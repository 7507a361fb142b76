"""What every export format gets to work with, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa


class Chunks(Protocol):
    """The pieces of a file in order; generators are such."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None:
        """No more pieces are wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRows:
    """`windows(n)` gives all rows, at most n at a time, fewer where rows are large."""

    schema: pa.Schema
    windows: Callable[[int], Iterator[pa.Table]]
    row_count: int
    is_cut: bool
    """There are more rows than these."""
    as_of: datetime
    spill_folder: Path
    """Where a format that cannot be streamed may write, into a folder of its own."""
