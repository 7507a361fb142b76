"""Figures: columns and measures that are shown, folded as asked or as their names say."""

from __future__ import annotations

from typing_extensions import override

from aiser_app.domain.semantic_model import Aggregation, Dimension
from aiser_app.domain.semantic_query import MeasureTerm
from aiser_app.planner.clauses.figuring import (
    column_figure,
    in_unit,
    product_figure,
)
from aiser_app.planner.clauses.matching import Matching
from aiser_app.planner.clauses.options import Choices
from aiser_app.planner.clauses.sketch import Figure
from aiser_app.planner.concepts import concept_columns, product_of
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import default_aggregation
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment

_WEAK = 0.5
OTHER_TABLE = "a figure of another table"
_UNITS = frozenset(("s", "min", "h", "d"))
_MEASURED = frozenset(("weight", "distance", "volume", "energy"))
_UNIT_CONCEPTS = frozenset(
    ("quantity", "weight", "distance", "volume", "energy", "duration", "money")
)
_TIME_WORDS = frozenset(("hour", "hours", "minute", "minutes", "second", "seconds", "day", "days"))

_SPENDING = frozenset(("spent", "cost us", "paid", "sold", "bought", "made", "earned", "took"))

_FLOWS = frozenset(("money", "spend", "payout"))
"""What comes in or goes out is added up, whatever the column that holds it is called."""
_LEVELS = frozenset(("value", "worth", "cost", "costs", "pay"))


