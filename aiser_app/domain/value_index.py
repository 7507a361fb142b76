"""Which values of the data a text may mean: the contract between the planner and what keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Match(StrEnum):
    """How a phrase and a value fit, the best first."""

    EXACT = "exact"
    """Letter by letter."""
    NORMAL = "normal"
    """But for case, accents, punctuation, and a plural at the end."""
    WORDS = "words"
    """All words of the phrase are words of the value: “kennedy” of “John F Kennedy Intl”."""
    TYPO = "typo"
    """As `NORMAL`, with one letter of a word missing, too many, wrong, or two of them swapped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueHit:
    phrase: str
    member: str
    """`cube.dimension`"""
    value: str
    """As it is stored."""
    how: Match
    score: float
    """0..1"""
    frequency: int
    """Rows that have it when the values were read; 0 when that is unknown."""


class ValueIndex(Protocol):
    def find(self, phrases: Sequence[str]) -> list[ValueHit]:
        """Values that the phrases may mean: by phrase in the given order, then the best first.

        The same index and phrases give the same hits, always. Only values that whoever asks may know.
        """
