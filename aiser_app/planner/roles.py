"""Left-to-right role automaton: which phrase is shown, grouped by, filtered on, ordered by."""

from __future__ import annotations

from collections.abc import Callable

from aiser_app.domain.semantic_model import DimensionType
from aiser_app.planner.announced import Announced
from aiser_app.planner.draft import Draft, GroupUse
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import stem


class Roles(Announced):
    """Reads one cover under one root cube into a draft; stops at the first thing it cannot place."""

    def run(self) -> Draft:
        for segment in self._cursor:
            handler: Callable[[Segment], None] = getattr(self, f"_on_{segment.kind}")
            handler(segment)
            if self.draft.failure:
                break
        self._check_leftovers()
        return self.draft

    def _on_link(self, segment: Segment) -> None:
        conditions = len(self.draft.filters)
        for place in (
            self._place_as_modifier,
            self._place_in_order,
            self._place_as_measure,
            self._place_with_value,
            self._place_in_comparison,
            self._place_with_number,
            self._place_as_value,
            self._place_as_group,
            self._place_after_extreme,
            self._place_bare,
        ):
            if place(segment):
                self._check_alternative(conditions)
                self._joined = self._either = False
                return
        self.draft.fail(f"“{segment.text}” has no place here")

    def _check_alternative(self, conditions: int) -> None:
        """Behind "or", only one more value of the same column keeps the meaning of "or"."""
        if self._either and (len(self.draft.filters) != conditions or self._carry != "value"):
            self.draft.fail("“or” between different things")

    def _on_literal(self, segment: Segment) -> None:
        self.draft.fail(f"no column holds “{segment.text}”")

    def _place_in_order(self, segment: Segment) -> bool:
        if not self._ordering or self._aggregation is not None:
            return False
        self._ordering = False
        draft = self.draft
        options = self._resolver.numbers(segment) or self._resolver.measures(segment)
        if options and not any(g.title == options[0].title for g in draft.groups):
            draft.order_by_measure = True
            if not any(m.dimension == options[0].dimension for m in draft.measures):
                self._measuring.bare(segment)
            return True
        groups = self._resolver.groups(segment)
        if groups and any(groups[0].refs == g.refs for g in draft.groups):
            draft.order_by_group = True
            return True
        if self._resolver.entities(segment):
            draft.order_by_measure = True
            return self._measuring.count(segment, False) or bool(draft.measures)
        return False

    def _place_as_measure(self, segment: Segment) -> bool:
        if self._aggregation is None:
            return False
        following = self._cursor.peek()
        qualifies = following is not None and following.kind is Kind.LINK and not self._distinct
        if qualifies and self._conditions.flag(segment, self._negated):
            self._negated = False
            return True
        is_value_only = bool(self._resolver.values(segment)) and not self._is_thing(segment)
        if is_value_only:
            return False
        if self._ordering:
            self.draft.order_by_measure, self._ordering = True, False
        done = self._measuring.aggregate(segment, self._aggregation, self._distinct)
        if done:
            self._carry, self._cue, self._which, self._distinct = "measure", False, False, False
            self._aggregation = None
            self._having()
        return done

    def _place_as_modifier(self, segment: Segment) -> bool:
        """As in "flight distance" or "newsletter subject": the table of the column behind it."""
        following = self._cursor.peek()
        entities = self._resolver.entities(segment)
        if following is None or following.kind is not Kind.LINK or not entities:
            return False
        if following.start != segment.end or self._resolver.values(segment):
            return False
        heads = self._resolver.dimensions(following)
        if not heads or entities[0].target.cube != heads[0].target.cube:
            return False
        self.draft.entities.append((segment, entities[0].target.cube))
        self._picker.note(segment, entities[0])
        return True

    def _place_with_value(self, segment: Segment) -> bool:
        """As in "origin is JFK", "carrier not UA", `tail number "N1"`."""
        following, negated = self._cursor.value_place()
        if following is None or self._cue or following.kind not in (Kind.LINK, Kind.LITERAL):
            return False
        if not self._conditions.with_value(segment, following, negated or self._negated):
            return False
        self._cursor.skip_to(following)
        self._closed("value")
        return True

    def _place_in_comparison(self, segment: Segment) -> bool:
        following = self._cursor.peek()
        if following is not None and following.kind is Kind.COMPARE and not self._cue:
            done = self._conditions.compare(segment, following, self._negated)
            if done:
                self._cursor.skip_to(following)
                self._closed("")
            return done
        if self._comparison is None:
            return False
        comparison, self._comparison = self._comparison, None
        if self._conditions.compare(segment, comparison, self._negated):
            self._closed("")
            return True
        return self._measuring.count(segment, False) and self._conditions.having(comparison)

    def _place_with_number(self, segment: Segment) -> bool:
        """As in "with 4 engines" filters; "which 5 carriers" limits."""
        if self._number is None:
            return False
        number, self._number = self._number, None
        if self._resolver.numbers(segment) or not self._resolver.groups(segment):
            return self._conditions.equal(segment, number, self._negated)
        if number.unit or number.number is None or number.number < 1:
            return False
        self.draft.limit = int(number.number)
        return self._group(segment, cued=False)

    def _place_as_value(self, segment: Segment) -> bool:
        values = self._resolver.values(segment, self._preposition)
        if not values:
            return False
        others = [
            *self._resolver.groups(segment), *self._resolver.measures(segment)
        ]  # fmt: skip
        if others and (self._cue or others[0].score > values[0].score):
            return False
        if self._cue:
            return False
        self._conditions.value(segment, values, self._negated)
        self._carry, self._which = "value", False
        following = self._cursor.peek()
        if (
            following is None
            or following.kind not in (Kind.AND, Kind.LINK)
            or (following.kind is Kind.LINK and not self._resolver.values(following))
        ):
            self._negated = False
        self._absorb_kind_of_value(values)
        return True

    def _place_as_group(self, segment: Segment) -> bool:
        listed = self._carry == "group" and self._joined
        if not (self._cue or listed or self._which):
            return False
        numbers = self._resolver.numbers(segment)
        measures_order = self.draft.extreme is not None and self._open_extreme is None
        figure = bool(numbers) or (measures_order and self._counts_root(segment))
        if self._cue and not self.draft.measures and figure:
            self._cue = False
            self.draft.order_by_measure = True
            return self._measuring.bare(segment) or self._measuring.count(segment, False)
        if self._which and not self._cue and numbers and not self._resolver.entities(segment):
            self._which = False
            return self._measuring.bare(segment)
        return self._group(segment, cued=not self._which)

    def _counts_root(self, segment: Segment) -> bool:
        entities = self._resolver.entities(segment)
        return bool(entities) and entities[0].target.cube == self.draft.root

    def _place_after_extreme(self, segment: Segment) -> bool:
        extreme = self._open_extreme
        if extreme is None:
            return False
        self._open_extreme = None
        if self._resolver.measures(segment) or self._resolver.numbers(segment):
            return self._measuring.bare(segment, after_extreme=True)
        if extreme.extreme == "count" and not _is_plural(segment):
            self.draft.fail(f"“{extreme.word} {segment.text}” is an amount without its column")
            return False
        if extreme.extreme == "count":
            self.draft.order_by_measure = True
            return self._measuring.count(segment, self._distinct)
        if extreme.extreme == "pick" or extreme.number is not None:
            return self._group(segment, cued=False)
        self.draft.fail(f"“{extreme.word}” needs a figure to go by")
        return False

    def _place_bare(self, segment: Segment) -> bool:
        if self._negated:
            return self._conditions.flag(segment, True) and self._closed("")
        if self._conditions.flag(segment, False):
            return True
        entities = self._resolver.entities(segment)
        numbers = [*self._resolver.measures(segment), *self._resolver.numbers(segment)]
        if numbers and (not entities or numbers[0].score > entities[0].score):
            done = self._measuring.bare(segment)
            if done:
                self.draft.measures[-1].listed = self._joined
            self._carry = "measure"
            self._having()
            return done
        times = [o for o in self._resolver.dimensions(segment) if _is_time(o)]
        if times and (not entities or times[0].score > entities[0].score):
            return self._time_named(segment, times)
        if entities:
            self.draft.entities.append((segment, entities[0].target.cube))
            self._picker.note(segment, entities[0])
        options = self._resolver.groups(segment)
        if entities and entities[0].target.cube == self.draft.root and options:
            self.draft.named_rows = GroupUse(options[0].refs, options[0].title, options[0].path)
        if options and (not entities or entities[0].target.cube != self.draft.root):
            chosen = options[0]
            self.draft.subjects.append(GroupUse(chosen.refs, chosen.title, chosen.path))
            self._picker.note(segment, chosen)
        return bool(entities or options)

    # parts of the above

    def _group(self, segment: Segment, *, cued: bool) -> bool:
        options = self._resolver.groups(segment, self._preposition)
        if not options:
            return False
        chosen = self._picker.pick(segment, options)
        if _is_time(chosen):
            self.draft.time_member = chosen.target.member
            self.draft.grain_cued = cued
            self.draft.group_by_named_time()
        else:
            self.draft.groups.append(GroupUse(chosen.refs, chosen.title, chosen.path, cued))
        self.draft.asks_which = self.draft.asks_which or self._which
        self._closed("group")
        return True

    def _time_named(self, segment: Segment, times: list[Option]) -> bool:
        chosen = self._picker.pick(segment, times)
        self.draft.time_member = chosen.target.member
        return True

    def _having(self) -> None:
        """A comparison right behind a measure is a condition on the measure."""
        following = self._cursor.peek()
        if following is not None and following.kind is Kind.COMPARE:
            if self._compares_another(following):
                return
            self._cursor.skip_to(following)
            if not self._conditions.having(following) and not self._conditions.by_unit(following):
                self.draft.fail(f"“{following.text}” does not fit")

    def _compares_another(self, comparison: Segment) -> bool:
        """As in "planes have more than 300 seats": the comparison belongs to the noun behind it."""
        behind = self._cursor.behind(comparison)
        return (
            behind is not None and behind.kind is Kind.LINK and bool(self._resolver.numbers(behind))
        )

    def _absorb_kind_of_value(self, values: list[Option]) -> None:
        """As in "JFK airport", "JetBlue flights": the noun behind a value may only say what it is."""
        following = self._cursor.peek()
        if following is None or following.kind is not Kind.LINK:
            return
        chosen = self.draft.filters[-1].member
        same = [o for o in self._resolver.dimensions(following) if o.target.member == chosen]
        cubes = self._conditions.cubes_of(chosen)
        entity = [o for o in self._resolver.entities(following) if o.target.cube in cubes]
        if (same or entity) and not self._counts_root(following) and self._aggregation is None:
            self._picker.note(following, (same or entity)[0])
            self._cursor.skip_to(following)

    def _is_thing(self, segment: Segment) -> bool:
        return any(t.kind != "value" for t in segment.targets)


def _is_time(option: Option) -> bool:
    return option.dimension is not None and option.dimension.type is DimensionType.TIME


def _is_plural(segment: Segment) -> bool:
    """Things are counted in the plural; "most downtime" asks how much of it."""
    last = segment.text.lower().split()[-1]
    return stem(last) != last
