"""How long looking up the words of a question takes, over a million values in four hundred columns.

Usage: python -m benchmarks.value_index [values]. Prints what building takes, the size, and the
percentiles of looking up all spans of one to six words of a question.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from aiser_app.query.value_index.building import Values, write_values
from aiser_app.query.value_index.lookup import StoredValues

COLUMNS = 400
WORDS = 31_000
QUESTIONS = 400
_SYLLABLES = [
    "ba",
    "be",
    "bi",
    "bo",
    "ca",
    "co",
    "da",
    "de",
    "di",
    "do",
    "fa",
    "fe",
    "ga",
    "go",
    "ka",
    "ke",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "no",
    "pa",
    "po",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "si",
    "so",
    "ta",
    "te",
    "ti",
    "to",
    "va",
    "ve",
    "vi",
    "za",
]
_LENGTHS = (1, 2, 2, 2, 2, 3, 3, 3, 3, 3)
"""Words of a value."""
_ASKED = "how many orders of {} were there in {} by region last year with status {}"


def vocabulary(chance: random.Random) -> list[str]:
    words: set[str] = set()
    while len(words) < WORDS:
        words.add("".join(chance.choices(_SYLLABLES, k=chance.randint(2, 5))))
    return sorted(words)


def columns(
    chance: random.Random, words: list[str], count: int
) -> Iterator[tuple[str, str, Values]]:
    """Words are drawn as in texts: few of them in very many values, most of them in few."""
    weights = [1 / (rank + 10) for rank in range(len(words))]
    for number in range(COLUMNS):
        wanted = count // COLUMNS
        drawn = chance.choices(words, weights, k=wanted * 3)
        values = {
            " ".join(drawn[at * 3 : at * 3 + chance.choice(_LENGTHS)]).title()
            for at in range(wanted)
        }
        fill = (f"{chance.choice(words)} {chance.randint(1, 99_999)}" for _ in range(wanted))
        while len(values) < wanted:
            values.add(next(fill))
        yield (
            f"table_{number % 100}",
            f"column_{number}",
            [(value, chance.randint(1, 1000)) for value in sorted(values)],
        )


def spans(question: str) -> list[str]:
    words = question.split()
    return [
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + 6, len(words)) + 1)
    ]


def questions(chance: random.Random, known: list[str], words: list[str]) -> list[str]:
    asked = []
    for _ in range(QUESTIONS):
        right = chance.choice(known).lower()
        wrong = chance.choice(words)
        at = chance.randrange(len(wrong))
        wrong = wrong[:at] + wrong[at + 1 :]
        asked.append(_ASKED.format(right, wrong, chance.choice(words)))
    return asked


def main(arguments: list[str]) -> int:
    count = int(arguments[0]) if arguments else 1_000_000
    chance = random.Random(7)
    words = vocabulary(chance)
    known: list[str] = []

    def told() -> Iterator[tuple[str, str, Values]]:
        for item in columns(chance, words, count):
            known.extend(value for value, _ in item[2][:3])
            yield item

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.sqlite"
        started = time.perf_counter()
        written = write_values(path, told())
        built = time.perf_counter() - started
        size = path.stat().st_size / 1024**2
        print(f"{written:,} values built in {built:.1f} s (with making them up), {size:,.0f} MB")
        index = StoredValues(path)
        places = {(f"table_{n % 100}", f"column_{n}") for n in range(COLUMNS)}
        times, found, asked = [], 0, list[str]()
        for question in questions(chance, known, words):
            asked = spans(question)
            started = time.perf_counter()
            found += bool(index.find(asked, places))
            times.append((time.perf_counter() - started) * 1000)
        index.close()
    cuts = statistics.quantiles(times, n=100)
    print(
        f"{len(times)} questions of {len(asked)} spans, {found} with hits: "
        f"p50 {cuts[49]:.2f} ms, p95 {cuts[94]:.2f} ms, max {max(times):.2f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
