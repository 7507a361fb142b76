"""The answer in words: every number comes from the rows, and what is not known is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_query import Granularity
from aiser_app.planner.describing import EN_DASH, span_words
from aiser_app.planner.formatting import format_label, format_moment, format_number, to_number
from aiser_app.planner.reading import Reading
from aiser_app.planner.words import plural, stem

_SINGULAR = (
    "number of",
    "share of",
    "growth of",
    "change of",
    "average number",
    "difference",
    "running",
    "rank",
)
"""Figures in the singular, whatever they are of."""
NUMBERS = frozenset({"integer", "number", "decimal"})
"""Types of columns whose values say nothing without the name of what they count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultFacts:
    """What `query_data` tells a model: the first rows, and how many there are."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    row_count: int
    truncated: bool = False
    limit: int | None = None
    null_counts: Mapping[str, int] = field(default_factory=dict)
    """Rows whose value is empty, by column of the result."""
    notes: tuple[str, ...] = ()

    @property
    def has_all_rows(self) -> bool:
        return not self.truncated and len(self.rows) == self.row_count


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Headline number, sentences, warnings and what to ask next."""

    headline: str
    text: str
    caveats: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()


def facts_from(content: Mapping[str, Any]) -> ResultFacts:
    """The facts in a tool message of `query_data`; rows may be lists or objects."""
    columns = tuple(
        Column(
            name=str(c["name"]), type=str(c.get("type") or "string"),
            title=str(c.get("title") or ""), unit=str(c.get("unit") or ""),
        )
        for c in content.get("columns", ())
    )  # fmt: skip
    rows = tuple(
        tuple(row.get(c.name) for c in columns) if isinstance(row, Mapping) else tuple(row)
        for row in content.get("rows", ())
    )
    return ResultFacts(
        columns=columns,
        rows=rows,
        row_count=int(content.get("row_count", len(rows))),
        truncated=bool(content.get("truncated", False)),
        limit=content.get("limit"),
        null_counts=dict(content.get("null_counts") or {}),
        notes=tuple(str(n) for n in content.get("notes") or ()),
    )


def phrase(reading: Reading, result: ResultFacts, follow_ups: Sequence[str] = ()) -> Phrase:
    """Say the result of a reading in one to three sentences."""
    teller = _Teller(reading, result)
    headline, text = teller.tell()
    return Phrase(
        headline=headline, text=text, caveats=tuple(teller.caveats()), follow_ups=tuple(follow_ups)
    )


