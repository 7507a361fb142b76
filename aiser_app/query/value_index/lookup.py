"""Finds the values that phrases may mean, in the file that a sync has written.

All phrases are looked up as they are in one query; only for those that are not found, the words are
looked up, and then what is one letter away. Lists are cut by frequency, so that a word which a
hundred thousand values share costs no more than a rare one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiser_app.domain.catalog import singular
from aiser_app.domain.value_index import Match
from aiser_app.query.value_index.text import fragments, is_near, may_have_typo, normal, words_of

MAX_PHRASES = 200
MAX_EXACT = 200
"""Values of one phrase that are looked at where some columns must not be known: one in many columns."""
MAX_CANDIDATES = 100
"""Values that have the rarest word of a phrase, the most frequent ones first."""
MAX_HITS = 20
"""Of one phrase."""
MAX_LOOSE = 4
"""Phrases that are looked up by words and for typos: the longest ones."""
MIN_SHARED = 0.34
"""Share of a value's words that a phrase must have to mean it."""
_PLURAL_SCORE = 0.95
_TYPO_SCORE = 0.8
_WORDS_SCORE = 0.9


@dataclass(frozen=True, slots=True)
class StoredValue:
    phrase: str
    table: str
    column: str
    value: str
    how: Match
    score: float
    frequency: int


