"""Which cubes a cube reaches through many-to-one joins, and by which roles."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from aiser_app.domain.semantic_model import Join, SemanticModel

LONGEST_PATH = 4


@dataclass(frozen=True, slots=True)
class Path:
    """Joins from a root cube to `target`, nearest first; empty when it is the root itself."""

    target: str
    joins: tuple[Join, ...] = ()

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


class JoinPaths:
    """Shortest paths only: a longer way round to a cube that is already near is never meant."""

    def __init__(self, model: SemanticModel) -> None:
        self._model = model
        self._reach: dict[str, dict[str, tuple[Path, ...]]] = {
            cube.name: self._explore(cube.name) for cube in model.cubes
        }

    def _explore(self, start: str) -> dict[str, tuple[Path, ...]]:
        reach: dict[str, list[Path]] = {start: [Path(start)]}
        queue = deque([Path(start)])
        while queue:
            path = queue.popleft()
            cube = self._model.find_cube(path.target)
            if cube is None or len(path.joins) >= LONGEST_PATH:
                continue
            for join in cube.joins:
                longer = Path(join.target, (*path.joins, join))
                known = reach.setdefault(join.target, [])
                if join.target == start or any(len(k.joins) < len(longer.joins) for k in known):
                    continue
                if self._model.find_cube(join.target) is not None:
                    known.append(longer)
                    queue.append(longer)
        return {name: tuple(paths) for name, paths in reach.items() if paths}

    def to(self, root: str, cube: str) -> tuple[Path, ...]:
        """All shortest paths, one per parallel way; none when `cube` is out of reach."""
        return self._reach.get(root, {}).get(cube, ())

    def reachable(self, root: str) -> frozenset[str]:
        return frozenset(self._reach.get(root, {}))
