"""Terms that an instruction defines are written out in the question: "net revenue" becomes its formula."""

from __future__ import annotations

import re

from aiser_app.planner.words import stem

_SENTENCES = re.compile(r"(?<=[^\d\s])[.;]\s+(?=[A-Z])|\n+")
_DEFINITION = re.compile(
    r"^\s*(?:an?\s+|the\s+)?(?P<term>[\w\- ]{2,50}?)(?:\s+of\s+(?:an?|the)\s+\w+)?"
    r"\s*(?:\bis defined as\b|\bis calculated as\b|\bmeans\b|\bequals\b|\bis\b|\bare\b|=|:)\s*(?P<definition>.+?)\s*\.?\s*$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_LESS = re.compile(r"\bless\b(?! than)", re.IGNORECASE)
_ONLY = re.compile(r"\bonly\b", re.IGNORECASE)


def write_out(question: str, instructions: str) -> str:
    """The question with every defined term that it uses replaced by what the term means."""
    text = question
    remarks: list[str] = []
    for sentence in _SENTENCES.split(instructions.strip()):
        match = _DEFINITION.match(sentence)
        if match is None:
            continue
        place = _find(text, match.group("term"))
        if place is None:
            continue
        main, _, remark = match.group("definition").partition(",")
        main = _LESS.sub("minus", _ARTICLE.sub("", main.strip()))
        text = f"{text[: place[0]]}{main}{text[place[1] :]}"
        if remark.strip():
            remarks.append(_ONLY.sub("", remark).strip())
    ending = re.search(r"[\s?.!]*$", text)
    body = text[: ending.start()] if ending is not None else text
    return ", ".join([body, *remarks]) if remarks else text


def _find(text: str, term: str) -> tuple[int, int] | None:
    """Where the term stands in the text, in singular or plural."""
    wanted = [stem(w) for w in re.findall(r"[\w]+", term.lower())]
    words = list(re.finditer(r"[\w]+", text))
    for at in range(len(words) - len(wanted) + 1):
        part = words[at : at + len(wanted)]
        if wanted and [stem(w.group().lower()) for w in part] == wanted:
            return part[0].start(), part[-1].end()
    return None
