"""What a linked phrase can mean once the root cube is fixed: groups, operands, values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType, Join
from aiser_app.domain.semantic_query import DimensionRef
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Lexicon, Target, own_key
from aiser_app.planner.segments import Segment
from aiser_app.planner.thesaurus import ABBREVIATIONS
from aiser_app.planner.vocabulary import CALENDAR_WORDS, FROM_WORDS, TO_WORDS
from aiser_app.planner.words import singular, split_name

_PER_JOIN = 0.15
_PER_ENTITY_JOIN = 0.05
_MENTIONED = 0.2
_AGREES = 0.2
_CALENDAR_COLUMN = 0.2
_MOST_NAMED = 20_000


@dataclass(frozen=True, slots=True)
class Option:
    """One meaning of a phrase under one root. `refs` is set for things to group by."""

    target: Target
    path: Path
    score: float
    role: str = ""
    """Role to write into the query: empty when there is one way only."""
    refs: tuple[DimensionRef, ...] = ()
    dimension: Dimension | None = None
    title: str = ""
    disagrees: bool = False
    """The preposition before the words points the other way."""

    @property
    def identity(self) -> tuple[object, ...]:
        if self.refs:
            return ("group", self.refs)
        return (self.target.kind, self.target.member, self.target.value, self.role)


def is_number(dimension: Dimension) -> bool:
    """Numeric and not an identifier: can be summed, averaged and compared."""
    return dimension.type is DimensionType.NUMBER and not dimension.is_key


class Resolver:
    """Options for the phrases of one question under one root cube."""

    def __init__(self, lexicon: Lexicon, root: Cube, mentioned: frozenset[str]) -> None:
        self._lexicon = lexicon
        self._model = lexicon.model
        self._root = root
        self._mentioned = mentioned
        self.role = ""
        """Role through which things are to be reached."""

    def groups(self, segment: Segment, preposition: str = "") -> list[Option]:
        """What one can group by; a key column stands for the named thing it refers to."""
        found: list[Option] = []
        for target in segment.targets:
            if target.kind == "cube":
                found.extend(self._entity_groups(target, preposition))
            elif target.kind == "dimension":
                found.extend(self._dimension_groups(target, preposition))
        return _best(found)

    def numbers(self, segment: Segment) -> list[Option]:
        return [
            o
            for o in self.dimensions(segment)
            if o.dimension is not None and is_number(o.dimension)
        ]

    def dimensions(self, segment: Segment, preposition: str = "") -> list[Option]:
        """Dimensions as they are, without going from key to label."""
        found: list[Option] = []
        for target in segment.targets:
            if target.kind == "dimension":
                found.extend(self._plain(target, preposition))
        return _best(found)

    def values(self, segment: Segment, preposition: str = "") -> list[Option]:
        found: list[Option] = []
        for target in segment.targets:
            if target.kind in ("value", "prefix"):
                found.extend(self._plain(target, preposition))
        return _best(found)

    def measures(self, segment: Segment) -> list[Option]:
        return _best(
            Option(t, Path(t.cube), t.score)
            for t in segment.targets
            if t.kind == "measure" and t.cube == self._root.name
        )

    def entities(self, segment: Segment) -> list[Option]:
        return _best(
            Option(t, path, t.score - _PER_ENTITY_JOIN * len(path.joins), role=path.way)
            for t in segment.targets
            if t.kind == "cube"
            for path in self._paths(t)
        )

    def referred_by(self, member: str) -> set[str]:
        """Cubes that a key column refers to."""
        cube = self._model.find_cube(member.partition(".")[0])
        dimension = self._model.find_dimension(member)
        if cube is None or dimension is None:
            return set()
        return {j.target for j in cube.joins if j.columns[0][0] == dimension.column}

    def _paths(self, target: Target) -> tuple[Path, ...]:
        role = self.role or (target.via[1] if target.via[0] else "")
        paths = self._lexicon.paths.to(self._root.name, target.cube, role)
        if target.via != ("", ""):
            return tuple(p for p in paths if p.joins and p.joins[-1].role == target.via[1])
        return paths

    def _plain(self, target: Target, preposition: str) -> Iterator[Option]:
        dimension = self._model.find_dimension(target.member)
        paths = self._paths(target)
        if dimension is None:
            return
        for path in paths:
            score = target.score - _PER_JOIN * len(path.joins)
            agreement = _agreement(preposition, f"{dimension.name} {path.role}")
            score += self._context(target, path, dimension) + agreement
            yield Option(
                target, path, score, role=path.way, dimension=dimension,
                title=dimension.title, disagrees=agreement < 0,
            )  # fmt: skip

    def _context(self, target: Target, path: Path, dimension: Dimension) -> float:
        score = 0.0
        if path.joins and target.cube in self._mentioned:
            score += _MENTIONED
        if self._is_calendar_part(target.cube, dimension) and target.kind == "dimension":
            score -= _CALENDAR_COLUMN
        return score

    def _is_calendar_part(self, cube: str, dimension: Dimension) -> bool:
        owner = self._model.find_cube(cube)
        has_time = owner is not None and bool(owner.default_time_dimension)
        return has_time and dimension.name.lower() in CALENDAR_WORDS

    def _dimension_groups(self, target: Target, preposition: str) -> Iterator[Option]:
        for option in self._plain(target, preposition):
            dimension, cube = option.dimension, self._model.find_cube(target.cube)
            if dimension is None or cube is None:
                continue
            join = self._key_join(cube, dimension)
            refs: tuple[DimensionRef, ...] = ()
            path = option.path
            if self._names_its_row(cube, dimension):
                refs = self._path_refs(option.path) if option.path.joins else self._own_refs(cube)
            elif join is not None:
                refs = self._label_refs(path, cube, dimension, join)
                path = Path(join.target, (*path.joins, join)) if refs else path
            if not refs:
                refs = (DimensionRef(member=target.member, role=option.role),)
            yield Option(
                target, path, option.score, option.role, refs, dimension, dimension.title,
                option.disagrees,
            )  # fmt: skip

    def _entity_groups(self, target: Target, preposition: str) -> Iterator[Option]:
        cube = self._model.find_cube(target.cube)
        if cube is None:
            return
        for path in self._paths(target):
            score = target.score - _PER_ENTITY_JOIN * len(path.joins)
            score += _agreement(preposition, path.role)
            refs = self._own_refs(cube) if not path.joins else self._path_refs(path)
            if refs:
                title = f"{path.role} {singular(cube.title)}".strip()
                yield Option(target, path, score, path.way, refs, title=title)

    def _own_refs(self, cube: Cube) -> tuple[DimensionRef, ...]:
        label = label_of(cube)
        keys = [d for d in cube.dimensions if d.column in cube.primary_key]
        if label is None:
            return (_ref(cube, keys[0]),) if len(keys) == 1 and len(cube.primary_key) == 1 else ()
        if _is_unique(label, cube) or len(keys) != 1 or keys[0] == label:
            return (_ref(cube, label),)
        return (_ref(cube, label), _ref(cube, keys[0]))

    def _path_refs(self, path: Path) -> tuple[DimensionRef, ...]:
        before = Path(path.joins[-2].target if len(path.joins) > 1 else self._root.name)
        owner = self._model.find_cube(before.target)
        join = path.joins[-1]
        key = own_key(owner, join.columns) if owner is not None else None
        if owner is None or key is None:
            return ()
        shorter = Path(owner.name, path.joins[:-1])
        refs = self._label_refs(shorter, owner, key, join)
        way = self._lexicon.paths.way_of(self._root.name, shorter.joins)
        return refs or (DimensionRef(member=f"{owner.name}.{key.name}", role=way),)

    def _names_its_row(self, cube: Cube, dimension: Dimension) -> bool:
        """Label or key of its own cube: grouping by it means grouping by the entity."""
        return dimension.is_label or cube.primary_key == (dimension.column,)

    def _key_join(self, cube: Cube, dimension: Dimension) -> Join | None:
        """The join whose only column is this one: the column refers to a row of another cube."""
        return next(
            (j for j in cube.joins if len(j.columns) == 1 and j.columns[0][0] == dimension.column),
            None,
        )

    def _label_refs(
        self, path: Path, owner: Cube, key: Dimension, join: Join
    ) -> tuple[DimensionRef, ...]:
        """Label of what the key refers to; with the key itself when labels are not unique."""
        target = self._model.find_cube(join.target)
        label = label_of(target) if target else None
        if target is None or label is None:
            return ()
        role = self._lexicon.paths.way_of(self._root.name, (*path.joins, join))
        shown = DimensionRef(member=f"{target.name}.{label.name}", role=role)
        if _is_unique(label, target):
            return (shown,)
        own_role = self._lexicon.paths.way_of(self._root.name, path.joins)
        return (shown, DimensionRef(member=f"{owner.name}.{key.name}", role=own_role))


def _ref(cube: Cube, dimension: Dimension) -> DimensionRef:
    return DimensionRef(member=f"{cube.name}.{dimension.name}")


def label_of(cube: Cube) -> Dimension | None:
    """The column that names the rows; without a marked one, a text that is different in every row."""
    marked = next((d for d in cube.dimensions if d.is_label), None)
    if marked is not None:
        return marked
    named = [
        d
        for d in cube.dimensions
        if d.type is DimensionType.STRING and not d.is_hidden and _is_unique(d, cube)
    ]
    named.sort(key=lambda d: d.column in cube.primary_key)
    return named[0] if named and cube.row_count <= _MOST_NAMED else None


def _is_unique(label: Dimension, cube: Cube) -> bool:
    if cube.primary_key == (label.column,):
        return True
    if _has_versions(label, cube):
        return True
    return label.distinct_count is not None and label.distinct_count >= cube.row_count > 0


def _has_versions(label: Dimension, cube: Cube) -> bool:
    """Rows are versions of things: a business key repeats exactly as often as the label."""
    if label.distinct_count is None or not label.is_label or label.distinct_count < 2:
        return False
    return any(
        d is not label
        and d.distinct_count == label.distinct_count
        and d.column not in cube.primary_key
        and split_name(d.name)[-1:] in (("id",), ("code",), ("no",), ("nr",), ("number",), ("key",))
        for d in cube.dimensions
    )


def _agreement(preposition: str, name: str) -> float:
    """As in "from" goes with an origin, "to" with a destination, and neither with the other."""
    words = {ABBREVIATIONS.get(w, w) for w in split_name(name)} | set(split_name(name))
    fits = {
        "from": (FROM_WORDS, TO_WORDS),
        "to": (TO_WORDS, FROM_WORDS),
        "into": (TO_WORDS, FROM_WORDS),
    }
    if preposition not in fits:
        return 0.0
    mine, other = fits[preposition]
    return _AGREES * (bool(words & mine) - bool(words & other))


def _best(options: list[Option] | Iterator[Option]) -> list[Option]:
    """Best first, each meaning once."""
    kept: dict[tuple[object, ...], Option] = {}
    for option in sorted(options, key=lambda o: (-o.score, o.target.member, o.role)):
        kept.setdefault(option.identity, option)
    return list(kept.values())
