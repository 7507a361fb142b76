"""What is counted and what is ranked."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation, DimensionType
from aiser_app.planner.clauses.figuring import (
    column_figure,
    distinct_figure,
    rows_of,
)
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.showing import Showing
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.concepts import concept_columns
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import is_additive, name_words
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.words import plural, stem

_WEAK = 0.5
_UNITS = frozenset(("s", "min", "h", "d"))


class Counting(Showing):
    """Counts, superlatives and their subjects."""

    def _counted(self, segment: Segment, choices: Choices) -> bool:
        """Behind "how many" and "number of"."""
        state = self.state
        if not state.counting:
            return False
        found = choices.best("entities", "texts", "values", "flags", "numbers", "groups")
        number = choices.best("numbers")
        averaged = state.aggregation is Aggregation.AVG and number is not None
        if (
            averaged
            and number is not None
            and number[1].score >= _WEAK
            and not number[1].path.joins
        ):
            found = number
        if found is None:
            return False
        kind, option = found
        following = self.peek(skip=False)
        is_noun = following is None or following.kind is not Kind.LINK
        if kind in ("values", "flags") and not is_noun:
            return False
        state.counting = False
        if option.dimension is not None and option.dimension.type is DimensionType.TIME:
            self.sketch.cost("a date is counted", 0.4)
        if kind == "entities" and not is_noun and self._belongs_to_next(following):
            state.counting = True
            return self._mention(segment, option)
        if kind in ("values", "flags"):
            self.sketch.figures.append(rows_of(self.root))
            (self.restrict_value if kind == "values" else self.restrict_flag)(segment, option)
            self._after_average()
            return True
        figure = self._count_figure(kind, option)
        if figure is None:
            return False
        if kind == "entities" and option.path.joins and not state.distinct:
            self.sketch.cost("things are counted where they are referred to", 0.1)
        self.note(segment, option)
        self.sketch.figures.append(figure)
        self._after_average()
        self.close("figure", option)
        state.last_figure = figure
        return True

    def _count_figure(self, kind: str, option: Option) -> Figure | None:
        if kind == "entities" and not option.path.joins:
            return rows_of(self.root)
        if self._numbers_its_rows(option):
            return rows_of(self.root)
        if kind == "numbers":
            averaged = self.state.aggregation is Aggregation.AVG
            if averaged or (option.dimension is not None and is_additive(option.dimension)):
                fold = Aggregation.AVG if averaged else Aggregation.SUM
                self.state.aggregation = None
                return column_figure(self.root, option, fold)
            self.sketch.cost("a number is counted", 0.4)
        return distinct_figure(self.options.model, self.root, option)

    def _numbers_its_rows(self, option: Option) -> bool:
        """The number of a stop within its route: who counts stops counts rows."""
        column = option.dimension
        if column is None or not column.is_key or option.path.joins:
            return False
        keys = {pair[0] for join in self.root.joins for pair in join.columns}
        own = name_words(self.root.name, self.root.title) & (
            name_words(column.name) - {"number", "id", "code"}
        )
        return column.column not in keys and bool(own)

    def _after_average(self) -> None:
        """The average of a number of things is an average over groups."""
        if self.state.aggregation is Aggregation.AVG:
            self.sketch.averaged = True
            self.state.aggregation = None

    def _ranked(self, segment: Segment, choices: Choices) -> bool:
        """Behind a superlative: its figure, or what is ranked."""
        extreme = self.state.extreme
        if extreme is None:
            return False
        number = choices.best("numbers", "measures")
        subject = choices.best("entities", "groups", "texts")
        value = choices.best("values", "flags")
        if value is not None and value[1].score > max(_top(number), _top(subject)):
            return False
        if subject is not None and extreme.extreme == "count" and _top(number) <= _top(subject):
            placed = self._most_of(segment, choices, subject[1])
            if placed is not None:
                return placed
        if number is not None and _top(number) >= _top(subject):
            return self._add_figure(segment, number[1])
        if subject is None:
            return False
        return self._rank_subject(segment, choices, subject[1])

    def _rank_subject(self, segment: Segment, choices: Choices, option: Option) -> bool:
        """The thing that is ranked, unless it only names the table of a figure behind it."""
        if self._leads_to_figure():
            return self._mention(segment, option)
        is_count = self.state.extreme is not None and self.state.extreme.extreme == "count"
        if self.sketch.subject is None:
            return self._subject(segment, self._grouped(choices, option))
        return self._count_ranked(segment, choices) if is_count else self._mention(segment, option)

    def _leads_to_figure(self) -> bool:
        following = self.peek(skip=False)
        is_link = following is not None and following.kind is Kind.LINK
        return is_link and self._belongs_to_next(following)

    def _most_of(self, segment: Segment, choices: Choices, option: Option) -> bool | None:
        """Behind "most": what is counted, or with a number before it what is ranked. None: neither."""
        if self._leads_to_figure():
            return self._mention(segment, option)
        found = self.count_of(choices)
        if found is None:
            return None
        sketch, extreme = self.sketch, self.state.extreme
        if sketch.subject is not None:
            self.note(segment, found[0])
            return self._add(segment, self._mass(segment, found[0]) or found[1], "", found[0])
        if sketch.part is not None or sketch.grain is not None:
            self.note(segment, found[0])
            return self._add(segment, found[1], "", found[0])
        numbered = extreme is not None and extreme.number is not None
        if self.state.which or numbered or sketch.limit:
            return self._subject(segment, option)
        return None

    def _mass(self, segment: Segment, option: Option) -> Figure | None:
        """As in "The most downtime" is no number of things: what cannot be counted is added up."""
        word = segment.text.lower()
        if option.path.joins or option.target.kind != "cube" or stem(word) != word:
            return None
        if plural(word) in {self.root.name.lower(), self.root.title.lower()}:
            return None
        found = [d for d, _ in concept_columns(self.root, "duration") if d.unit in _UNITS]
        if len(found) != 1:
            return None
        target = Target("dimension", self.root.name, found[0].name)
        return column_figure(
            self.root,
            Option(target, Path(self.root.name), 1.0, dimension=found[0]),
            Aggregation.SUM,
        )

    def _count_ranked(self, segment: Segment, choices: Choices) -> bool:
        found = self.count_of(choices)
        if found is None:
            return False
        self.note(segment, found[0])
        return self._add(segment, found[1], "", found[0])

    def _grouped(self, choices: Choices, option: Option) -> Option:
        """The same thing with what it is shown by."""
        fitting = [o for o in choices.groups if o.score >= option.score - 0.1]
        return fitting[0] if fitting else option

    def _subject(self, segment: Segment, option: Option) -> bool:
        self.note(segment, option)
        self.sketch.subject = self.as_group(option)
        own = [t for t in segment.targets if t.kind == "cube" and t.score >= 0.6]
        column = option.dimension
        keys = {pair[0] for join in self.root.joins for pair in join.columns}
        refers = column is not None and not option.path.joins and column.column in keys
        if refers or (own and all(t.cube != self.root.name for t in own)):
            self.sketch.listed_from_afar = True
        self.sketch.paths.append(option.path)
        if self.state.extreme is not None and self.state.extreme.concept:
            self.state.extreme = None
        self.close("extreme_subject" if self.sketch.extreme is not None else "entity", option)
        return True


def _top(found: tuple[str, Option] | None) -> float:
    return found[1].score if found is not None else 0.0
