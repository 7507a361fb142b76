"""All phrases that can name something in a semantic model, built once per model object."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType, SemanticModel
from aiser_app.planner.gazetteer import other_names, true_value
from aiser_app.planner.join_paths import JoinPaths
from aiser_app.planner.thesaurus import (
    ABBREVIATIONS,
    FIGURE_TAILS,
    GENERIC_TAILS,
    SYNONYMS,
    TABLE_PREFIXES,
)
from aiser_app.planner.vocabulary import CALENDAR_WORDS, RESERVED
from aiser_app.planner.words import root, split_name, stem, value_words

LONGEST_PHRASE = 6
_LONGEST_VALUE = 60
_KEPT_LEXICONS = 32


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that a phrase can mean: a cube, a dimension, a measure or a value of a dimension."""

    kind: str
    """cube, dimension, measure, value, prefix (what several values begin with) or role."""
    cube: str
    name: str = ""
    value: str = ""
    via: tuple[str, str] = ("", "")
    """(cube, role) when the words also name the join role through which the cube is reached."""
    how: str = "name"
    score: float = 1.0
    form: str = ""
    """The words as the model writes them, before their plural is cut."""

    @property
    def is_code(self) -> bool:
        """A short value in capitals (US, IN): binds only when written like that."""
        return self.kind == "value" and len(self.value) <= 3 and self.value.isupper()

    @property
    def member(self) -> str:
        return f"{self.cube}.{self.name}" if self.name else self.cube

    @property
    def identity(self) -> tuple[str, str, str, str, tuple[str, str]]:
        return (self.kind, self.cube, self.name, self.value, self.via)


