"""From a draft to a semantic query: what the question left open is chosen here, and said."""

from __future__ import annotations

from datetime import date, timedelta

from aiser_app.domain.semantic_model import Aggregation, Cube, DimensionType, Measure
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Filter,
    FilterOperator,
    Granularity,
    Order,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.planner.dates import DateSpan, overlaps, years_possible
from aiser_app.planner.describing import span_words
from aiser_app.planner.draft import GroupUse, MeasureUse
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.measuring import default_aggregation, find_measure, is_bad_when_high
from aiser_app.planner.picking import Picker
from aiser_app.planner.unmatched import known_references
from aiser_app.planner.vocabulary import AGGREGATE_WORDS

_YEAR_KEY = -1
_FOLD_KEY = -2
_MOST_GROUPS = 2
NO_DATA = "the data has nothing for"


class Completion:
    """Completes one draft; `draft.failure` is set when that cannot be done."""

    def __init__(self, lexicon: Lexicon, root: Cube, picker: Picker, today: date) -> None:
        self._lexicon = lexicon
        self._root = root
        self._picker = picker
        self._today = today
        self.draft = picker.draft
        self.time_path: Path | None = None
        self.time_member = ""
        self.span: DateSpan | None = None
        self.descending = True

    def complete(self) -> SemanticQuery | None:
        self.settle_clock()
        self._settle_groups()
        self._settle_measures()
        self.settle_time()
        if self.draft.failure:
            return None
        return SemanticQuery(
            measures=tuple(m.member for m in self.draft.measures),
            dimensions=tuple(ref for group in self.draft.groups for ref in group.refs),
            time_dimensions=self.time_dimensions(),
            filters=self.filters(),
            order=self._order(),
            limit=self.draft.limit,
        )

    # groups

    def settle_clock(self) -> None:
        """A column called hour is the hour of the day, which "by hour" means more often than not.

        A line through every single hour of a year tells nobody anything.
        """
        draft, column = self.draft, self._root.find_dimension(Granularity.HOUR.value)
        is_clock = column is not None and column.type is not DimensionType.TIME
        if column is None or not is_clock or draft.time_member:
            return
        if draft.grain is Granularity.HOUR:
            ref = DimensionRef(member=f"{self._root.name}.{column.name}")
            path = Path(self._root.name)
            draft.groups.append(GroupUse((ref,), column.title, path, draft.grain_cued))
            draft.grain = None
            draft.assume("“Hour” is the hour of the day.")
            ranked = draft.extreme is not None or draft.limit is not None
            draft.order_by_group = not ranked and draft.descending is None

    def _settle_groups(self) -> None:
        draft = self.draft
        wanted = draft.extreme is not None or self._has_condition_on_measure() or draft.lists
        wanted = wanted or draft.order_by_measure
        if not draft.groups and draft.grain is None and wanted and draft.subjects:
            listing_only = draft.extreme is None and not self._has_condition_on_measure()
            listing_only = listing_only and not draft.order_by_measure
            if not (listing_only and draft.measures):
                draft.groups = [self._as_group(s) for s in draft.subjects[:1]]
        seen: list[GroupUse] = []
        for group in draft.groups:
            if all(group.refs != other.refs for other in seen):
                seen.append(group)
        draft.groups = seen
        if len(seen) + (draft.grain is not None) > _MOST_GROUPS:
            draft.fail("more than two groupings")
        for subject in draft.subjects:
            if not self._is_used(subject):
                draft.fail(f"“{subject.title.lower()}” has no clear place in the question")

    def _as_group(self, subject: GroupUse) -> GroupUse:
        return GroupUse(subject.refs, subject.title, subject.path)

    def _has_condition_on_measure(self) -> bool:
        return any(self._root.find_measure(f.member.partition(".")[2]) for f in self.draft.filters)

    def _is_used(self, subject: GroupUse) -> bool:
        """Grouped by, filtered on, or a cube that is on the way of something that is."""
        if any(subject.refs == g.refs for g in self.draft.groups):
            return True
        cubes = {ref.member.partition(".")[0] for ref in subject.refs}
        return any(
            f.member.partition(".")[0] in cubes - {self._root.name} for f in self.draft.filters
        )

    # measures

    def _settle_measures(self) -> None:
        draft = self.draft
        if not draft.measures:
            self._default_measure()
        self.settle_folds()
        if draft.extreme is not None and not draft.failure:
            self._settle_extreme()
        if draft.counted_from_afar and not self._names_the_root():
            draft.fail(f"“{draft.counted_from_afar}” and the rest are not in one table")
        if self._has_condition_on_measure() and not (draft.groups or draft.grain):
            draft.fail("a condition on a figure needs something to group by")

    def _names_the_root(self) -> bool:
        """Something besides the counted things themselves belongs to the rows of the root."""
        return any(
            word.member.partition(".")[0] == self._root.name
            for word in self.draft.bound
            if word.text != self.draft.counted_from_afar
        )

    def settle_folds(self) -> None:
        """Give every bare number column its aggregation."""
        for use in self.draft.measures:
            if not use.member:
                self._fold(use)

    def _default_measure(self) -> None:
        draft = self.draft
        about_root = any(cube == self._root.name for _, cube in draft.entities)
        count = find_measure(self._root, Aggregation.COUNT, "")
        if draft.extreme is not None:
            draft.fail(f"“{draft.extreme.word}” needs a figure to go by")
        elif about_root and count is not None and (draft.groups or draft.grain):
            draft.measures.append(MeasureUse(f"{self._root.name}.{count.name}"))
        elif draft.groups and (draft.lists or draft.asks_which) and not self._grouped_by_cue():
            return
        elif draft.lists and draft.named_rows is not None and self._has_names(draft.named_rows):
            draft.groups.append(draft.named_rows)
        elif about_root and count is not None:
            draft.measures.append(MeasureUse(f"{self._root.name}.{count.name}"))
            draft.assume(f"The number of {self._root.title.lower()} is shown.")
            draft.cost("what to show is not said", 0.16)
        else:
            draft.fail("no figure is asked for")

    def _has_names(self, rows: GroupUse) -> bool:
        first = self._lexicon.model.find_dimension(rows.refs[0].member)
        return first is not None and first.is_label

    def _grouped_by_cue(self) -> bool:
        return any(group.cued for group in self.draft.groups)

    def _fold(self, use: MeasureUse) -> None:
        """Choose the aggregation of a bare number column."""
        column = use.dimension
        if column is None:
            return
        if len(self.draft.measures) > 1 and not use.listed:
            self.draft.cost("a second figure that was not asked for", 0.3)
        aggregation = self._extreme_fold(use) or default_aggregation(column)
        if aggregation is None:
            both = (Aggregation.AVG, Aggregation.SUM)
            aggregation = both[self._picker.choose(_FOLD_KEY, len(both))]
        elif not use.extreme or self.draft.extreme is not None:
            word = AGGREGATE_WORDS[aggregation]
            self.draft.assume(f"“{use.text}” is read as the {word} {column.title.lower()}.")
            self.draft.cost("aggregation not said", 0.04)
        measure = find_measure(self._root, aggregation, column.column)
        if measure is None:
            self.draft.fail(f"the model has no such measure of “{use.text}”")
            return
        use.member, use.aggregation = f"{self._root.name}.{measure.name}", aggregation

    def _extreme_fold(self, use: MeasureUse) -> Aggregation | None:
        """As in "highest arrival delay (by carrier)" is a maximum; "which carrier has the …" is not."""
        draft, extreme = self.draft, self.draft.extreme
        if not use.extreme or extreme is None or extreme.extreme != "number":
            return None
        if draft.asks_which or any(not g.cued for g in draft.groups) or extreme.number is not None:
            return None
        if draft.grain is not None and not draft.grain_cued:
            return None
        draft.extreme = None
        return Aggregation.MAX if extreme.direction == "high" else Aggregation.MIN

    def _settle_extreme(self) -> None:
        draft, extreme = self.draft, self.draft.extreme
        if extreme is None:
            return
        if not draft.groups and draft.grain is None:
            draft.fail(f"“{extreme.word}” of what is not said")
            return
        measure = self.first_measure()
        if extreme.direction in ("best", "worst") and measure is not None:
            bad = is_bad_when_high(self._root, measure)
            self.descending = bad == (extreme.direction == "worst")
            height = "highest" if self.descending else "lowest"
            draft.assume(
                f"“{extreme.word.capitalize()}” means the {height} {measure.title.lower()}."
            )
        else:
            self.descending = extreme.direction == "high"

    def first_measure(self) -> Measure | None:
        if not self.draft.measures:
            return None
        return self._root.find_measure(self.draft.measures[0].member.partition(".")[2])

    # time

    def settle_time(self) -> None:
        draft = self.draft
        if draft.failure or (draft.grain is None and not draft.spans):
            if draft.time_member and not draft.failure:
                draft.fail("the date column has no clear place in the question")
            return
        if len(draft.spans) > 1:
            draft.fail("more than one period")
            return
        self.time_member = draft.time_member or self._default_time()
        if not self.time_member:
            draft.fail(f"{self._root.title} have no date")
            return
        cube = self.time_member.partition(".")[0]
        self.time_path = next(iter(self._lexicon.paths.to(self._root.name, cube)), None)
        if draft.spans:
            self.span = self._dated(draft.spans[0])

    def _default_time(self) -> str:
        """The root's own date, or that of the nearest cube which has one."""
        own = _time_of(self._root)
        if own:
            return own
        near: list[tuple[int, str]] = []
        for name in self._lexicon.paths.reachable(self._root.name):
            cube = self._lexicon.model.find_cube(name)
            paths = self._lexicon.paths.to(self._root.name, name)
            if cube is not None and len(paths) == 1 and _time_of(cube):
                near.append((len(paths[0].joins), _time_of(cube)))
        near.sort()
        if not near or (len(near) > 1 and near[0][0] == near[1][0]):
            return ""
        self.draft.assume(f"The date is {near[0][1].replace('.', ' ').replace('_', ' ')}.")
        return near[0][1]

    def _dated(self, span: DateSpan) -> DateSpan | None:
        column = self._lexicon.model.find_dimension(self.time_member)
        minimum, maximum = (column.minimum, column.maximum) if column else ("", "")
        if not span.needs_year:
            if not overlaps(span, minimum, maximum):
                covered = span_words((minimum[:10], maximum[:10]))
                self.draft.fail(f"{NO_DATA} “{span.text}”: it covers {covered}")
            return span
        years = years_possible(span, minimum, maximum, self._today)
        if not years:
            self.draft.fail(f"the data has no {span.text}")
            return None
        year = years[self._picker.choose(_YEAR_KEY, len(years))] if len(years) > 1 else years[0]
        self.draft.assume(f"“{span.text}” is read as {span.text} {year}.")
        return span.in_year(year)

    def time_dimensions(self) -> tuple[TimeDimension, ...]:
        closed = self.span is not None and self.span.start is not None and self.span.end is not None
        if not self.time_member or not (self.draft.grain or closed):
            return ()
        bounds = None
        if closed and self.span is not None and self.span.start and self.span.end:
            bounds = (self.span.start.isoformat(), self.span.end.isoformat())
        return (
            TimeDimension(
                dimension=self.time_member, granularity=self.draft.grain, date_range=bounds
            ),
        )

    # filters and order

    def filters(self) -> tuple[Filter, ...]:
        found = [
            Filter(member=f.member, operator=f.operator, values=tuple(f.values), role=f.role)
            for f in self.draft.filters
        ]
        found += known_references(
            self._lexicon.model, self._root, [g.path for g in self.draft.groups]
        )
        span = self.span
        if span is not None and span.end is None and span.start is not None:
            found.append(self._bound(FilterOperator.GTE, span.start))
        elif span is not None and span.start is None and span.end is not None:
            found.append(self._bound(FilterOperator.LT, span.end + timedelta(days=1)))
        return tuple(found)

    def _bound(self, operator: FilterOperator, day: date) -> Filter:
        return Filter(member=self.time_member, operator=operator, values=(day.isoformat(),))

    def _order(self) -> tuple[Order, ...]:
        draft = self.draft
        if not draft.groups and draft.grain is None:
            return ()
        asked = draft.extreme is not None or draft.order_by_measure or draft.limit is not None
        if draft.descending is not None:
            self.descending = draft.descending
            asked = asked or not draft.order_by_group
        if draft.order_by_group or not draft.measures:
            member = draft.groups[0].refs[0].member if draft.groups else self.time_member
            return (Order(member=member, descending=bool(draft.descending)),)
        if draft.grain is not None and not asked:
            return (Order(member=self.time_member),)
        return (Order(member=draft.measures[0].member, descending=self.descending),)


def _time_of(cube: Cube) -> str:
    name = cube.default_time_dimension
    if not name:
        return ""
    return name if "." in name else f"{cube.name}.{name}"
