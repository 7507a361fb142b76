"""Words of the question to things of the model: lexicon spans, other forms, spelling, best covers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from rapidfuzz.distance import DamerauLevenshtein

from aiser_app.planner.concepts import CONCEPT_WORDS
from aiser_app.planner.cues import CUE_PHRASES, FILLERS, NEUTRAL
from aiser_app.planner.dates import MONTHS
from aiser_app.planner.grammar import fallback, recognise, weight_of
from aiser_app.planner.lexicon import LONGEST_PHRASE, Lexicon, Target
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.verbs import is_neutral_verb
from aiser_app.planner.vocabulary import GRAMMAR_NOUNS, RESERVED, UNITS, UNSUPPORTED
from aiser_app.planner.words import Token, root, stem, value_words

BEAM = 12
_SHORTEST_MISSPELT = 5
_FORM_SCORE = 0.8
_CUT_OFF_SCORE = 0.88
_SPELLING_LOSS = 0.12
_GRAMMAR_NOUN_LOSS = 6.0
_OTHER_FORM_LOSS = 0.15
_ALSO_EXACT = 0.9
"""Countries by name and titles of codes are as good as the stored words."""
_FAR_BEHIND = 0.35
"""A meaning this much weaker than the best one of the same words is never meant."""
_KNOWN_WORDS = RESERVED | frozenset(MONTHS) | frozenset(UNITS) | frozenset(
    word for phrase in (*UNSUPPORTED, *CUE_PHRASES) for word in phrase
) | FILLERS | NEUTRAL | frozenset(CONCEPT_WORDS)  # fmt: skip
_ANY_SPELLING = _KNOWN_WORDS - FILLERS - NEUTRAL


@dataclass(frozen=True, slots=True)
class Cover:
    """The question as a sequence of segments without gaps."""

    weight: float
    segments: tuple[Segment, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(s.text for s in self.segments if s.kind is Kind.UNKNOWN)

    @property
    def unsupported(self) -> dict[str, str]:
        return {s.text: s.word for s in self.segments if s.kind is Kind.UNSUPPORTED}


def covers(tokens: tuple[Token, ...], lexicon: Lexicon, today: date) -> list[Cover]:
    """The best ways to cut the question into segments, best first."""
    by_start: dict[int, list[Segment]] = {}
    for segment in (*recognise(tokens, today), *_links(tokens, lexicon)):
        by_start.setdefault(segment.start, []).append(segment)
    best: list[list[Cover]] = [[Cover(0.0, ())]] + [[] for _ in tokens]
    for at, token in enumerate(tokens):
        for segment in (*by_start.get(at, ()), fallback(token, at)):
            for cover in best[at]:
                longer = Cover(cover.weight + segment.weight, (*cover.segments, segment))
                best[segment.end].append(longer)
        best[at + 1] = sorted(best[at + 1], key=lambda c: -c.weight)[:BEAM]
    return best[-1]


def _links(tokens: tuple[Token, ...], lexicon: Lexicon) -> list[Segment]:
    found: list[Segment] = []
    for start in range(len(tokens)):
        for end in range(start + 1, min(start + LONGEST_PHRASE, len(tokens)) + 1):
            part = tokens[start:end]
            if any(t.kind == "symbol" for t in part):
                continue
            targets = targets_of(part, lexicon)
            if targets:
                found.append(_link(part, start, end, targets))
    return found


def _link(part: tuple[Token, ...], start: int, end: int, targets: tuple[Target, ...]) -> Segment:
    top = max(t.score for t in targets)
    text = " ".join(t.corrected_from or t.text for t in part)
    weight = weight_of(end - start, top)
    if len(part) == 1 and part[0].lower in GRAMMAR_NOUNS:
        weight -= _GRAMMAR_NOUN_LOSS
    return Segment(Kind.LINK, start, end, text, weight, targets=targets)


def targets_of(part: tuple[Token, ...], lexicon: Lexicon) -> tuple[Target, ...]:
    if len(part) == 1 and part[0].kind == "quoted":
        return _quoted(part[0], lexicon)
    if any(t.kind in ("quoted", "number", "date") for t in part) and len(part) == 1:
        return ()
    stems = tuple(t.stem for t in part)
    found = list(lexicon.find(stems))
    if len(part) == 1:
        found.extend(_other_forms(part[0], lexicon, {t.identity for t in found}))
    found = _prefer_exact_form(part, [t for t in found if _may_bind(part, t)])
    if any(t.kind == "value" and t.score == 1.0 for t in found):
        found = [t for t in found if t.kind != "value" or t.score >= _ALSO_EXACT]
    if len(part) == 1 and part[0].text[:1].isupper():
        found = [replace(t, score=0.8) if _is_half(t) else t for t in found]
    best = max((t.score for t in found), default=0.0)
    found = [t for t in found if t.score >= best - _FAR_BEHIND]
    if any(t.corrected_from for t in part):
        found = [replace(t, how="spelling", score=t.score - _SPELLING_LOSS) for t in found]
    return tuple(found)


def _is_half(target: Target) -> bool:
    """The first word of a longer value: a name when it is written like one."""
    return target.how == "part of a value" and target.score < 0.8


def _prefer_exact_form(part: tuple[Token, ...], found: list[Target]) -> list[Target]:
    """Where a cube has both `engine` and `engines`, the form that was written is meant."""
    written = " ".join(t.lower for t in part)
    exact = {t.cube for t in found if t.form == written}
    return [
        replace(t, score=t.score - _OTHER_FORM_LOSS)
        if t.cube in exact and t.kind == "dimension" and t.form != written
        else t
        for t in found
    ]


def _may_bind(part: tuple[Token, ...], target: Target) -> bool:
    """Codes of one or two letters bind only in capitals: "us" is no airline."""
    if target.kind != "value" or len(part) > 1:
        return True
    text = part[0].text
    if target.form and target.form != target.value.lower():
        return True
    if len(target.value) <= 2 or len(text) <= 2 or part[0].lower in RESERVED:
        return text == target.value
    return True


def _quoted(token: Token, lexicon: Lexicon) -> tuple[Target, ...]:
    """A quoted literal means a value with exactly this text, whatever its words may mean else."""
    words = tuple(stem(w) for w in value_words(token.lower))
    return tuple(
        t
        for t in lexicon.find(words)
        if t.kind == "value" and t.value.lower() == token.lower
    )  # fmt: skip


def _other_forms(token: Token, lexicon: Lexicon, known: set[tuple[object, ...]]) -> list[Target]:
    if token.kind != "word" or token.lower in RESERVED:
        return []
    found: dict[tuple[object, ...], Target] = {}
    for word in lexicon.roots.get(root(token.stem), ()):
        for target in lexicon.find((word,)):
            _keep(found, target, "word form", target.score * _FORM_SCORE)
    if len(token.stem) >= 6:
        for short in lexicon.abbreviated:
            if token.stem != short and _is_cut_off(short, token.stem):
                for target in lexicon.find((short,)):
                    if target.kind != "value":
                        _keep(found, target, "abbreviation", target.score * _CUT_OFF_SCORE)
    return [t for key, t in found.items() if key not in known]


def _is_cut_off(short: str, word: str) -> bool:
    """`visib` for visibility; a derived ending alone (`depart`, departed) is another word form."""
    return word.startswith(short) and len(short) * 2 >= len(word) and root(word) != root(short)


def _keep(found: dict[tuple[object, ...], Target], target: Target, how: str, score: float) -> None:
    known = found.get(target.identity)
    if known is None or known.score < score:
        found[target.identity] = replace(target, how=how, score=round(score, 3))


def respell(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[Token, ...]:
    """Slips of the key mended; every mended token remembers what was written."""
    return tuple(_respelled(token, lexicon) for token in tokens)


def _respelled(token: Token, lexicon: Lexicon) -> Token:
    """The one word of the model or grammar that is a slip of the key away, if there is just one."""
    word = token.stem
    if token.kind != "word" or len(word) < _SHORTEST_MISSPELT or _is_known(token, lexicon):
        return token
    allowed = 2 if len(word) >= 9 else 1
    near = {
        candidate
        for candidate in (*lexicon.vocabulary, *_ANY_SPELLING)
        if candidate[:1] == word[0]
        and abs(len(candidate) - len(word)) <= allowed
        and len(candidate) >= _SHORTEST_MISSPELT
        and (len(word) > _SHORTEST_MISSPELT or candidate in lexicon.vocabulary)
        and _is_slip(word, candidate, allowed)
    }
    if len(near) != 1:
        return token
    right = near.pop()
    return Token(right, right, stem(right), "word", corrected_from=token.text)


def _is_slip(word: str, candidate: str, allowed: int) -> bool:
    """Two slips only inside a word: other endings make other words (expensive, expense)."""
    distance = DamerauLevenshtein.distance(word, candidate, score_cutoff=allowed)
    return distance <= 1 or (distance <= allowed and word[-2:] == candidate[-2:])


def _is_known(token: Token, lexicon: Lexicon) -> bool:
    if token.stem in lexicon.vocabulary or token.lower in _KNOWN_WORDS:
        return True
    if is_neutral_verb(token.lower):
        return True
    if token.stem in _KNOWN_WORDS or root(token.stem) in lexicon.roots:
        return True
    return any(_is_cut_off(short, token.stem) for short in lexicon.abbreviated)