@dataclass(slots=True)
class Lexicon:
    """Phrases as tuples of stems, with everything they can mean."""

    model: SemanticModel
    paths: JoinPaths
    phrases: dict[tuple[str, ...], dict[tuple[object, ...], Target]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    roots: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Stems of one-word phrases by root, for other forms of the same word."""
    abbreviated: list[str] = field(default_factory=list)
    """Stems that may be cut-off words, for "visibility" and `visib`."""
    vocabulary: frozenset[str] = frozenset()
    """Every stem of every name, for spelling."""
    examples: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Questions known to be answered, by the cubes they are about."""

    def add(self, words: Iterable[str], target: Target) -> None:
        """Keep the best-scored way in which these words lead to this target."""
        written = tuple(words)
        key = tuple(stem(word) for word in written)
        if not key or len(key) > LONGEST_PHRASE:
            return
        if len(key) == 1 and len(key[0]) < 2 and target.kind != "cube":
            return
        if len(key) == 1 and key[0] in RESERVED and not (target.kind == "cube" or target.is_code):
            return
        known = self.phrases[key].get(target.identity)
        if known is None or known.score < target.score:
            self.phrases[key][target.identity] = replace(target, form=" ".join(written))

    def find(self, stems: tuple[str, ...]) -> tuple[Target, ...]:
        found = self.phrases.get(stems)
        return tuple(found.values()) if found else ()


_cache: OrderedDict[int, Lexicon] = OrderedDict()
_lock = threading.Lock()


def lexicon_for(model: SemanticModel) -> Lexicon:
    """The lexicon of this very model object; the cache holds the model, so its id stays its own."""
    with _lock:
        found = _cache.get(id(model))
        if found is not None:
            _cache.move_to_end(id(model))
            return found
    built = build_lexicon(model)
    with _lock:
        _cache[id(model)] = built
        while len(_cache) > _KEPT_LEXICONS:
            _cache.popitem(last=False)
    return built


def build_lexicon(model: SemanticModel) -> Lexicon:
    lexicon = Lexicon(model, JoinPaths(model))
    for cube in model.cubes:
        if cube.is_hidden:
            continue
        names = _cube_names(cube)
        _add_cube(lexicon, cube, names)
        for dimension in (d for d in cube.dimensions if not d.is_hidden):
            _add_dimension(lexicon, cube, dimension, names)
            _add_values(lexicon, cube, dimension)
        _add_measures(lexicon, cube)
        _add_roles(lexicon, cube)
    _add_synonyms(lexicon)
    for words in list(lexicon.phrases):
        if len(words) == 1 and root(words[0]):
            lexicon.roots[root(words[0])].add(words[0])
    lexicon.abbreviated = [w[0] for w in lexicon.phrases if len(w) == 1 and 4 <= len(w[0]) <= 7]
    lexicon.vocabulary = frozenset(word for words in lexicon.phrases for word in words)
    return lexicon


def _expand(words: tuple[str, ...]) -> tuple[str, ...]:
    expanded: list[str] = []
    for word in words:
        expanded.extend(ABBREVIATIONS.get(word, word).split())
    return tuple(expanded)


def _cube_names(cube: Cube) -> list[tuple[str, ...]]:
    """Ways to call a cube: title, name, synonyms; technical prefixes cut, abbreviations spelt out."""
    found: dict[tuple[str, ...], None] = {}
    for text in (cube.title, cube.name, *cube.synonyms):
        words = split_name(text)
        while len(words) > 1 and words[0] in TABLE_PREFIXES:
            words = words[1:]
        for variant in (words, _expand(words)):
            if variant:
                found[variant] = None
    return list(found)


def _add_cube(lexicon: Lexicon, cube: Cube, names: list[tuple[str, ...]]) -> None:
    for words in names:
        lexicon.add(words, Target("cube", cube.name))
        if len(words) > 1:
            lexicon.add(("".join(words),), Target("cube", cube.name))
            lexicon.add(words[-1:], Target("cube", cube.name, how="part of a name", score=0.7))
            lexicon.add(words[:1], Target("cube", cube.name, how="part of a name", score=0.62))


def _add_dimension(
    lexicon: Lexicon, cube: Cube, dimension: Dimension, cube_names: list[tuple[str, ...]]
) -> None:
    for text in (dimension.name, dimension.title, *dimension.synonyms):
        words = split_name(text)
        for variant, how in ((words, "name"), (_expand(words), "name")):
            _add_name(lexicon, cube, dimension, variant, how)
    if dimension.is_label:
        for name in cube_names:
            for tail in ("name", "title"):
                lexicon.add((*name, tail), Target("dimension", cube.name, dimension.name))


def _add_name(
    lexicon: Lexicon, cube: Cube, dimension: Dimension, words: tuple[str, ...], how: str
) -> None:
    def add(part: Iterable[str], score: float, how: str = how) -> None:
        target = Target("dimension", cube.name, dimension.name, how=how, score=score)
        lexicon.add(part, target)

    add(words, 1.0)
    names = [tuple(stem(w) for w in name) for name in _cube_names(cube)]
    for stems in names:
        add((*stems, *words), 1.0)
        for part, score in _without_cube(words, stems):
            add(part, score)
    if len(words) < 2:
        return
    add(("".join(words),), 0.95)
    core = words
    if words[-1] in GENERIC_TAILS or words[-1] in FIGURE_TAILS:
        core = words[:-1]
        add(core, 0.9 if words[-1] in GENERIC_TAILS else 0.85)
    elif words[0] in ("is", "has", "was", "flag"):
        add(words[1:], 0.95)
    if len(core) == 2:
        add(core[::-1], 0.93)
    for stems in names if core != words and dimension.type is not DimensionType.TIME else ():
        add((*stems, *core), 0.97)
    for part, score in _parts(core):
        add(part, score, "part of a name")


def _without_cube(
    words: tuple[str, ...], stems: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], float]]:
    """A column name without the name of its table, which stands before it."""
    if len(words) > len(stems) and tuple(stem(w) for w in words[: len(stems)]) == stems:
        yield words[len(stems) :], 0.95
    elif len(words) > 1 and stem(words[0]) == stems[-1]:
        yield words[1:], 0.93


