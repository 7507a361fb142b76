"""Links within somebody else's database: declared ones, and those that names and samples speak for.

A key is what the database declares as one, what a complete sample shows, or, in tables of which the
database says that they are small, what one count confirms. Values are compared from samples that
were read already; what has to be looked up goes to the key's table, in one statement per key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from aiser_app.domain.catalog import (
    KeyLink,
    ProgressReport,
    SyncPhase,
    SyncProgress,
    TableProfile,
)
from aiser_app.domain.verdict import ParameterValue
from aiser_app.query.catalog.candidates import Candidate, is_named_as_key, named_candidates
from aiser_app.query.catalog.links import (
    MIN_CONTAINMENT,
    MIN_ROLE_CONTAINMENT,
    MIN_VALUE_CONTAINMENT,
    best_links,
    declared_links,
    in_order,
    referring,
)
from aiser_app.query.catalog.portable import as_text
from aiser_app.query.catalog.probe import (
    Probe,
    bound,
    column_expression,
    place,
    table_expression,
)
from aiser_app.query.catalog.roles import role_candidates
from aiser_app.query.catalog.sampling import Sample

UNKNOWN = 0.5
"""Containment of a link that no values speak for or against."""
MIN_UNKNOWN_SCORE = 0.85
"""How well the names must fit where the values could not be compared."""
MAX_LOOKED_UP = 400
"""Values that one statement looks up in a key: within what every driver can bind."""
MIN_LOOKED_UP = 10
"""Values of one column that are looked up, however many columns refer to the key."""
COUNTABLE_ROWS = 100_000
"""A table that the database says is no larger may be read once to see whether its key is one."""
_PLAIN_TEXT = ("text", "char", "clob", "string", "citext", "bpchar")

Samples = Mapping[str, Sample]


def named_links(tables: Sequence[TableProfile]) -> tuple[KeyLink, ...]:
    """From the catalog alone, without one row."""
    declared = declared_links(tables)
    return in_order([*declared, *best_links(_unknown(_open(tables, declared)))])


def sampled_links(
    probe: Probe, tables: Sequence[TableProfile], samples: Samples, report: ProgressReport
) -> tuple[KeyLink, ...]:
    """Also with what samples say; what the budget does not reach is judged by its names."""
    links = declared_links(tables)
    groups = _by_key(_open(tables, links))
    measured: list[tuple[Candidate, float]] = []
    for done, group in enumerate(groups, start=1):
        measured += _measured(probe, group, samples, MIN_CONTAINMENT)
        report(SyncProgress(phase=SyncPhase.LINKS, done=done, total=len(groups)))
    links += best_links(measured)
    # With what is left of the budget: columns whose names do not say what they refer to.
    roles = _by_key(role_candidates(tables, referring(links)))
    links += best_links(
        pair for group in roles for pair in _measured(probe, group, samples, MIN_ROLE_CONTAINMENT)
    )
    return in_order(links)


def _by_key(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """The keys that most may refer to come first: when the budget ends, the least is unknown."""
    found: defaultdict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        found[candidate.key].append(candidate)
    return sorted(found.values(), key=lambda group: (-len(group), group[0].key))


def confirm_keys(
    probe: Probe, tables: Sequence[TableProfile], samples: Samples
) -> tuple[TableProfile, ...]:
    """Find the key of small tables for which nothing is declared, by counting once."""
    return tuple(_with_key(probe, table, samples.get(table.name)) for table in tables)


def _with_key(probe: Probe, table: TableProfile, sample: Sample | None) -> TableProfile:
    is_countable = 0 < table.row_count <= COUNTABLE_ROWS and not table.is_view
    has_key = bool(table.primary_key) or any(column.is_unique for column in table.columns)
    if has_key or not is_countable or sample is None or sample.is_complete:
        return table
    column = next((item for item in table.columns if is_named_as_key(table, item)), None)
    if column is None or column.name in sample.repeated:
        return table
    this = column_expression(column.name)
    query = exp.select(
        exp.Count(this=exp.Star()).as_("n"),
        exp.Count(this=exp.Distinct(expressions=[this])).as_("d"),
    ).from_(table_expression(table.name))
    row = probe.find_row(query)
    if row is None or not 0 < row[0] == row[1]:
        return table
    columns = (
        replace(item, is_unique=True, distinct_count=row[1]) if item is column else item
        for item in table.columns
    )
    return replace(table, row_count=row[0], columns=tuple(columns))


def _open(tables: Sequence[TableProfile], declared: Iterable[KeyLink]) -> Iterator[Candidate]:
    taken = referring(declared)
    return (item for item in named_candidates(tables) if item.referrer not in taken)


def _unknown(candidates: Iterable[Candidate]) -> Iterator[tuple[Candidate, float]]:
    return (
        (item, UNKNOWN)
        for item in candidates
        if item.name_score >= MIN_UNKNOWN_SCORE and not item.is_aside and not item.is_role
    )


def _measured(
    probe: Probe, group: list[Candidate], samples: Samples, least: float
) -> Iterator[tuple[Candidate, float]]:
    """Candidates of one key that stand, each with its containment."""
    most = max(MIN_LOOKED_UP, MAX_LOOKED_UP // len(group))
    own = {item.referrer: _values_of(item, samples, most) for item in group}
    wanted = {_folded(value): value for values in own.values() for value in values}
    asked, found = _existing(probe, group[0], wanted, samples.get(group[0].target.name))
    for candidate in group:
        known = [value for value in map(_folded, own[candidate.referrer]) if value in asked]
        if not known:
            yield from _unknown([candidate])
            continue
        containment = round(sum(value in found for value in known) / len(known), 4)
        enough = MIN_VALUE_CONTAINMENT if candidate.is_aside else least
        if containment >= enough:
            yield candidate, containment


def _values_of(candidate: Candidate, samples: Samples, most: int) -> list[ParameterValue]:
    sample = samples.get(candidate.table.name)
    values = sample.values.get(candidate.column.name, ()) if sample is not None else ()
    step = max(1.0, len(values) / most)
    return [values[int(position * step)] for position in range(min(len(values), most))]


def _existing(
    probe: Probe,
    candidate: Candidate,
    wanted: Mapping[object, ParameterValue],
    sample: Sample | None,
) -> tuple[set[object], set[object]]:
    """Which values were looked for in the key, and which of them it has."""
    name = candidate.target_column.name
    if sample is not None and sample.is_complete and name in sample.values:
        return set(wanted), {_folded(value) for value in sample.values[name]}
    asked: set[object] = set()
    found: set[object] = set()
    waiting = sorted(wanted, key=str)
    for start in range(0, len(waiting), MAX_LOOKED_UP):
        part = waiting[start : start + MAX_LOOKED_UP]
        rows = _look_up(probe, candidate, [wanted[item] for item in part])
        if rows is None:
            break
        asked.update(part)
        found.update(_folded(row[0]) for row in rows)
    return asked, found


def _look_up(
    probe: Probe, candidate: Candidate, values: Sequence[ParameterValue]
) -> list[tuple[object, ...]] | None:
    """Rows of the key's table that have one of the values: by its index, if it has one."""
    parameters = bound(values)
    key: exp.Expr = column_expression(candidate.target_column.name)
    places = [place(parameter) for parameter in parameters]
    native = candidate.target_column.native_type.casefold()
    if native == "uuid":
        places = [exp.cast(item, "uuid") for item in places]
        shown = as_text(key.copy())
    elif candidate.target_column.type == "string" and not any(t in native for t in _PLAIN_TEXT):
        key = as_text(key)
        shown = key.copy()
    else:
        shown = key.copy()
    query = (
        exp.select(shown.as_("found"))
        .distinct()
        .from_(table_expression(candidate.target.name))
        .where(exp.In(this=key, expressions=places))
        .limit(len(values) + 1)
    )
    return probe.find_rows(query, parameters)


def _folded(value: object) -> object:
    """Equal where some engine calls it equal: without regard to case and to blanks at the end."""
    return value.rstrip().casefold() if isinstance(value, str) else value
