"""What a phrase can mean under one root: near things by joins to one, far things by joins to many."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType
from aiser_app.planner.concepts import concept_columns
from aiser_app.planner.gazetteer import true_value
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Lexicon, Target
from aiser_app.planner.resolving import Option, Resolver, is_number
from aiser_app.planner.segments import Segment

_FAR_LOSS = 0.1
_FAR_VALUE_LOSS = 0.25
_TIE = 0.03
_DIRECTED = ("from", "to", "into")
_FOREIGN_NUMBER_LOSS = 0.1


@dataclass(slots=True)
class Choices:
    """Meanings of a phrase by kind, each best first."""

    values: list[Option] = field(default_factory=list)
    flags: list[Option] = field(default_factory=list)
    numbers: list[Option] = field(default_factory=list)
    times: list[Option] = field(default_factory=list)
    texts: list[Option] = field(default_factory=list)
    entities: list[Option] = field(default_factory=list)
    groups: list[Option] = field(default_factory=list)
    measures: list[Option] = field(default_factory=list)
    far_values: list[Option] = field(default_factory=list)
    far_entities: list[Option] = field(default_factory=list)

    def is_tied(self, kind: str) -> bool:
        """Another meaning of this kind fits as well."""
        options: list[Option] = getattr(self, kind)
        first = options[0] if options else None
        return any(
            first is not None and first.score - o.score < _TIE and o.target.member != first.target.member
            for o in options[1:]
        )  # fmt: skip

    def best(self, *kinds: str) -> tuple[str, Option] | None:
        """The best option among these kinds; earlier kinds win ties."""
        found: tuple[str, Option] | None = None
        for kind in kinds:
            options: list[Option] = getattr(self, kind)
            if options and (found is None or options[0].score > found[1].score + 1e-9):
                found = (kind, options[0])
        return found


class Options:
    """Choices for the phrases of one question under one root."""

    def __init__(
        self, lexicon: Lexicon, root: Cube, mentioned: frozenset[str], today: date
    ) -> None:
        self.today = today
        self.lexicon = lexicon
        self.model = lexicon.model
        self.root = root
        self.mentioned = mentioned
        self.resolver = Resolver(lexicon, root, mentioned)
        self._known: dict[tuple[int, int, str, str], Choices] = {}

    def of(self, segment: Segment, preposition: str = "", role: str = "") -> Choices:
        """Choices are kept: several forms read the same words."""
        directed = preposition if preposition in _DIRECTED else ""
        key = (segment.start, segment.end, directed, role)
        if key not in self._known:
            self._known[key] = self._choices(segment, preposition, role)
        return self._known[key]

    def _choices(self, segment: Segment, preposition: str, role: str) -> Choices:
        resolver = self.resolver
        resolver.role = role
        dims = _by_role(resolver.dimensions(segment, preposition), role)
        found = Choices(
            values=_by_role(resolver.values(segment, preposition), role),
            groups=_by_role(resolver.groups(segment, preposition), role),
            entities=_by_role(resolver.entities(segment), role),
            measures=resolver.measures(segment),
        )
        for option in dims:
            if option.dimension is not None:
                self._sort_in(found, option, option.dimension)
        found.numbers = self._with_concepts(segment, found.numbers)
        found.far_values, found.far_entities = self._far(segment)
        return found

    def _sort_in(self, found: Choices, option: Option, dimension: Dimension) -> None:
        if dimension.type is DimensionType.BOOLEAN or true_value(dimension):
            found.flags.append(option)
        elif dimension.type is DimensionType.TIME:
            found.times.append(option)
        elif is_number(dimension):
            found.numbers.append(option)
        else:
            found.texts.append(option)

    def _with_concepts(self, segment: Segment, numbers: list[Option]) -> list[Option]:
        if not segment.concept:
            return numbers
        known = {o.target.member for o in numbers if o.score >= 0.75}
        found = list(numbers)
        for dimension, fit in concept_columns(self.root, segment.concept)[:2]:
            member = f"{self.root.name}.{dimension.name}"
            if member not in known:
                target = Target(
                    "dimension", self.root.name, dimension.name, how="synonym",
                    score=round(0.92 * fit, 3),
                )  # fmt: skip
                found.append(
                    Option(
                        target,
                        Path(self.root.name),
                        target.score,
                        dimension=dimension,
                        title=dimension.title,
                    )
                )
        return sorted(found, key=lambda o: -o.score)

    def _far(self, segment: Segment) -> tuple[list[Option], list[Option]]:
        values: list[Option] = []
        entities: list[Option] = []
        for target in segment.targets:
            if self.lexicon.paths.to(self.root.name, target.cube):
                continue
            if target.kind == "cube" and self.way_to_many(target.cube):
                entities.append(Option(target, Path(target.cube), target.score - _FAR_LOSS))
            elif target.kind in ("value", "dimension", "prefix") and self.way_to_many(target.cube):
                dimension = self.model.find_dimension(target.member)
                score = target.score - _FAR_VALUE_LOSS
                values.append(Option(target, Path(target.cube), score, dimension=dimension))
        values = [o for o in values if o.target.kind != "dimension" or self._is_far_flag(o)]
        return sorted(values, key=lambda o: -o.score), sorted(entities, key=lambda o: -o.score)

    def _is_far_flag(self, option: Option) -> bool:
        dimension = option.dimension
        return dimension is not None and (
            dimension.type is DimensionType.BOOLEAN or bool(true_value(dimension))
        )

    def way_to_many(self, cube: str) -> str:
        """The cube whose rows refer to the root and lead to `cube`: "" when nothing connects them."""
        if self.lexicon.paths.to(cube, self.root.name):
            return cube
        found: list[tuple[int, int, str]] = []
        for middle in self.model.cubes:
            up = self.lexicon.paths.to(middle.name, self.root.name)
            over = self.lexicon.paths.to(middle.name, cube)
            if up and over and middle.name not in (cube, self.root.name):
                steps = len(up[0].joins) + len(over[0].joins)
                found.append((steps, len(middle.dimensions), middle.name))
        return min(found)[2] if found else ""

    def facts_of(self) -> list[Cube]:
        """Cubes whose rows refer to the root directly, largest first."""
        near = [
            c
            for c in self.model.cubes
            if c.name != self.root.name
            and any(len(p.joins) <= 2 for p in self.lexicon.paths.to(c.name, self.root.name))
        ]
        return sorted(near, key=lambda c: (self._distance(c), -c.row_count, c.name))

    def _distance(self, cube: Cube) -> int:
        return min(len(p.joins) for p in self.lexicon.paths.to(cube.name, self.root.name))


def is_plain_way(path: Path) -> bool:
    """Every column on the way is called as the key it refers to."""
    return all(own == key for join in path.joins for own, key in join.columns)


def _by_role(options: list[Option], role: str) -> list[Option]:
    if not role:
        return sorted(options, key=lambda o: (-round(o.score, 6), not is_plain_way(o.path)))
    fitting = [o for o in options if o.path.role == role or not o.path.joins]
    through = [o for o in fitting if o.path.role == role]
    return [replace(o, role=o.role or role) for o in through] if through else fitting