def _parts(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    """Shorter ways to say a name of several words; one word of it is only a hint."""
    if len(words) < 2:
        return
    for word in dict.fromkeys(words):
        if word not in GENERIC_TAILS and word not in CALENDAR_WORDS:
            yield (word,), 0.6
    for size in range(2, len(words)):
        yield words[:size], 0.7
        yield words[-size:], 0.75


def _add_measures(lexicon: Lexicon, cube: Cube) -> None:
    for measure in (m for m in cube.measures if not m.is_hidden):
        for text in (measure.title, *measure.synonyms):
            words = split_name(text)
            if len(words) > 1 or text in measure.synonyms:
                lexicon.add(words, Target("measure", cube.name, measure.name))


def _add_roles(lexicon: Lexicon, cube: Cube) -> None:
    """As in "origin airport" is the key column `origin`; "origin city" the city reached through it."""
    for join in cube.joins:
        target_cube = lexicon.model.find_cube(join.target)
        role_words = _expand(split_name(join.role))
        if target_cube is None or not role_words:
            continue
        own = own_key(cube, join.columns)
        for role in {role_words, split_name(join.role)}:
            via = (cube.name, join.role)
            lexicon.add(role, Target("role", cube.name, join.role, via=via, score=0.8))
            if own is not None:
                lexicon.add(role, Target("dimension", cube.name, own.name, score=0.79))
        for role in {role_words, split_name(join.role)}:
            for name in _cube_names(target_cube):
                if own is not None and tuple(role[-len(name) :]) != name:
                    lexicon.add((*role, *name), Target("dimension", cube.name, own.name))
            for dimension in target_cube.dimensions:
                lexicon.add(
                    (*role, *split_name(dimension.title)),
                    Target("dimension", join.target, dimension.name, via=(cube.name, join.role)),
                )


def own_key(cube: Cube, columns: tuple[tuple[str, str], ...]) -> Dimension | None:
    """The dimension of the only column of a join, on the side that holds the reference."""
    if len(columns) != 1:
        return None
    return next((d for d in cube.dimensions if d.column == columns[0][0]), None)


def _add_values(lexicon: Lexicon, cube: Cube, dimension: Dimension) -> None:
    for value, other, how, score in other_names(dimension):
        lexicon.add(split_name(other), _value(cube, dimension, value, score, how))
    if dimension.type is not DimensionType.STRING or true_value(dimension):
        return
    heads: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for value in dimension.values:
        words = value_words(value) if len(value) <= _LONGEST_VALUE else ()
        for variant in {words, split_name(value) if words else ()}:
            lexicon.add(variant, _value(cube, dimension, value, 1.0, "value"))
        for size in range(1, len(words)):
            heads[words[:size]].append(value)
    for head, values in heads.items():
        if len("".join(head)) < 4:
            continue
        if len(values) == 1:
            score = 0.8 if len(head) > 1 or len(values[0]) < 2 * len(head[0]) else 0.64
            lexicon.add(head, _value(cube, dimension, values[0], score, "part of a value"))
        elif len(values) <= len(dimension.values) / 2 and len(dimension.values) > 8:
            text = re.split(r"[\W_]+", values[0])[: len(head)]
            target = Target(
                "prefix",
                cube.name,
                dimension.name,
                value=" ".join(text),
                how="part of a value",
                score=0.84,
            )
            lexicon.add(head, target)


def _value(cube: Cube, dimension: Dimension, value: str, score: float, how: str) -> Target:
    return Target("value", cube.name, dimension.name, value=value, how=how, score=score)


def _add_synonyms(lexicon: Lexicon) -> None:
    """Business synonyms lead to names that exist; a real name always wins over a synonym."""
    for key, targets in list(lexicon.phrases.items()):
        if len(key) > 2:
            continue
        for variant in _variants(key):
            for target in list(targets.values()):
                if target.kind in ("cube", "dimension") and target.score >= 0.85:
                    lexicon.add(
                        variant,
                        Target(
                            target.kind, target.cube, target.name, via=target.via,
                            how="synonym", score=round(target.score - 0.15, 2),
                        ),
                    )  # fmt: skip


def _variants(key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for position, word in enumerate(key):
        for group in SYNONYMS:
            if word in group or word in {stem(w) for w in group}:
                for other in group:
                    if stem(other) != word:
                        yield (*key[:position], other, *key[position + 1 :])
