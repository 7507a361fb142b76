"""A semantic query in words: chips, titles, and a question that reads back as the same query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from aiser_app.domain.answer import Chip
from aiser_app.domain.semantic_model import Aggregation, Cube, DimensionType, SemanticModel
from aiser_app.domain.semantic_query import (
    Condition,
    DimensionRef,
    Filter,
    FilterGroup,
    FilterOperator,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.planner.join_paths import JoinPaths
from aiser_app.planner.lexicon import own_key
from aiser_app.planner.thesaurus import ABBREVIATIONS, GENERIC_TAILS
from aiser_app.planner.vocabulary import AGGREGATE_WORDS
from aiser_app.planner.words import plural, singular, split_name

EN_DASH = "\N{EN DASH}"
_OPERATOR_WORDS = {
    FilterOperator.EQUALS: "is",
    FilterOperator.NOT_EQUALS: "is not",
    FilterOperator.CONTAINS: "contains",
    FilterOperator.GT: "is more than",
    FilterOperator.GTE: "is at least",
    FilterOperator.LT: "is less than",
    FilterOperator.LTE: "is at most",
    FilterOperator.SET: "is known",
    FilterOperator.NOT_SET: "is empty",
    FilterOperator.NOT_CONTAINS: "does not contain",
    FilterOperator.STARTS_WITH: "starts with",
    FilterOperator.ENDS_WITH: "ends with",
    FilterOperator.IN_DATE_RANGE: "is in",
    FilterOperator.NOT_IN_DATE_RANGE: "is not in",
}


class Describer:
    """Words for the parts of queries over one model."""

    def __init__(self, model: SemanticModel, paths: JoinPaths) -> None:
        self._model = model
        self._paths = paths

    # names

    def measure_phrase(self, member: str) -> str:
        """As in "number of flights", "average arrival delay": readable and readable back."""
        cube, measure = self._cube(member), self._model.find_measure(member)
        if cube is None or measure is None:
            return member
        word = AGGREGATE_WORDS[measure.aggregation]
        if measure.aggregation is Aggregation.COUNT:
            return f"{word} {entity_plural(cube)}"
        column = next((d for d in cube.dimensions if d.column == measure.column), None)
        name = column.title.lower() if column else measure.column
        if measure.aggregation is Aggregation.COUNT_DISTINCT:
            return f"{word} {plural(name)}"
        return f"{word} {name}"

    def measure_title(self, member: str) -> str:
        measure = self._model.find_measure(member)
        return measure.title if measure else member

    def figure_phrase(self, query: SemanticQuery, name: str) -> str:
        """A measure of the model, or a figure of this query alone, in running text."""
        metric = next((m for m in query.metrics if m.name == name), None)
        if metric is None:
            return self.measure_phrase(name)
        return (metric.title or name.replace("_", " ")).lower()

    def figure_title(self, query: SemanticQuery, name: str) -> str:
        metric = next((m for m in query.metrics if m.name == name), None)
        return self.measure_title(name) if metric is None else metric.title or name

    def dimension_title(self, ref: DimensionRef, root: str) -> str:
        """What a group is called: the entity behind a label, with its role."""
        cube, name = self._cube(ref.member), ref.member.partition(".")[2]
        dimension = cube.find_dimension(name) if cube else None
        if cube is None or dimension is None:
            return ref.member
        if cube.name != root and dimension.is_label:
            key = self._key_title(root, cube.name, ref.role)
            return key or f"{ref.role} {entity_singular(cube)}".strip()
        if cube.name == root and dimension.is_label:
            return entity_singular(cube)
        return f"{ref.role} {dimension.title.lower()}".strip()

    def _key_title(self, root: str, target: str, role: str) -> str:
        """Name of the key through which a label is reached, when it says more than the entity."""
        entity = self._model.find_cube(target)
        for path in self._paths.to(root, target):
            if not path.joins or (role and path.role != role):
                continue
            owner = self._model.find_cube(path.joins[-2].target if len(path.joins) > 1 else root)
            key = own_key(owner, path.joins[-1].columns) if owner else None
            if key is None or entity is None:
                continue
            words = split_name(key.title)
            if len(words) > 1 and words[-1] in GENERIC_TAILS:
                words = words[:-1]
            said = " ".join(ABBREVIATIONS.get(w, w) for w in words)
            return "" if entity_singular(entity).startswith(said[:4]) else said
        return ""

    def _cube(self, member: str) -> Cube | None:
        return self._model.find_cube(member.partition(".")[0])

    def root_of(self, query: SemanticQuery) -> str:
        members = (*query.measures, *(r.member for r in query.dimensions))
        dotted = [m for m in members if "." in m]
        return dotted[0].partition(".")[0] if dotted else ""

    # groups

    def group_refs(self, query: SemanticQuery) -> tuple[DimensionRef, ...]:
        """Dimensions a person grouped by: keys that only make labels unique are left out."""
        shown: list[DimensionRef] = []
        for ref in query.dimensions:
            if not any(self._is_key_of(ref, label) for label in shown):
                shown.append(ref)
        return tuple(shown)

    def _is_key_of(self, ref: DimensionRef, label: DimensionRef) -> bool:
        target = self._cube(label.member)
        named = self._model.find_dimension(label.member)
        owner, key = self._cube(ref.member), self._model.find_dimension(ref.member)
        if target is None or owner is None or key is None or named is None or not named.is_label:
            return False
        if owner.name == target.name:
            return key.column in target.primary_key
        return any(
            j.target == target.name
            and j.columns[0][0] == key.column
            and (not label.role or j.role in (label.role, ""))
            for j in owner.joins
        )

    def group_phrases(self, query: SemanticQuery) -> list[str]:
        root = self.root_of(query)
        grains = _steps(query.time_dimensions)
        return grains + [self.dimension_title(r, root) for r in self.group_refs(query)]

    # filters

    def filter_text(self, item: Filter, root: str, *, quoted: bool = False) -> str:
        """As in "origin is JFK or LGA", "arrival delay is more than 60 min"."""
        measure = self._model.find_measure(item.member)
        if measure is not None:
            values = _joined(item.values, quoted=False, exact=quoted)
            condition = f"{_OPERATOR_WORDS[item.operator]} {values}"
            return f"{self.measure_phrase(item.member)} {condition}"
        dimension = self._model.find_dimension(item.member)
        title = self.dimension_title(DimensionRef(member=item.member, role=item.role), root)
        unit = f" {dimension.unit}" if dimension and dimension.unit and not quoted else ""
        is_text = quoted and dimension is not None and dimension.type is DimensionType.STRING
        if dimension is not None and dimension.type is DimensionType.BOOLEAN:
            return title if item.values == ("true",) else f"not {title}"
        exact = quoted or dimension is None or dimension.type is not DimensionType.NUMBER
        values = _joined(item.values, quoted=is_text, exact=exact)
        if item.operator is FilterOperator.IN_DATE_RANGE and len(item.values) == 2:
            values = span_words((item.values[0], item.values[1]))
        if item.other:
            values = self.dimension_title(
                DimensionRef(member=item.other, role=item.other_role), root
            )
        if item.part is not None:
            title = f"{str(item.part).replace('_', ' ')} of {title}"
        word = _OPERATOR_WORDS.get(item.operator, str(item.operator))
        return f"{title} {word} {values}{unit}".strip()

    def condition_text(self, item: Condition, root: str, *, quoted: bool = False) -> str:
        """Any condition in words, nested ones too."""
        if isinstance(item, Filter):
            return self.filter_text(item, root, quoted=quoted)
        if isinstance(item, FilterGroup):
            joiner = " or " if item.is_any else " and "
            text = joiner.join(self.condition_text(c, root, quoted=quoted) for c in item.conditions)
            return f"not ({text})" if item.is_negated else text
        cube = self._model.find_cube(item.cube)
        name = entity_plural(cube) if cube is not None else item.cube
        quantity = f"at least {item.at_least} " if item.at_least > 1 else ""
        text = f"{'without' if item.is_negated else 'with'} {quantity}{name}"
        inner = " and ".join(
            self.condition_text(c, item.cube, quoted=quoted) for c in item.conditions
        )
        return f"{text} where {inner}" if inner else text

    # whole queries

    def chips(self, query: SemanticQuery) -> tuple[Chip, ...]:
        root = self.root_of(query)
        chips = [Chip(key="show", value=self.figure_title(query, m)) for m in query.measures]
        chips += [Chip(key="by", value=text) for text in _steps(query.time_dimensions)]
        for ref in self.group_refs(query):
            chips.append(Chip(key="by", value=self.dimension_title(ref, root)))
        chips += [Chip(key="when", value=text) for text in _periods(query.time_dimensions)]
        for item in query.filters:
            chips.append(Chip(key="where", value=self.condition_text(item, root)))
        for order in query.order:
            if order.member in query.measures:
                value = "highest first" if order.descending else "lowest first"
                chips.append(Chip(key="order", value=value))
        if query.limit is not None:
            chips.append(Chip(key="limit", value=str(query.limit)))
        return tuple(chips)

    def title(self, query: SemanticQuery) -> str:
        shown = [self.figure_phrase(query, m) for m in query.measures]
        groups = self.group_phrases(query)
        if not shown:
            return _capital(" and ".join(plural(g) for g in groups))
        by = f" by {' and '.join(groups)}" if groups else ""
        return _capital(" and ".join(shown) + by)

    def question(self, query: SemanticQuery) -> str:
        """A question for this query; whoever offers it checks that it reads back the same."""
        root = self.root_of(query)
        groups = self.group_phrases(query)
        shown = " and ".join(self.measure_phrase(m) for m in query.measures)
        if not query.measures:
            text = f"list {plural(groups[0]) if groups else ''}"
        elif query.limit is not None and len(groups) == 1:
            down = all(o.descending for o in query.order)
            text = f"{'top' if down else 'bottom'} {query.limit} {plural(groups[0])} by {shown}"
        else:
            text = shown + "".join(
                f" {'by' if n == 0 else 'and'} {g}" for n, g in enumerate(groups)
            )
        wheres = [self.condition_text(f, root, quoted=True) for f in query.filters]
        text += f" where {' and '.join(wheres)}" if wheres else ""
        text += "".join(_period(t) for t in query.time_dimensions)
        text += self._order_words(query, groups)
        return _capital(text)

    def _order_words(self, query: SemanticQuery, groups: Sequence[str]) -> str:
        order = query.order[0] if query.order else None
        if order is None or query.limit is not None or order.member not in query.measures:
            return ""
        is_series = any(t.granularity for t in query.time_dimensions)
        if order.descending and not is_series:
            return ""
        return ", highest first" if order.descending else ", lowest first"


def _steps(times: Sequence[TimeDimension]) -> list[str]:
    found = [str(t.granularity or t.part or "") for t in times]
    return [text.replace("_", " ") for text in found if text]


def _periods(times: Sequence[TimeDimension]) -> list[str]:
    found = [span_words(t.date_range) for t in times if t.date_range]
    compared = [t.compare_date_ranges for t in times if t.compare_date_ranges]
    return found + [" and ".join(span_words(r) for r in ranges) for ranges in compared]


def entity_plural(cube: Cube) -> str:
    return plural(singular(cube.title.lower()))


def entity_singular(cube: Cube) -> str:
    return singular(cube.title.lower())


def _joined(values: Sequence[str], *, quoted: bool, exact: bool) -> str:
    """Values with "or"; numbers get their thousands unless the text is to be read back."""
    if not exact:
        values = [f"{int(v):,}" if v.lstrip("-").isdigit() else v for v in values]
    return " or ".join(f'"{v}"' if quoted else v for v in values)


def _period(time: TimeDimension) -> str:
    if time.date_range is None:
        return ""
    first, last = time.date_range
    return f" from {first} to {last}" if first != last else f" on {first}"


def span_words(bounds: tuple[str, str]) -> str:
    """As in "June 2013", "2013", or both days with an en dash."""
    first, last = date.fromisoformat(bounds[0]), date.fromisoformat(bounds[1])
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return str(first.year)
    next_day = last.toordinal() + 1
    whole_month = first.day == 1 and date.fromordinal(next_day).day == 1
    if whole_month and (first.year, first.month) == (last.year, last.month):
        return f"{first:%B} {first.year}"
    if first == last:
        return day_words(first)
    return f"{day_words(first)} {EN_DASH} {day_words(last)}"


def day_words(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
