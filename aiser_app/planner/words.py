"""Text to tokens, and the forms of a word: plural, derived form, spelling variant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    "(?P<q1>[^"]{1,200})" | “(?P<q2>[^”]{1,200})” | (?<!\w)'(?P<q3>[^']{1,200})'(?!\w)
  | (?P<date>\d{4}-\d{2}(?:-\d{2})?(?!\d))
  | (?P<number>\d+(?:,\d{3})+(?:\.\d+)?(?!\w) | \d+(?:\.\d+)?(?!\w))
  | (?P<word>[^\W_]+(?:['\u2019][^\W_]+)?)
  | (?P<symbol>>=|<=|!=|<>|[<>=$€£%,;.?!+*/^~|{}\[\]\\])
    """,
    re.VERBOSE,
)
_IRREGULAR = {
    "people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman",
    "statuses": "status", "buses": "bus", "bonuses": "bonus", "campuses": "campus",
    "analyses": "analysis", "indices": "index", "indexes": "index", "criteria": "criterion",
    "staff": "staff", "lives": "life", "movies": "movie", "cookies": "cookie", "series": "series",
}  # fmt: skip
_SUFFIXES = (
    "ations", "ation", "ments", "ment", "ings", "ing", "ions", "ion", "als", "al",
    "ies", "ied", "ed", "es", "s", "e", "y",
)  # fmt: skip
_SHORTEST_ROOT = 4
_SHORTEST_BEFORE_Y = 6
"""Delivery goes with delivered, but county not with count."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, symbol or quoted literal of a question."""

    text: str
    lower: str
    stem: str
    kind: str
    """word, number, date, symbol or quoted."""
    corrected_from: str = ""


def tokenize(text: str) -> tuple[Token, ...]:
    """Tokens in order; hyphens and underscores separate words, possessives are dropped."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        body = match.group(kind)
        if kind.startswith("q"):
            tokens.append(Token(body.strip(), body.strip().lower(), body.strip().lower(), "quoted"))
            continue
        if kind == "word":
            tokens.extend(_words(body))
            continue
        tokens.append(Token(body, body.lower(), body.lower(), kind))
    return tuple(tokens)


def _words(body: str) -> list[Token]:
    body = body.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if "'" not in body:
        return [_word(body)]
    head, _, tail = body.partition("'")
    if tail.lower() == "t":
        return [_word(head.removesuffix("n") or head), _word("not")]
    return [_word(head)] + ([_word("is")] if head.lower() in ("what", "who", "how") else [])


def _word(text: str) -> Token:
    lower = text.lower()
    return Token(text, lower, stem(lower), "word")


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set: how word lists are written down."""
    return frozenset(text.split())


def split_name(name: str) -> tuple[str, ...]:
    """Lower-case words of an identifier or title: `sbTxCustId` and `sb_tx_cust_id` alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(w for w in re.split(r"[^0-9a-z]+", spaced.lower()) if w)


def value_words(value: str) -> tuple[str, ...]:
    """Lower-case words of a data value, as a question would write them: JetBlue stays one word."""
    return tuple(w for w in re.split(r"[\W_]+", value.lower()) if w)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Singular of a word; nothing else is cut, so `county` never meets `count`."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=50_000)
def root(word: str) -> str:
    """What derived forms share (cancelled, cancellation, cancels), or "" for short words."""
    for suffix in _SUFFIXES:
        body = word.removesuffix(suffix)
        shortest = _SHORTEST_BEFORE_Y if suffix == "y" else _SHORTEST_ROOT
        if body != word and len(body) >= shortest:
            return _undouble(body)
    return word if len(word) >= _SHORTEST_ROOT else ""


def _undouble(body: str) -> str:
    if len(body) > _SHORTEST_ROOT and body[-1] == body[-2] and body[-1] not in "aeious":
        return body[:-1]
    return body.removesuffix("e") if len(body) > _SHORTEST_ROOT else body


MASS_NOUNS = word_set("""weather staff inventory stock equipment personnel data news traffic software hardware
    feedback information payroll downtime money energy series""")


def plural(phrase: str) -> str:
    """Plural of the last word of a phrase, for sentences."""
    head, _, last = phrase.rpartition(" ")
    if not last or last in MASS_NOUNS or stem(last.lower()) != last.lower():
        return phrase
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith(("s", "x", "ch", "sh")):
        last += "es"
    else:
        last += "s"
    return f"{head} {last}".strip()


def singular(phrase: str) -> str:
    """Singular of the last word of a phrase, for sentences."""
    head, _, last = phrase.rpartition(" ")
    return f"{head} {stem(last.lower()) if last.islower() else last}".strip()


def sentences(text: str) -> list[str]:
    """Parts that are questions or statements of their own; `Inc.` inside one does not split."""
    parts = re.split(
        r"[?;]+\s*|!(?!=)\s*|(?<=[^\W\d_]{3})(?<!\bInc)(?<!\bLtd)\.\s+(?=[A-Z])|\.\s*$|\n+", text
    )
    return [part.strip() for part in parts if part and part.strip(" .?!;,")]
