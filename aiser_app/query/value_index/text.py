"""How texts are compared: without case, accents and punctuation, word by word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

MAX_LENGTH = 120
"""Characters of a value that are compared; longer ones are prose, and are not kept."""
MIN_TYPO = 4
MAX_TYPO = 24
"""Letters of words in which a wrong letter is looked for: shorter ones are all near to each other."""
_WORD = re.compile(r"\w+", re.UNICODE)


@lru_cache(maxsize=50_000)
def normal(text: str) -> str:
    """“São  Paulo-Norte” is “sao paulo norte”."""
    if text.isascii():
        plain = text.lower()
    else:
        parts = unicodedata.normalize("NFKD", text.casefold())
        plain = "".join(part for part in parts if not unicodedata.combining(part))
    return " ".join(_WORD.findall(plain.replace("_", " ")))


def words_of(normal_text: str) -> list[str]:
    return normal_text.split()


def may_have_typo(word: str) -> bool:
    return MIN_TYPO <= len(word) <= MAX_TYPO and word.isalpha()


def fragments(word: str) -> Iterator[str]:
    """The word, and every text that leaves one letter of it out."""
    yield word
    seen = {word}
    for at in range(len(word)):
        shorter = word[:at] + word[at + 1 :]
        if shorter not in seen:
            seen.add(shorter)
            yield shorter


def is_near(one: str, other: str) -> bool:
    """Whether one letter is missing, too many or wrong, or two neighbours are swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) > len(other):
        one, other = other, one
    at = next((i for i, letter in enumerate(one) if letter != other[i]), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    is_swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return one[at + 1 :] == other[at + 1 :] or is_swapped