class StoredValues:
    """One file, opened for reading; safe for several threads."""

    def __init__(self, path: Path) -> None:
        """Raises `sqlite3.Error`: there is no such file, or it is damaged."""
        self._lock = threading.Lock()
        # A file is never changed, only replaced: nothing has to be locked.
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._database = sqlite3.connect(address, uri=True, check_same_thread=False)
        self._columns = {
            key: (table, name)
            for key, table, name in self._database.execute(
                "SELECT column_id, tab, name FROM columns"
            )
        }

        self._known: set[int] = set()
        self._is_all = False

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def find(self, phrases: Sequence[str], places: Container[tuple[str, str]]) -> list[StoredValue]:
        """By phrase in the given order, then the best first: values of the columns in `places` only.

        Others are left out before anything is counted or cut: they change nothing of the answer.
        """
        wanted = {
            phrase: plain
            for phrase in dict.fromkeys(phrases[:MAX_PHRASES])
            if (plain := normal(phrase))
        }
        with self._lock:
            self._known = {key for key, place in self._columns.items() if place in places}
            self._is_all = len(self._known) == len(self._columns)
            found = self._as_they_are(wanted)
            loose = sorted(
                (phrase for phrase in wanted if phrase not in found),
                key=lambda phrase: -len(wanted[phrase]),
            )
            for phrase in loose[:MAX_LOOSE]:
                hits = self._by_words(phrase, wanted[phrase]) or self._with_typo(
                    phrase, wanted[phrase]
                )
                if hits:
                    found[phrase] = hits
        return [hit for phrase in wanted for hit in _best(found.get(phrase, []))]

    def _as_they_are(self, wanted: dict[str, str]) -> dict[str, list[StoredValue]]:
        spelled: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
        for phrase, plain in wanted.items():
            spelled[plain].append((phrase, 1.0))
            head, space, last = plain.rpartition(" ")
            one = f"{head}{space}{singular(last)}"
            if one != plain:
                spelled[one].append((phrase, _PLURAL_SCORE))
        found: defaultdict[str, list[StoredValue]] = defaultdict(list)
        for plain, rows in self._of_normal(list(spelled)).items():
            for phrase, score in spelled[plain]:
                found[phrase] += [self._hit(phrase, row, score) for row in rows]
        return dict(found)

    def _of_normal(self, texts: list[str]) -> dict[str, list[tuple[int, str, str, int]]]:
        """Values by their normal form, the most frequent first: one statement for all texts."""
        if not texts:
            return {}
        places = ", ".join("(?)" for _ in texts)
        rows = self._database.execute(
            f"WITH wanted (text) AS (VALUES {places}) "  # noqa: S608 - only places
            "SELECT v.column_id, v.value, v.normal, v.frequency FROM wanted CROSS JOIN vals v "
            "ON v.value_id IN (SELECT value_id FROM vals WHERE normal = wanted.text "
            "ORDER BY frequency DESC, value_id LIMIT ?)",
            (*texts, MAX_HITS if self._is_all else MAX_EXACT),
        )
        found: defaultdict[str, list[tuple[int, str, str, int]]] = defaultdict(list)
        for row in rows:
            if row[0] in self._known:
                found[row[2]].append(row)
        return dict(found)

    def _hit(self, phrase: str, row: tuple[int, str, str, int], score: float) -> StoredValue:
        column_id, value, _, frequency = row
        table, column = self._columns[column_id]
        how = Match.EXACT if value == phrase else Match.NORMAL
        sure = 1.0 if how is Match.EXACT else min(score, 0.99)
        return StoredValue(phrase, table, column, value, how, sure, frequency)

    def _by_words(self, phrase: str, plain: str) -> list[StoredValue]:
        """Values that have all words of the phrase, by way of its rarest one."""
        words = list(dict.fromkeys(words_of(plain)))
        tokens = self._tokens(words)
        if len(tokens) < len(words):
            return []
        rarest = min(tokens.values(), key=lambda item: (item[1], item[0]))[0]
        rows = self._database.execute(
            "SELECT v.column_id, v.value, v.normal, v.frequency FROM "
            "(SELECT value_id FROM postings WHERE token_id = ? ORDER BY rank, value_id LIMIT ?) p "
            "JOIN vals v USING (value_id)",
            (rarest, MAX_CANDIDATES if self._is_all else MAX_CANDIDATES * 5),
        )
        hits = []
        for column_id, value, other, frequency in rows:
            others = set(words_of(other))
            share = len(words) / len(others)
            if column_id not in self._known:
                continue
            if share >= MIN_SHARED and others.issuperset(words):
                table, column = self._columns[column_id]
                score = round(_WORDS_SCORE * share, 4)
                hits.append(
                    StoredValue(phrase, table, column, value, Match.WORDS, score, frequency)
                )
        return hits

    def _with_typo(self, phrase: str, plain: str) -> list[StoredValue]:
        """The phrase with one of its words put right; only if all the others are known."""
        words = words_of(plain)
        tokens = self._tokens(words)
        unknown = [word for word in words if word not in tokens]
        if len(set(unknown)) != 1 or not may_have_typo(unknown[0]):
            return []
        wrong = unknown[0]
        texts = [
            " ".join(right if word == wrong else word for word in words)
            for right in self._near(wrong)
        ]
        hits = []
        for rows in self._of_normal(texts).values():
            for column_id, value, _, frequency in rows:
                table, column = self._columns[column_id]
                hits.append(
                    StoredValue(phrase, table, column, value, Match.TYPO, _TYPO_SCORE, frequency)
                )
        return hits

    def _near(self, word: str) -> list[str]:
        parts = list(fragments(word))
        rows = self._database.execute(
            "SELECT DISTINCT t.token FROM near n JOIN tokens t USING (token_id) "  # noqa: S608
            f"WHERE n.fragment IN ({', '.join('?' for _ in parts)}) LIMIT ?",
            (*parts, MAX_CANDIDATES),
        )
        return sorted(token for (token,) in rows if is_near(word, token))

    def _tokens(self, words: Sequence[str]) -> dict[str, tuple[int, int]]:
        """(id, how many values have it) of the words that occur."""
        rows = self._database.execute(
            "SELECT token, token_id, times FROM tokens "  # noqa: S608 - only places
            f"WHERE token IN ({', '.join('?' for _ in words)})",
            list(words),
        )
        return {token: (key, times) for token, key, times in rows}


def _best(hits: list[StoredValue]) -> list[StoredValue]:
    hits.sort(key=lambda hit: (-hit.score, -hit.frequency, hit.table, hit.column, hit.value))
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for hit in hits:
        place = (hit.table, hit.column, hit.value)
        if place not in seen:
            seen.add(place)
            kept.append(hit)
    return kept[:MAX_HITS]
