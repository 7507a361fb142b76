"""Shorter ways to read a text: without what stands in brackets, without remarks; and what is no question."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiser_app.planner.words import word_set

_BRACKETS = re.compile(r"\s*\([^()]*\)")
_REMARK = re.compile(
    r"[,.;:\-\N{EN DASH}]\s*(?:i(?:'d)?\s+(?:need|want|only need|mean|would like)\b[^,;]*|just the (?:number|count|total)[^,;]*"
    r"|(?:the )?count is (?:enough|fine)[^,;]*|count (?:only|is enough)|i\.e\.[^,;]*|not interested[^,;]*"
    r"|(?:a )?(?:single )?(?:number|total|list) (?:is )?(?:enough|please|only)|one line per [^,;]*"
    r"|please|pls|thanks?)\s*[.?!]*$",
    re.IGNORECASE,
)
_TRAILING_SENTENCE = re.compile(r"^(?P<first>[^?]{12,}\?)\s+(?P<rest>.+)$")
_BENIGN = re.compile(
    r"(?:just |only |simply )?(?:count|the count|the number|number|total|a number|simple|i need|i only need|"
    r"ignore case|thanks|please|rounded|round|in percent|as percent|no need)\b",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"[?.!]\s+(?:and |also )?(?:how|what|which|who|where|when|why|show|list)\b", re.IGNORECASE
)
_RESTRICTS = re.compile(
    r"\b(?:only|not|without|excluding|exclude|except|leave|skip|ignore|at least|more than|no|all|any|same)\b"
)
_LEAVE_OUT = re.compile(r"\bleave (?:the )?([^,;()]+?) out\b", re.IGNORECASE)
_NOT_COUNTING = re.compile(r"\bnot (?:counting|including)\b", re.IGNORECASE)
_CODED = re.compile(r"\b[a-z]+ \(([A-Z][A-Z0-9]{1,5})\)")
_LEAD = re.compile(
    r"^(?:please|pls|plz|hi|hello|hey|can you|could you|would you|can we|now|and|then|just|go|ok|kindly)[\s,]+",
    re.IGNORECASE,
)
_COMMANDS = word_set("""delete remove pause close update set insert create drop rename cancel send mark stop start
    move assign raise lower approve refund book email truncate alter grant merge archive deactivate
    activate edit modify replace fix transfer pay ship upgrade downgrade terminate fire hire promote
    schedule notify invite block unblock reset restore overwrite erase wipe void reverse bump add put
    increase decrease reduce resend resume suspend unpublish publish charge discount reopen reassign
    correct adjust enter register unsubscribe extend renew apply""")
_QUESTION_WORDS = word_set("by per how many what which total average number")
_OBJECTS = word_set("""all the this that every any our my an a order customer invoice row rows record records table
    to from user account campaign employee""")


def variants(question: str) -> Iterator[tuple[str, float]]:
    """The text and shorter forms of it, with what leaving something out costs."""
    question = tidy(question)
    yield question, 0.0
    bare = _BRACKETS.sub("", question)
    if bare != question:
        inside = " ".join(_BRACKETS.findall(question)).lower()
        yield bare, 0.3 if _RESTRICTS.search(inside) else 0.06
    short = _REMARK.sub("", bare)
    if short != bare:
        yield short, 0.03
    match = _TRAILING_SENTENCE.match(bare)
    if match is not None and _BENIGN.match(match.group("rest")):
        yield match.group("first"), 0.05


_KIND_OF = re.compile(r"\b(?:types?|kinds?|sorts?) of (?:the |a |an )?([a-z]+)", re.IGNORECASE)
_ADVERBS = re.compile(
    r"\b(?:actually|really|simply|exactly|effectively|altogether|truly)\s+", re.IGNORECASE
)
_THEN = re.compile(r"\b(more|less|fewer|higher|lower|greater) then\b", re.IGNORECASE)
_HEADCOUNT = re.compile(r"\bhead ?count\b", re.IGNORECASE)
_WITHOUT = re.compile(r"\bw/o\b", re.IGNORECASE)
_HALF_DOZEN = re.compile(r"\bhalf (?:a )?dozen\b", re.IGNORECASE)


def tidy(text: str) -> str:
    """The same words in the order in which names are written: "type of vehicle" is the vehicle type."""
    text = _ADVERBS.sub("", _KIND_OF.sub(r"\1 type", text))
    text = _NOT_COUNTING.sub("excluding", _LEAVE_OUT.sub(r"excluding \1", text))
    text = _CODED.sub(r"\1", text)
    text = _HEADCOUNT.sub("number of employees", text)
    text = _WITHOUT.sub("without", text)
    text = _THEN.sub(r"\1 than", text)
    return _HALF_DOZEN.sub("6", text)


def asks_several(text: str) -> bool:
    """A second question follows the first."""
    return _SEVERAL.search(text) is not None


def command_of(question: str) -> str:
    """The verb of a request to change something; empty for questions."""
    text = question.strip()
    while True:
        shorter = _LEAD.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    words: list[str] = re.findall(r"[a-z]+", text.lower())
    if len(words) < 2 or words[0] not in _COMMANDS:
        return ""
    if words[0] in (
        "book",
        "order",
        "charge",
        "discount",
        "start",
        "close",
        "set",
        "refund",
        "invite",
        "email",
        "fire",
        "pay",
        "stop",
        "fix",
        "void",
    ):
        return words[0] if words[1] in _OBJECTS else ""
    return words[0]
