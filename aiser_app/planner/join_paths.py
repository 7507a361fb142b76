"""Which cubes a cube reaches through many-to-one joins, and by which roles."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, replace

from aiser_app.domain.semantic_model import Join, SemanticModel

LONGEST_PATH = 4
_MAIN, _NAMED_AS_KEY, _ROLE = 1.0, 1.3, 1.6
_ROUND_ABOUT = 2.0
_MOST_WAYS = 12
"""What a join costs: one with a role of its own is rarely the way that is meant, however short."""


@dataclass(frozen=True, slots=True)
class Path:
    """Joins from a root cube to `target`, nearest first; empty when it is the root itself."""

    target: str
    joins: tuple[Join, ...] = ()
    way: str = ""
    """What tells it apart from ways of the same length: a role, else a column. Empty: the only one."""

    @property
    def role(self) -> str:
        """The last role named on the way: the one that tells parallel paths apart."""
        return next((j.role for j in reversed(self.joins) if j.role), "")

    @property
    def score(self) -> float:
        certainty = 1.0
        for join in self.joins:
            certainty *= join.score
        return certainty

    @property
    def effort(self) -> float:
        return round(sum(_effort(join) for join in self.joins), 3)


def _effort(join: Join) -> float:
    if not join.role:
        return _MAIN
    return _NAMED_AS_KEY if all(own == key for own, key in join.columns) else _ROLE


class JoinPaths:
    """The easiest paths only: a longer way round to a cube that is already near is never meant."""

    def __init__(self, model: SemanticModel) -> None:
        self._model = model
        self._shortest = {cube.name: self._fewest_joins(cube.name) for cube in model.cubes}
        self._reach: dict[str, dict[str, tuple[Path, ...]]] = {
            cube.name: self._explore(cube.name) for cube in model.cubes
        }

    def _explore(self, start: str) -> dict[str, tuple[Path, ...]]:
        """Easiest first; several when they are equally easy."""
        reach: dict[str, list[Path]] = {}
        queue: list[tuple[float, int, Path]] = [(0.0, 0, Path(start))]
        count = 0
        while queue:
            effort, _, path = heapq.heappop(queue)
            known = reach.setdefault(path.target, [])
            if len(known) >= _MOST_WAYS or (known and known[0].effort + _ROUND_ABOUT < effort):
                continue
            known.append(path)
            cube = self._model.find_cube(path.target)
            if cube is None or len(path.joins) >= LONGEST_PATH:
                continue
            for join in cube.joins:
                if join.target == start or self._model.find_cube(join.target) is None:
                    continue
                longer = Path(join.target, (*path.joins, join))
                count += 1
                heapq.heappush(queue, (longer.effort, count, longer))
        return {
            name: tuple(replace(p, way=self.way_of(start, p.joins)) for p in paths)
            for name, paths in reach.items()
        }

    def _fewest_joins(self, start: str) -> dict[str, list[tuple[Join, ...]]]:
        """All ways with the fewest joins, as the compiler looks for them."""
        found: dict[str, list[tuple[Join, ...]]] = {start: [()]}
        queue: deque[tuple[str, tuple[Join, ...]]] = deque([(start, ())])
        while queue:
            at, joins = queue.popleft()
            cube = self._model.find_cube(at)
            if cube is None or len(joins) >= LONGEST_PATH:
                continue
            for join in cube.joins:
                known = found.setdefault(join.target, [])
                if join.target == start or any(len(k) < len(joins) + 1 for k in known):
                    continue
                known.append((*joins, join))
                queue.append((join.target, (*joins, join)))
        return found

    def way_of(self, start: str, joins: tuple[Join, ...]) -> str:
        """What a query must name so that exactly this way is taken."""
        if not joins:
            return ""
        ways = self._shortest.get(start, {}).get(joins[-1].target, [])
        if ways == [joins]:
            return ""
        others = {token_of(j) for way in ways if way != joins for j in way}
        tokens = [token_of(j) for j in reversed(joins)]
        return next((t for t in tokens if t not in others), tokens[0])

    def to(self, root: str, cube: str, role: str = "") -> tuple[Path, ...]:
        """All easiest paths, one per parallel way; none when `cube` is out of reach.

        With a role the easiest that pass it, if there are any.
        """
        ways = self._reach.get(root, {}).get(cube, ())
        through = tuple(p for p in ways if role and any(j.role == role for j in p.joins))
        ways = through or ways
        return tuple(p for p in ways if p.effort <= ways[0].effort)

    def reachable(self, root: str) -> frozenset[str]:
        return frozenset(self._reach.get(root, {}))


def token_of(join: Join) -> str:
    """Name of a join in a query: its role, else its own column."""
    return join.role or (join.columns[0][0] if join.columns else "")
