"""Values that a question names and the model does not list: looked up in the index of the data.

Columns with few values are part of the lexicon; those with many (customers, products, cities) are
asked for the phrases of one question, and only where the question itself says that it names
something: by capitals, digits, quotes, or several words that together are a value.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from aiser_app.domain.value_index import Match, ValueHit, ValueIndex
from aiser_app.planner.lexicon import Lexicon, Target
from aiser_app.planner.words import Token, split_name, stem, tokenize

LONGEST_NAME = 6
"""Words of a value that are looked up together."""
MOST_PHRASES = 60
MOST_VALUES = 40
"""Of one question: a phrase that means more is not a name but a word."""
_MOST_MEANINGS = 3
"""Values of one column that a part of a name may mean; of more, none is meant."""
_SHORTEST_PART = 4
_SHORTEST_TYPO = 6
_HOW = {
    Match.EXACT: "value",
    Match.NORMAL: "value",
    Match.WORDS: "part of a value",
    Match.TYPO: "spelling",
}
_SCORE = {Match.EXACT: 0.98, Match.NORMAL: 0.95, Match.WORDS: 0.78, Match.TYPO: 0.7}


def with_recalled_values(lexicon: Lexicon, question: str, values: ValueIndex | None) -> Lexicon:
    """The lexicon with what the question names of the data; the same one when that is nothing."""
    if values is None:
        return lexicon
    phrases = names_in(question, lexicon)
    hits = _clear(values.find(phrases)) if phrases else []
    if not hits:
        return lexicon
    found = Lexicon(
        model=lexicon.model,
        paths=lexicon.paths,
        phrases=defaultdict(dict, lexicon.phrases),
        roots=lexicon.roots,
        abbreviated=lexicon.abbreviated,
        vocabulary=lexicon.vocabulary | _stems(hits),
        examples=lexicon.examples,
    )
    for hit in hits:
        cube, _, name = hit.member.partition(".")
        target = Target(
            "value", cube, name, value=hit.value, how=_HOW[hit.how], score=_SCORE[hit.how]
        )
        words = tuple(token.lower for token in tokenize(hit.phrase))
        key = tuple(stem(word) for word in words)
        found.phrases[key] = dict(found.phrases[key])  # what is shared stays as it is
        found.add(words, target)
    return found


def names_in(question: str, lexicon: Lexicon) -> list[str]:
    """Phrases that may be names, the longest first; words that the lexicon knows alone are none."""
    tokens = tokenize(question)
    quoted = [token.text for token in tokens if token.kind == "quoted"]
    found: list[str] = []
    for size in range(min(LONGEST_NAME, len(tokens)), 0, -1):
        for start in range(len(tokens) - size + 1):
            span = tokens[start : start + size]
            if all(token.kind in ("word", "number") for token in span) and _is_name(
                span, start, lexicon
            ):
                found.append(" ".join(token.text for token in span))
    return list(dict.fromkeys(quoted + found))[:MOST_PHRASES]


def _is_name(span: tuple[Token, ...], start: int, lexicon: Lexicon) -> bool:
    if lexicon.find(tuple(token.stem for token in span)):
        return False
    ends = (span[0], span[-1])
    if len(span) == 1:
        token = span[0]
        is_first = start == 0 and token.text[1:].islower()  # a sentence begins with a capital
        return not is_first and _stands_out(token) and token.stem not in lexicon.vocabulary
    return any(_stands_out(token) for token in ends) or not any(
        lexicon.find((token.stem,)) for token in ends
    )


def _stands_out(token: Token) -> bool:
    text = token.text
    return token.kind == "word" and (text[:1].isupper() or any(c.isdigit() for c in text))


def _clear(hits: list[ValueHit]) -> list[ValueHit]:
    """Those that are meant: whole names before parts, parts before slips, and none of too many."""
    best: dict[str, int] = {}
    ranks = list(Match)
    for hit in hits:
        rank = ranks.index(hit.how)
        best[hit.phrase] = min(best.get(hit.phrase, rank), rank)
    kept = [
        hit
        for hit in hits
        if ranks.index(hit.how) <= max(best[hit.phrase], ranks.index(Match.NORMAL))
        and _is_long_enough(hit)
    ]
    meanings = Counter((hit.phrase, hit.member) for hit in kept)
    return [
        hit
        for hit in kept
        if hit.how in (Match.EXACT, Match.NORMAL)
        or meanings[hit.phrase, hit.member] <= _MOST_MEANINGS
    ][:MOST_VALUES]


def _is_long_enough(hit: ValueHit) -> bool:
    length = len(hit.phrase)
    stands_out = any(c.isupper() or c.isdigit() for c in hit.phrase)
    if hit.how is Match.WORDS:
        return length >= _SHORTEST_PART and stands_out
    if hit.how is Match.TYPO:
        return length >= _SHORTEST_TYPO and stands_out
    return True


def _stems(hits: list[ValueHit]) -> frozenset[str]:
    """So that a name is not mended into a word that the lexicon knows."""
    return frozenset(
        stem(word) for hit in hits for word in (*split_name(hit.phrase), hit.phrase.lower())
    )
