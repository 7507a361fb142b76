"""Names of tables and columns as words that can be compared, whatever style they are written in.

`custid`, `cust_id`, `CUST_ID`, `ord_cust_id` beside `ord_no` and `ord_date`, and `customerId` speak of
the same thing. Abbreviations are those of the table names at hand: a word of a column that shortens
exactly one of them means that one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from aiser_app.domain.catalog import (
    ColumnProfile,
    TableProfile,
    name_words,
    shared_prefix,
    singular,
)

Words = tuple[str, ...]

GENERIC_KEYS = frozenset(
    {"id", "key", "code", "no", "nr", "num", "number", "pk", "uuid", "guid", "sk", "cd", "nbr"}
)
"""Words that make a column a key without saying of what."""
_PREFIXES = frozenset(
    {"dim", "fct", "fact", "tbl", "stg", "bridge", "brg", "v", "vw", "lkp", "ref", "map", "mart"}
)
_TAILS = ("number", "code", "uuid", "guid", "key", "num", "nbr", "id", "no", "nr", "cd", "sk")
_SPELLINGS = {"cd": "code", "no": "number", "nr": "number", "nbr": "number", "num": "number"}
_SHORTEST = 3
"""Letters of an abbreviation, and of what is left of a compound without its tail."""
_MOST_ENTITIES = 400
"""With more words in table names than this, a short word could shorten anything."""
_VOWELS = frozenset("aeiou")


def entity_words(table: TableProfile) -> Words:
    """What a row of the table is: `dim_order_items` is order, item."""
    words = [word for word in name_words(table.name.rpartition(".")[2]) if word not in _PREFIXES]
    return (*words[:-1], singular(words[-1])) if words else ()


def schema_of(table: TableProfile) -> str:
    """Empty for the default schema."""
    return table.name.rpartition(".")[0]


class Naming:
    """The words of every name in one catalog. Read from the names alone."""

    def __init__(self, tables: Sequence[TableProfile]) -> None:
        self._entities = {table.name: entity_words(table) for table in tables}
        known = {word for words in self._entities.values() for word in words}
        self._known = known
        self._meant = _Abbreviations(known) if len(known) <= _MOST_ENTITIES else None
        self._cut = {table.name: shared_prefix(table) for table in tables}
        self._read: dict[tuple[int, str], Words] = {}

    def is_entity_word(self, word: str) -> bool:
        return word in self._known

    def entity(self, table: TableProfile) -> Words:
        found = self._entities.get(table.name)
        return entity_words(table) if found is None else found

    def column(self, table: TableProfile, column: ColumnProfile) -> Words:
        place = self._cut.get(table.name, 0), column.name
        found = self._read.get(place)
        if found is None:
            words = name_words(column.name)[place[0] :]
            found = tuple(self._spelled(part) for word in words for part in self._split(word))
            self._read[place] = found
        return found

    def _split(self, word: str) -> Words:
        """`custid` is cust, id; only where what is left means something here."""
        if word in self._known:
            return (word,)
        for tail in _TAILS:
            head = word.removesuffix(tail)
            if head != word and len(head) >= _SHORTEST and self._spelled(head) in self._known:
                return (head, tail)
        return (word,)

    def _spelled(self, word: str) -> str:
        if word in GENERIC_KEYS:
            return _SPELLINGS.get(word, word)
        if word in self._known or self._meant is None:
            return word
        one = singular(word)
        return one if one in self._known else self._meant.find(word)


class _Abbreviations:
    def __init__(self, known: Iterable[str]) -> None:
        self._by_letter: defaultdict[str, list[str]] = defaultdict(list)
        for word in sorted(known):
            self._by_letter[word[:1]].append(word)
        self._found: dict[str, str] = {}

    def find(self, word: str) -> str:
        """The only known word that it shortens, else the word itself."""
        if word not in self._found:
            meant = [long for long in self._by_letter[word[:1]] if shortens(word, long)]
            self._found[word] = meant[0] if len(meant) == 1 else word
        return self._found[word]


def shortens(short: str, long: str) -> bool:
    """`cust` and `dept` begin it, `mgr` and `acct` are letters of it in order, without vowels."""
    if not _SHORTEST <= len(short) < len(long) or short[0] != long[0]:
        return False
    if long.startswith(short):
        return True
    begun = _SHORTEST if long.startswith(short[:_SHORTEST]) else 1
    if any(letter in _VOWELS for letter in short[begun:]):
        return False
    rest = iter(long)
    return all(letter in rest for letter in short)