class Showing(Matching):
    """Adds figures to the sketch."""

    @override
    def as_duration(self, segment: Segment) -> bool:
        """Hours beside a thing or figure with a duration: its sum in hours."""
        word = segment.text.lower()
        if word not in _TIME_WORDS:
            return False
        unit, figure = word.removesuffix("s"), self.state.last_figure
        if self.state.last == "figure" and figure is not None and figure.unit in _UNITS:
            self._replace_last(in_unit(figure, unit))
            return True
        found = [d for d, _ in concept_columns(self.root, "duration") if d.unit in _UNITS]
        if not found:
            return False
        target = Target("dimension", self.root.name, found[0].name, how="unit", score=0.9)
        option = Option(target, Path(self.root.name), 0.9, dimension=found[0], title=found[0].title)
        self.state.unit = unit
        self.state.aggregation = self.state.aggregation or Aggregation.SUM
        return self._add_figure(segment, option)

    @override
    def fold_behind(self, segment: Segment) -> None:
        """As in "… on average": the figure before is folded so."""
        option, old = self.state.last_option, self.state.last_figure
        if option is None or old is None or old.fold_said or option.dimension is None:
            return
        self._replace_last(column_figure(self.root, option, segment.aggregation))

    def _replace_last(self, figure: Figure) -> None:
        old = self.state.last_figure
        self.sketch.figures = [figure if f is old else f for f in self.sketch.figures]
        if self.sketch.extreme_figure is old:
            self.sketch.extreme_figure = figure
        self.state.last_figure = figure

    def _add_figure(self, segment: Segment, option: Option) -> bool:
        if option.target.kind == "measure":
            return self._add_measure(segment, option)
        fold = self.state.aggregation
        if fold is None and segment.concept in _MEASURED and segment.text.lower() not in _MEASURED:
            fold = Aggregation.SUM
        if fold is None and segment.concept in _FLOWS and segment.text.lower() not in _LEVELS:
            fold = Aggregation.SUM if option.target.how == "synonym" else None
        figure = column_figure(self.root, option, fold)
        if not figure.fold_said and option.dimension is not None:
            self._check_fold(option.dimension, option)
        self._check_pair()
        if option.path.joins:
            self.sketch.cost(OTHER_TABLE, 0.3)
        figure = in_unit(figure, self.state.unit)
        if self._is_unit_noun(segment, option) or self._is_same(segment, option, fold):
            return True
        if self._is_said_by_verb(segment, option):
            return True
        self.note(segment, option)
        return self._add(segment, figure, "", option)

    def _is_same(self, segment: Segment, option: Option, fold: Aggregation | None) -> bool:
        """The column of a figure that is there already, named once more without being folded."""
        known = any(
            f.column is option.dimension for f in self.sketch.figures if f.column is not None
        )
        if fold is not None or not known:
            return False
        self.note(segment, option)
        return True

    def _check_fold(self, column: Dimension, option: Option) -> None:
        """A column that could be added up or averaged, and nothing says which."""
        ranked = self.state.extreme is not None or self.sketch.extreme is not None
        if default_aggregation(column) is None and option.target.how == "name" and not ranked:
            self.sketch.cost("added up or averaged is not said", 0.26)

    def _check_pair(self) -> None:
        """As in "Number of flights distance": a second figure right behind the first belongs to no list."""
        before = self.segments[self.at - 2] if self.at >= 2 else None
        adjacent = before is not None and before.kind is Kind.LINK
        if (
            self.state.last == "figure"
            and adjacent
            and not self.state.joined
            and self.sketch.figures
        ):
            self.sketch.cost("two figures side by side", 0.3)

    def _is_unit_noun(self, segment: Segment, option: Option) -> bool:
        """As in "Scrap by plant, units": units of the figure before, not another figure."""
        if segment.concept not in _UNIT_CONCEPTS or not self.sketch.figures:
            return False
        if option.score >= 0.9 and self.state.preposition != "in":
            return False
        if self.state.joined and self.state.last == "figure":
            return False
        self.sketch.note(segment.text, option.target.member, "unit", 0.95)
        return True

    def _is_said_by_verb(self, segment: Segment, option: Option) -> bool:
        """As in "How much discount was redeemed": a participle behind a figure only ties it to its table."""
        word = segment.text.lower()
        if (
            not word.endswith("ed")
            or " " in word
            or self.state.last not in ("figure", "group", "value", "mention")
        ):
            return False
        if not self.sketch.figures or self.state.joined or self.state.aggregation is not None:
            return False
        if self.sketch.costs.get(OTHER_TABLE) and not option.path.joins:
            self.sketch.figures.pop()
            self.sketch.costs.pop(OTHER_TABLE)
            return False
        self.sketch.note(segment.text, option.target.member, "verb", 0.95)
        return True

    def _add_measure(self, segment: Segment, option: Option) -> bool:
        measure = self.root.find_measure(option.target.name)
        if measure is None:
            return False
        pending = self.state.aggregation
        if pending is Aggregation.AVG and measure.aggregation is Aggregation.COUNT:
            self.sketch.averaged = True
        elif pending not in (None, measure.aggregation):
            self.sketch.cost("one aggregate of another", 0.4)
        member = f"{self.root.name}.{measure.name}"
        self.note(segment, option)
        figure = Figure(
            MeasureTerm(measure=member), measure.title.lower(), member, measure.unit,
            cube=self.root.name, aggregation=measure.aggregation,
        )  # fmt: skip
        return self._add(segment, figure, "", option)

    def _add(
        self, segment: Segment, figure: Figure, how: str, option: Option | None = None
    ) -> bool:
        if how:
            self.sketch.note(segment.text, self.root.name, how, 0.78)
        state = self.state
        pending = state.comparison
        state.aggregation, state.unit, state.output = None, "", False
        if state.extreme is not None or state.last == "by_figure":
            self.sketch.extreme_figure = self.sketch.extreme_figure or figure
            state.extreme = None
        if pending is not None:
            self.add_having(figure, pending)
        elif all(f.expression != figure.expression for f in self.sketch.figures):
            self.sketch.figures.append(figure)
        self.close("figure", option)
        state.last_figure = figure
        return True

    def _aggregated(self, segment: Segment, choices: Choices) -> bool:
        state = self.state
        if state.aggregation is None or state.counting:
            return False
        found = choices.best("numbers", "measures", "flags")
        others = choices.best("values", "entities", "groups", "far_values")
        if found is not None and found[0] != "flags" and (
            others is None or found[1].score >= others[1].score or others[0] == "groups"
        ):  # fmt: skip
            return self._add_figure(segment, found[1])
        concept = (
            product_figure(self.root, segment.concept, state.aggregation)
            if segment.concept
            else None
        )
        if concept is not None:
            return self._add(segment, concept, "value")
        if others is not None and others[0] in ("values", "far_values"):
            return False
        if others is not None and others[0] == "entities" and self._is_total_of_rows(others[1]):
            state.counting = True
            return False
        if others is not None and others[0] == "entities":
            return self._average_row(segment, others[1]) or self._mention(segment, others[1])
        return False

    def _average_row(self, segment: Segment, option: Option) -> bool:
        """As in "The average basket" is the average money of the rows, when no figure follows."""
        following = self.peek()
        behind = following is not None and following.kind is Kind.LINK and bool(
            following.concept or self.options.of(following).numbers
        )  # fmt: skip
        if self.state.aggregation is not Aggregation.AVG or option.path.joins or behind:
            return False
        figure = self.of_concept("money", Aggregation.AVG)
        if figure is None:
            return False
        self.note(segment, option)
        return self._add(segment, figure, "", option)

    def _is_total_of_rows(self, option: Option) -> bool:
        """As in "Total orders" counts them, unless a figure follows: "total order value"."""
        following = self.peek()
        is_figure = following is not None and following.kind is Kind.LINK and (
            following.concept or self.options.of(following).numbers
        )  # fmt: skip
        return self.state.aggregation is Aggregation.SUM and not option.path.joins and not is_figure

    def _belongs_to_next(self, following: Segment | None) -> bool:
        """As in "number of order lines" or "how many ad clicks": the next words are counted."""
        if following is None:
            return False
        word = following.text.lower()
        if word.endswith("ed") or word in _SPENDING:
            return False
        if following.concept and product_of(self.root, following.concept) is not None:
            return True
        choices = self.options.of(following)
        found = choices.best("numbers", "entities", "texts")
        return found is not None and found[0] == "numbers" and found[1].score >= _WEAK

    def _mention(self, segment: Segment, option: Option) -> bool:
        self.note(segment, option)
        self.sketch.context.append(option.target.cube)
        last, negated = self.state.last, self.state.negated
        self.close(last, self.state.last_option)
        self.state.negated = negated
        self.state.last = last or "mention"
        return True
