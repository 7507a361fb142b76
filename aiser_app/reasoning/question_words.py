"""Questions cut into what carries meaning, so that two of them can be compared without reading them.

Nothing here understands a question. It only knows what may be ignored: case, punctuation, politeness,
articles, whether a number is written in letters. Whatever could be a value, a number, a date, a
comparison or a negation stays, and stays in its place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias


def _list(text: str) -> list[str]:
    """Words as they are best written down, and read."""
    return text.split()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN = re.compile(
    r"""
    (?P<quoted>"[^"]{1,200}" | “[^”]{1,200}” | (?<!\w)'[^']{1,200}'(?!\w))
  | (?P<date>\d{4}-\d{2}(?:-\d{2})?(?!\d))
  | (?P<number>(?:(?<!\w)[-\u2212+])?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+))
  | (?P<word>[^\W\d_][^\W_]*(?:['\u2019][^\W\d_]+)?[+\#]*)
  | (?P<mark>>=|<=|!=|<>|[^\s\w])
    """,
    re.VERBOSE,
)
_CLAUSE_MARKS = frozenset(",;:()\N{EN DASH}\N{EM DASH}")
_SILENT_MARKS = frozenset("?!.'\"“”`")
_MARK_WORDS = {"&": "and", "%": "percent", "/": "per", "\N{MULTIPLICATION SIGN}": "times"}
_POLITE = re.compile(
    r"^(?:(?:please|hi|hello|hey|ok|so|now|and)\b[\s,]*"
    r"|(?:can|could|would|will) you (?:please )?(?=(?:show|give|tell|list|find|get)\b)"
    r"|i(?:'d| would)? (?:want|like|need) to (?:know|see)\b[\s,:]*"
    r"|(?:show|give|tell|get|find|display)(?-i: me| us)?\b[\s,:]*)+",
    re.IGNORECASE,
)
_THANKS = re.compile(r"[\s,.!]*\b(?:please|thanks|thank you|thx)[\s.!?]*$", re.IGNORECASE)
_FILLERS = _set(
    "a an the is are was were be been do does did there it its this these those those our we us "
    "what what's"
)
_KEPT_FILLERS = frozenset(("us", "it", "we", "our", "this", "these", "those"))
"""Could be a value, or point to something that was said before."""
_LABELS = {
    "by": "by", "per": "by", "each": "by", "every": "by",
    **{
        word: word
        for word in _set(
            "for from to in on at of with within during across into through via against as "
            "than between before after since until till over under above below up down off out "
            "versus vs compared minus plus divided times without except excluding including but "
            "not no never none neither nor cannot non which who whose whom that where when while "
            "if or only more less fewer least most not"
        )
    },
}  # fmt: skip
NEGATIONS = _set("not no never none neither nor without except excluding cannot non isn't aren't")
_UNITS = {
    name: value
    for value, name in enumerate(
        _list(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        )
    )
}
_TENS = {
    name: 10 * value
    for value, name in enumerate(
        _list("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_MONTHS = _list(
    "january february march april may june july august september october november december"
)
_DAYS = _list("monday tuesday wednesday thursday friday saturday sunday")
_SHORT = {name[:3]: name for name in (*_MONTHS, *_DAYS) if name != "may"} | {
    "sept": "september", "tues": "tuesday", "thur": "thursday", "thurs": "thursday",
}  # fmt: skip
RELATIVE = _set(
    "today yesterday tomorrow now currently current recent recently last past previous this "
    "ago ytd mtd qtd upcoming"
)
"""Words that mean another time tomorrow."""
_TIMES = frozenset(
    {
        *_MONTHS, *_DAYS, *RELATIVE, "next", "latest", "hour", "day", "week", "month", "quarter", "year",
        "weekend", "weekday", "morning", "evening", "night", "noon", "midnight", "date", "ever",
        "daily", "weekly", "monthly", "quarterly", "yearly", "annual", "hourly", "first",
    }
)  # fmt: skip
_QUARTERS = frozenset(("q1", "q2", "q3", "q4", "h1", "h2"))
_ISO_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_TIME_LABELS = _set("in on at for since until till during within before after from to between over")
_OPERATORS = _set(
    "top bottom best worst highest lowest most least more less fewer greatest smallest largest biggest "
    "longest shortest maximum minimum max min average mean median sum total count number many much "
    "percent percentage share ratio rate growth change difference distinct unique rank cumulative "
    "running over under above below before after between at than exactly only both either all any "
    "increase decrease up down first last > < >= <= = != <> + - * /"
)


@dataclass(frozen=True, slots=True)
class Word:
    """`text` is what is compared; `is_value` if it can be a name or value of the data."""

    text: str
    is_value: bool = False
    is_number: bool = False
    raw: str = ""
    """As it was written, in small letters: what is a plural for words is another value for values."""

    @property
    def is_protected(self) -> bool:
        """May never differ between two questions that are taken for the same."""
        return (
            self.is_value
            or self.is_number
            or self.text in NEGATIONS
            or self.text in _TIMES
            or self.text in _OPERATORS
            or not self.text[:1].isalpha()
        )


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in their order, and the word that ties them to the rest: by, in, without."""

    label: str
    words: tuple[str, ...]

    @property
    def is_free(self) -> bool:
        """What a question is split by, and its time, are said of the whole, wherever they stand."""
        if self.label == "by":
            return True
        return (
            self.label in _TIME_LABELS
            and any(map(_is_time, self.words))
            and all(_is_time(word) or word.isdigit() for word in self.words)
        )


Part: TypeAlias = tuple[Phrase, ...]
"""Phrases that keep their order: what is tied by “with” or “of” belongs to what stands before it."""


def words_of(text: str) -> tuple[Word, ...]:
    """What carries meaning, in order; clause marks are words of their own."""
    text = unicodedata.normalize("NFC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = _THANKS.sub("", _POLITE.sub("", text.strip()))
    is_shouted = text.isupper()
    found: list[Word] = []
    for position, match in enumerate(_TOKEN.finditer(text)):
        found.extend(_read(match, is_first=position == 0, is_shouted=is_shouted))
    return _with_numbers(_without_doubled_by(found))


def parts_of(words: tuple[Word, ...]) -> tuple[Part, ...]:
    """The parts of a question, sorted: equal for questions that only order their parts otherwise.

    After “and” a phrase is tied as the one before it: by region and month.
    """
    parts: list[list[Phrase]] = [[]]
    label, items, is_new = "", list[str](), False

    def close(*, at_clause: bool = False) -> None:
        nonlocal is_new
        if items or (label and not at_clause):
            phrase = Phrase(label, tuple(items))
            if phrase.is_free or is_new:
                parts.append([])
            parts[-1].append(phrase)
            is_new = False
        is_new = is_new or at_clause
        items.clear()

    for word in words:
        text = word.text
        if word.is_value or (text not in _CLAUSE_MARKS and text != "and" and text not in _LABELS):
            items.append(text)
        elif text in _CLAUSE_MARKS:
            close(at_clause=True)
            label = ""
        elif text == "and":
            close()
        elif items or not label:
            close()
            label = text
        elif label != text:  # labels in a row say more than the last of them
            label = f"{label} {text}"
    close()
    kept = [tuple(part) for part in parts if part]
    return tuple(sorted(kept, key=lambda part: [(p.label, p.words) for p in part]))


def is_relative(words: tuple[Word, ...]) -> bool:
    """Whether the question means another time when it is asked on another day."""
    said = [word.text for word in words if word.text != "-"]
    if any(word.text in RELATIVE for word in words if not word.is_value):
        return True
    if any(pair in (("so", "far"), ("to", "date")) for pair in pairwise(said)):
        return True
    is_named = any(text in _QUARTERS or text in _MONTHS or text in _DAYS for text in said)
    return is_named and not any(_is_year(text) or _ISO_DATE.fullmatch(text) for text in said)


def singular(word: str) -> str:
    """Without the ending of a regular plural; anything else as it is."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "news")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit() and word[:2] in ("19", "20")


def _is_time(word: str) -> bool:
    return _is_year(word) or word in _TIMES or bool(_ISO_DATE.fullmatch(word)) or word in _QUARTERS


def _read(match: re.Match[str], *, is_first: bool, is_shouted: bool) -> list[Word]:
    kind, text = str(match.lastgroup), match.group()
    if kind == "quoted":
        return [Word(text[1:-1].strip().casefold(), is_value=True)]
    if kind == "date":
        return [Word(text, is_number=True)]
    if kind == "number":
        return [Word(_plain_number(text), is_number=True)]
    if kind == "mark":
        if text in _SILENT_MARKS:
            return []
        return [Word(_MARK_WORDS.get(text, text))]
    return _read_word(text, is_first=is_first, is_shouted=is_shouted)


def _read_word(text: str, *, is_first: bool, is_shouted: bool) -> list[Word]:
    folded = text.casefold()
    if folded.endswith("n't"):
        return [Word("not")]
    base = folded.removesuffix("'s").removesuffix("'")
    is_code = text.isupper() and not is_shouted and (len(text) > 1 or not is_first)
    if is_code and base != "i":
        return [Word(singular(base), is_value=True, raw=base)]
    if base in _FILLERS and base not in _KEPT_FILLERS:
        return []
    is_name = text[:1].isupper() and not text.isupper() and not is_first
    base = "have" if base == "has" else _SHORT.get(base, base)
    is_known = base in _LABELS or base in _TIMES or base in _OPERATORS or base == "and"
    if is_name and not is_known and singular(base) not in _TIMES:
        return [Word(singular(base), is_value=True, raw=base)]
    text = base if base in _UNITS else _LABELS.get(base) or singular(base)
    return [Word(text, raw=base)]


def _without_doubled_by(words: list[Word]) -> list[Word]:
    """“For each region” is “by region”."""
    return [
        word
        for word, following in pairwise([*words, Word("")])
        if not (word.text == "for" and following.text == "by")
    ]


def _plain_number(text: str) -> str:
    text = text.replace(",", "").replace("\u2212", "-").removeprefix("+")
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if "." in digits:
        digits = f"0{digits}".rstrip("0").rstrip(".")
    whole, point, rest = digits.partition(".")
    return sign + (whole.lstrip("0") or "0") + point + rest


def _with_numbers(words: list[Word]) -> tuple[Word, ...]:
    """Numbers in letters as digits: “twenty-five” and “two hundred” are one number each."""
    found: list[Word] = []
    at = 0
    while at < len(words):
        taken, value = _spelled_number(words, at)
        if taken:
            found.append(Word(str(value), is_number=True))
        else:
            found.append(words[at])
        at += taken or 1
    return tuple(found)


def _spelled_number(words: list[Word], start: int) -> tuple[int, int]:
    """(words taken, value); (0, 0) when there is no number in letters."""
    total = current = taken = used = 0
    for word in words[start:]:
        text = word.text
        if word.is_value:
            break
        if text in _UNITS and current % 10 == 0 and (current % 100 != 10 or current == 0):
            current += _UNITS[text]
        elif text in _TENS and current % 100 == 0:
            current += _TENS[text]
        elif text in _SCALES and used:
            scale = _SCALES[text]
            if scale == 100:
                current *= scale
            else:
                total, current = total + current * scale, 0
        elif text == "-" and used and current % 10 == 0:
            taken += 1
            continue
        else:
            break
        taken += 1
        used = taken
    return used, total + current
