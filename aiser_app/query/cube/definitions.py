"""What Cube's definitions in SQL mean in our model, so that our compiler can do without Cube.

Cube shows templates such as `${CUBE}.amount * ${rate}`. What refers to other cubes, to the person
who asks, or is computed by a program, only Cube can compute; our model has such members without a
definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiser_app.domain.semantic_model import Aggregation, Dimension, Measure, SemanticModel
from aiser_app.domain.semantic_query import Condition, Filter, FilterGroup, SemanticQuery
from aiser_app.errors import QueryInvalid

_COLUMN = re.compile(r"(?:\$\{CUBE\}\.)?([A-Za-z_]\w*)")
_SELECT_ALL = re.compile(
    r"select\s+\*\s+from\s+((?:[A-Za-z_]\w*|\"\w+\"|`\w+`)(?:\.(?:[A-Za-z_]\w*|\"\w+\"|`\w+`))*)\s*;?",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\$\{\s*([^{}]*?)\s*\}")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SIDE = r"\$\{\s*(?:(\w+)\s*\}\s*\.\s*(\w+)|(\w+)\.(\w+)\s*\})"
_PAIR = re.compile(rf"\s*{_SIDE}\s*=\s*{_SIDE}\s*")
_WORDS_NOT_COLUMNS = frozenset({"true", "false", "null", "current_date", "current_timestamp"})


def text_of(template: object) -> str:
    """The text between backticks or quotes; empty for what is a program, or nothing."""
    found = template.strip() if isinstance(template, str) else ""
    if len(found) < 2 or found[0] not in "`'\"" or found[-1] != found[0]:
        return ""
    text = found[1:-1].strip()
    # The mark itself inside means more than one text, or an escape that is not read here.
    return "" if found[0] in text else text


def column_of(template: object) -> str:
    """The plain column that a definition is; empty when it is more than that."""
    found = _COLUMN.fullmatch(text_of(template))
    name = found.group(1) if found else ""
    return "" if name.lower() in _WORDS_NOT_COLUMNS else name


def expression_of(template: object) -> str:
    """The definition in our words, `{CUBE}` and `{member}`; empty when only Cube can compute it."""
    text = text_of(template)
    names = _REFERENCE.findall(text)
    if not all(_NAME.fullmatch(name) for name in names):
        return ""
    plain = _REFERENCE.sub(r"{\1}", text)
    # Braces of another kind would be read as names.
    return plain if plain.count("{") == len(names) and "\\" not in text else ""


def members_in(expression: str) -> set[str]:
    """Names of the cube's own members that an expression refers to."""
    return set(re.findall(r"\{(\w+)\}", expression)) - {"CUBE"}


def plain_table(template: object) -> str:
    """The table of `SELECT * FROM table`, as it is written; else empty."""
    found = _SELECT_ALL.fullmatch(text_of(template))
    return found.group(1).replace('"', "").replace("`", "") if found else ""


def join_pairs(template: object, cube: str, target: str) -> list[tuple[str, bool, str, bool]]:
    """(own name, is a member, other name, is a member) of each equality; empty when it is more."""
    pairs = []
    for part in re.split(r"\band\b", text_of(template), flags=re.IGNORECASE):
        found = _PAIR.fullmatch(part)
        if found is None:
            return []
        sides = dict([_side(found.groups()[:4], cube), _side(found.groups()[4:], cube)])
        if set(sides) != {cube, target}:
            return []
        pairs.append((*sides[cube], *sides[target]))
    return pairs


def _side(found: tuple[str | None, ...], cube: str) -> tuple[str, tuple[str, bool]]:
    """(cube, (name, is a member)): `${CUBE}.column`, or `${cube.member}`."""
    owner = found[0] or found[2] or ""
    name = found[1] or found[3] or ""
    return (cube if owner == "CUBE" else owner), (name, found[0] is None)


def check_computable(query: SemanticQuery, model: SemanticModel) -> None:
    """Raises `QueryInvalid` when a member of the query is one that only Cube can compute."""
    member = member_only_in_cube(query, model)
    if member:
        raise QueryInvalid(
            f"Only Cube can compute “{member[:80]}”.", hint="It is defined in Cube's own way."
        )


def member_only_in_cube(query: SemanticQuery, model: SemanticModel) -> str:
    """The first member of the query that our compiler has no definition of; empty when none."""
    for name in _named(query):
        measure, dimension = model.find_measure(name), model.find_dimension(name)
        if measure is not None and not _is_computable(measure):
            return name
        if measure is None and dimension is not None and not _is_defined(dimension):
            return name
    return ""


def _is_computable(measure: Measure) -> bool:
    is_count = measure.aggregation is Aggregation.COUNT
    return bool(measure.column or measure.sql or is_count)


def _is_defined(dimension: Dimension) -> bool:
    return bool(dimension.column or dimension.sql or dimension.date_parts)


def _named(query: SemanticQuery) -> Iterator[str]:
    yield from query.measures
    yield from (item.member for item in query.dimensions)
    yield from (item.dimension for item in query.time_dimensions)
    yield from (item.member for item in query.order)
    for condition in query.filters:
        yield from _filtered(condition)


def _filtered(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Filter):
        yield condition.member
    elif isinstance(condition, FilterGroup):
        for part in condition.conditions:
            yield from _filtered(part)