class _Teller:
    def __init__(self, reading: Reading, result: ResultFacts) -> None:
        self._reading = reading
        self._result = result
        self._measures = len(reading.query.measures)
        self._grain = next(
            (t.granularity for t in reading.query.time_dimensions if t.granularity), None
        )
        self._first = reading.measure_phrases[0] if reading.measure_phrases else "value"
        self._ranked = self._first.removeprefix("maximum ").removeprefix("minimum ")

    def tell(self) -> tuple[str, str]:
        if not self._result.rows:
            return "No rows", self._nothing()
        if self._reading.shape == "number":
            return self._number()
        if not self._measures:
            return self._list()
        if self._reading.shape == "ranking" or self._is_ordered_by_measure():
            return self._ranking()
        return self._series()

    # shapes

    def _nothing(self) -> str:
        text = f"No rows match{self._conditions()}."
        first, last = self._reading.coverage
        if first:
            text += f" The data covers {span_words((first, last))}."
        return text

    def _number(self) -> tuple[str, str]:
        row = self._result.rows[0]
        values = [self._value(row, n) for n in range(self._measures)]
        if row[-self._measures] is None:
            text = f"There is no {self._first}{self._conditions()}: no value to go by."
            return "No value", text + self._covered()
        names = self._reading.measure_phrases
        said = [f"the {name} {value}" for name, value in zip(names[1:], values[1:], strict=True)]
        last = self._first.split()[-1]
        are = "are" if stem(last) != last and not self._first.startswith(_SINGULAR) else "is"
        text = f"The {self._first}{self._conditions()} {are} {values[0]}"
        text += "".join(f" and {more}" for more in said) + "."
        if to_number(row[-self._measures]) == 0:
            text += self._covered()
        return values[0], text

    def _covered(self) -> str:
        first, last = self._reading.coverage
        return f" The data covers {span_words((first, last))}." if first else ""

    def _list(self) -> tuple[str, str]:
        count, subject = self._result.row_count, self._reading.subject or "row"
        at_least = "at least " if self._result.truncated else ""
        names = [self._label(row) for row in self._result.rows[:3]]
        things = subject if count == 1 else plural(subject)
        rest = ", …" if count > len(names) else ""
        return f"{at_least}{count:,}", (
            f"There {'is' if count == 1 else 'are'} {at_least}{count:,} {things}"
            f"{self._conditions()}: {', '.join(names)}{rest}."
        )

    def _ranking(self) -> tuple[str, str]:
        rows = [r for r in self._result.rows if r[-self._measures] is not None]
        if not rows:
            return "No value", f"Every {self._reading.subject or 'row'} is without a value."
        leader = rows[0]
        high = bool(self._reading.query.order) and self._reading.query.order[0].descending
        word = "highest" if high else "lowest"
        tied = self._tied(rows)
        if tied:
            names = ", ".join(self._label(r) for r in tied[:-1]) + f" and {self._label(tied[-1])}"
            text = f"{names} share the {word} {self._ranked}{self._conditions()}: {self._value(leader)}."
        else:
            text = f"{self._label(leader)} has the {word} {self._ranked}{self._conditions()}: "
            text += f"{self._value(leader)}."
        text += self._others(rows, len(tied) or 1, "lowest" if high else "highest")
        return self._value(leader), text

    def _others(self, rows: list[tuple[Any, ...]], leaders: int, opposite: str) -> str:
        if len(rows) <= leaders:
            return ""
        following = rows[leaders]
        text = f" Next is {self._label(following)} with {self._value(following)}."
        complete = self._result.has_all_rows and self._reading.query.limit is None
        if complete and len(rows) > leaders + 1:
            last = rows[-1]
            things = plural(self._reading.subject or "row")
            if self._grouped_once:
                text += f" Of {len(rows)} {things}, {self._label(last)} is {opposite}"
                text += f" with {self._value(last)}."
        return text

    @property
    def _grouped_once(self) -> bool:
        return self._reading.shape == "ranking"

    @property
    def _grouped_once_by_time(self) -> bool:
        return self._grain is not None and len(self._reading.query.dimensions) == 0

    def _series(self) -> tuple[str, str]:
        rows = [r for r in self._result.rows if to_number(r[-self._measures]) is not None]
        if not self._result.has_all_rows or not rows:
            count = f"{self._result.row_count:,}"
            first = self._result.rows[0]
            things = plural(self._reading.subject) if self._grouped_once_by_time else "rows"
            return f"{count} {things}", (
                f"{self._reading.title}{self._conditions()}: {count} {things}, "
                f"the first is {self._label(first)} with {self._value(first)}."
            )
        peak = max(rows, key=self._amount)
        low = min(rows, key=self._amount)
        text = f"{self._label(peak)} has the highest {self._ranked}{self._conditions()}: "
        text += f"{self._value(peak)}."
        if self._amount(low) < self._amount(peak):
            text += f" {self._label(low)} has the lowest: {self._value(low)}."
        return self._value(peak), text

    # parts

    def _amount(self, row: tuple[Any, ...]) -> float:
        return float(to_number(row[-self._measures]) or 0)

    def _is_ordered_by_measure(self) -> bool:
        order = self._reading.query.order
        return bool(order) and order[0].member in self._reading.query.measures

    def _value(self, row: tuple[Any, ...], measure: int = 0) -> str:
        place = len(row) - self._measures + measure
        unit = self._result.columns[place].unit if place < len(self._result.columns) else ""
        return format_number(row[place], unit)

    def _label(self, row: tuple[Any, ...]) -> str:
        """What the row is about: names with their codes, moments at their grain."""
        cells = list(row[: len(row) - self._measures])
        if self._grain is None:
            said = _named([format_label(c) for c in cells])
            bare = len(cells) == 1 and cells[0] is not None
            if bare and self._result.columns[0].type in NUMBERS and self._reading.subject:
                return f"{_capital(self._reading.subject)} {said}"
            return said
        moment = format_moment(cells[0], Granularity(self._grain))
        rest = _named([format_label(c) for c in cells[1:]])
        return f"{rest} in {moment}" if rest else _capital(moment)

    def _tied(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        tied = [r for r in rows if r[-self._measures] == rows[0][-self._measures]]
        return tied if 1 < len(tied) <= 3 else []

    def _conditions(self) -> str:
        wheres = [c.value for c in self._reading.chips if c.key == "where"]
        text = f" where {' and '.join(wheres)}" if wheres else ""
        for chip in self._reading.chips:
            if chip.key == "when":
                first = next(
                    t.date_range for t in self._reading.query.time_dimensions if t.date_range
                )
                single = date.fromisoformat(first[0]) == date.fromisoformat(first[1])
                span = EN_DASH in chip.value
                word = "from" if span else "on" if single else "in"
                text += f" {word} {chip.value.replace(f' {EN_DASH} ', ' to ')}"
        return text

    def caveats(self) -> list[str]:
        result = self._result
        found: list[str] = []
        if result.truncated:
            kept = f"{result.row_count:,}"
            found.append(f"Only the first {kept} rows were kept; there are more.")
        found.extend(self._ties())
        found.extend(self._without_value())
        if any(self._label(r).startswith("(empty)") for r in result.rows):
            found.append(f"Rows with no {self._reading.subject or 'name'} are shown as (empty).")
        return [*found, *result.notes]

    def _without_value(self) -> list[str]:
        """Groups that have rows, but nothing to fold: they cannot lead and cannot trail."""
        if self._reading.shape == "number" or not self._measures:
            return []
        found: list[str] = []
        subject = self._reading.subject if self._grouped_once else "row"
        for column in self._result.columns[len(self._result.columns) - self._measures :]:
            count = self._result.null_counts.get(column.name, 0)
            if count:
                things = f"{count:,} {subject if count == 1 else plural(subject)}"
                have, are = ("has", "is") if count == 1 else ("have", "are")
                title = (column.title or column.name).lower()
                found.append(f"{things} {have} no {title} and {are} left out of the comparison.")
        return found

    def _ties(self) -> list[str]:
        if not self._measures or not self._is_ordered_by_measure() or not self._result.rows:
            return []
        leader = self._result.rows[0][-self._measures]
        tied = sum(1 for r in self._result.rows if r[-self._measures] == leader)
        if tied < 2 or leader is None:
            return []
        return [f"{tied} share the first place; their order means nothing."]


def _named(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{parts[0]} ({', '.join(parts[1:])})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
