"""Groups of another table leave out the rows that refer to nothing: said, and written as a condition."""

from __future__ import annotations

from collections.abc import Iterable

from aiser_app.domain.semantic_model import Cube, SemanticModel
from aiser_app.domain.semantic_query import Filter, FilterOperator
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import own_key


def known_references(model: SemanticModel, root: Cube, paths: Iterable[Path]) -> list[Filter]:
    """Conditions that the keys on these ways are known, where some are empty."""
    found: list[Filter] = []
    for path in paths:
        owner: Cube | None = root
        role = ""
        for join in path.joins:
            key = own_key(owner, join.columns) if owner is not None else None
            if owner is not None and key is not None and key.null_fraction > 0:
                item = Filter(
                    member=f"{owner.name}.{key.name}", operator=FilterOperator.SET,
                    role=role if owner is not root else "",
                )  # fmt: skip
                if item not in found:
                    found.append(item)
            role = join.role or role
            owner = model.find_cube(join.target)
    return found
