"""Which date a verb speaks of, and what late, on time and overdue mean by the dates of a table."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType
from aiser_app.domain.semantic_query import (
    ColumnTerm,
    Condition,
    Duration,
    DurationUnit,
    Filter,
    FilterGroup,
    FilterOperator,
)
from aiser_app.planner.measuring import name_words
from aiser_app.planner.words import word_set

_VERBS: dict[str, frozenset[str]] = {
    verb: word_set(words)
    for verbs, words in (
        ("completed finished done ended closed concluded completion resolved solved finalized",
         "end ended finish finished complete completed completion closed close resolved solved"),
        ("started began begun launched commenced starting beginning", "start started begin began launch launched opened"),
        ("ordered placed bought purchased", "order ordered purchase purchased placed"),
        ("shipped dispatched sent departed left", "ship shipped shipping sent dispatch dispatched departure departed depart"),
        ("delivered arrived received arriving", "deliver delivered delivery arrival arrived received receipt arrive rec"),
        ("hired joined employed", "hire hired join joined joining entry start"),
        ("left resigned terminated quit leaving", "exit leave left leaving termination terminated end"),
        ("paid settled", "paid payment settled"), ("issued invoiced billed", "issue issued invoice invoiced billing"),
        ("created opened registered signed", "created create open opened signup registered registration sign signed"),
        ("cancelled canceled churned", "cancel cancelled canceled cancellation churn churned"),
        ("born", "birth birthdate born dob"), ("booked reserved", "book booked booking reserved reservation"),
        ("built constructed manufactured made", "built build construction year manufacture"),
        ("expired expiring", "expire expiry expiration expires"), ("due", "due"), ("inspected checked", "inspection inspected check"),
        ("returned", "return returned"), ("picked collected", "pickup picked collected"), ("installed", "install installed installation"),
    )
    for verb in verbs.split()
}  # fmt: skip
_PLANNED = word_set("""due planned plan scheduled schedule promised promise expected target required estimated deadline
    requested committed eta""")
_REAL = word_set("""actual delivered received finished completed paid end arrival returned closed delivery arrived
    receipt rec finish completion payment shipped resolved""")
_STARTS = word_set("start begin departure")
_UNITS = {
    "day": DurationUnit.DAY, "hour": DurationUnit.HOUR, "minute": DurationUnit.MINUTE,
    "month": DurationUnit.MONTH, "year": DurationUnit.YEAR, "second": DurationUnit.SECOND,
}  # fmt: skip


def _times(cube: Cube) -> list[Dimension]:
    return [d for d in cube.dimensions if d.type is DimensionType.TIME and not d.is_hidden]


def words_of(dimension: Dimension) -> set[str]:
    return name_words(dimension.name, dimension.title)


def time_of_verb(cube: Cube, verb: str) -> Dimension | None:
    """The date that records what the verb tells; what really happened rather than what was planned."""
    wanted = _VERBS.get(verb, frozenset())
    found = [d for d in _times(cube) if words_of(d) & wanted]
    found.sort(key=lambda d: (bool(words_of(d) & _PLANNED), bool(words_of(d) & _STARTS), d.name))
    return found[0] if found else None


def is_time_verb(word: str) -> bool:
    return word in _VERBS


def planned_time(cube: Cube, beside: Dimension) -> Dimension | None:
    """What was planned for the same event as `beside`."""
    found = [d for d in _times(cube) if words_of(d) & _PLANNED and d is not beside]
    mine = words_of(beside) - {"date", "time", "timestamp"}
    found.sort(key=lambda d: (-len(words_of(d) & mine), bool(words_of(d) & _STARTS), d.name))
    return found[0] if found else None


def pair_of(cube: Cube) -> tuple[Dimension, Dimension] | None:
    """(real, planned) moments of the end of what a table records."""
    planned = [d for d in _times(cube) if words_of(d) & _PLANNED and not words_of(d) & _STARTS]
    real = [
        d
        for d in _times(cube)
        if words_of(d) & _REAL and not words_of(d) & _PLANNED and not words_of(d) & _STARTS
    ]
    if not planned or not real:
        return None
    scored = sorted(
        (
            (len(words_of(r) & words_of(p) - {"date"}), r.name, p.name, r, p)
            for r in real
            for p in planned
        ),
        key=lambda hit: (-hit[0], hit[1], hit[2]),
    )
    return scored[0][3], scored[0][4]


def punctuality(cube: Cube, word: str, today: str) -> Condition | None:
    """late, early, on time or overdue as a condition on the rows."""
    pair = pair_of(cube)
    if pair is None:
        return None
    real, planned = (f"{cube.name}.{d.name}" for d in pair)
    if word == "overdue":
        return FilterGroup(
            conditions=(
                Filter(member=planned, operator=FilterOperator.LT, values=(today,)),
                Filter(member=real, operator=FilterOperator.NOT_SET),
            )
        )
    operator = {
        "late": FilterOperator.GT,
        "early": FilterOperator.LT,
        "on time": FilterOperator.LTE,
    }[word]
    return Filter(member=real, operator=operator, other=planned)


_ENDINGS = word_set("""closed close end ended left leave exit discontinued terminated termination removed retired
    cancelled cancellation churned resigned ended expired departure deactivated""")
GONE = word_set(
    "retired discontinued closed inactive terminated deleted archived cancelled deactivated"
)
STILL = word_set(
    "open active trading employed running available current live valid operating installed"
)


def still_there(cube: Cube) -> Condition | None:
    """Not closed, not gone: the one date of an end that most rows lack is empty."""
    found = [
        d
        for d in _times(cube)
        if words_of(d) & _ENDINGS and not words_of(d) & _PLANNED and d.null_fraction >= 0.25
    ]
    if len(found) != 1:
        return None
    return Filter(member=f"{cube.name}.{found[0].name}", operator=FilterOperator.NOT_SET)


def valid_now(cube: Cube, today: str) -> Condition | None:
    """Rows that are valid today: not gone, or between the dates of their validity."""
    gone = still_there(cube)
    pair = validity(cube)
    if gone is not None or pair is None:
        return gone
    last = f"{cube.name}.{pair[1].name}"
    ended = (
        Filter(member=last, operator=FilterOperator.GTE, values=(today,)),
        Filter(member=last, operator=FilterOperator.NOT_SET),
    )
    return FilterGroup(conditions=ended, is_any=True)


def validity(cube: Cube) -> tuple[Dimension, Dimension] | None:
    """The dates from which and until which a row is valid."""
    starts = [d for d in _times(cube) if words_of(d) & {"from", "start", "begin", "effective"}]
    ends = [d for d in _times(cube) if words_of(d) & {"to", "end", "until", "expiry"}]
    if len(starts) != 1 or len(ends) != 1 or starts[0] is ends[0]:
        return None
    return starts[0], ends[0]


def lateness(cube: Cube) -> Duration | None:
    """Days from the planned to the real date."""
    pair = pair_of(cube)
    if pair is None:
        return None
    return between(cube, pair[1], pair[0], "day")


def between(cube: Cube, start: Dimension, end: Dimension, unit: str) -> Duration:
    return Duration(
        start=ColumnTerm(member=f"{cube.name}.{start.name}"), end=ColumnTerm(member=f"{cube.name}.{end.name}"),
        unit=_UNITS[unit],
    )  # fmt: skip
