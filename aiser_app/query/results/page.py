"""One page of a stored result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiser_app.domain.result import Column


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultPage:
    """`row_count` is the number of rows that the filters leave, in all pages together."""

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    offset: int
    row_count: int
    truncated: bool
