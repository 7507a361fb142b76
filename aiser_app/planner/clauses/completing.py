"""What the question left open is chosen by rules that are said: the figure, the subject, the rows."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import (
    Arithmetic,
    DimensionRef,
    Expression,
    Filter,
    FilterOperator,
    Operator,
    PerGroup,
    TimeDimension,
    Windowed,
    WindowKind,
)
from aiser_app.planner.clauses.cueing import Cueing
from aiser_app.planner.clauses.figuring import column_figure, rows_of
from aiser_app.planner.clauses.sketch import Figure, Group, Having
from aiser_app.planner.join_paths import Path
from aiser_app.planner.lexicon import Target
from aiser_app.planner.measuring import is_additive, name_words
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment

_MANY_ROWS = 1_000
_SIZES = ("money", "quantity", "duration", "weight", "distance")


class Completing(Cueing):
    """Turns a walked sketch into one that can be assembled."""

    def complete(self) -> None:
        self.settle()
        self._settle_how_much()
        self._settle_average()
        self._settle_ignored_groups()
        self._settle_extreme()
        self._settle_mean_side()
        self._settle_subject()
        self._settle_figure()
        self._settle_counted_groups()

    # figures

    def _settle_how_much(self) -> None:
        """As in "How much did we take …": money, when no other figure is named."""
        sketch = self.sketch
        if not sketch.asks_how_much or sketch.figures:
            return
        figure = self.of_concept("money", Aggregation.SUM)
        if figure is None:
            sketch.cost("how much of what is not said", 0.3)
            return
        sketch.figures.append(figure)
        sketch.assume(f"“How much” is the {figure.title}.")
        sketch.cost("the figure is chosen by its name", 0.06)

    def _settle_average(self) -> None:
        """As in "Average number of orders per customer": an average over groups."""
        sketch, state = self.sketch, self.state
        if not sketch.averaged and state.aggregation is Aggregation.AVG and not sketch.figures:
            sketch.cost("the average of what is not said", 0.3)
        last = sketch.groups[-1] if sketch.groups else None
        if sketch.averaged and last is not None and not self._is_per():
            sketch.cost("the average over what is not said", 0.3)
        if not sketch.averaged:
            self._settle_average_total(last)
            return
        if not sketch.figures:
            return
        if last is None and sketch.grain is None:
            sketch.cost("the average over what is not said", 0.3)
            return
        per_time = None
        refs: tuple[DimensionRef, ...] = ()
        if last is not None:
            refs = last.refs[-1:] if len(last.refs) > 1 else last.refs
            sketch.groups.pop()
        else:
            moment = sketch.moment or self.default_moment()
            if moment is None:
                return
            per_time = TimeDimension(
                dimension=moment.member, granularity=sketch.grain, role=moment.role
            )
            sketch.grain = None
        self._per_group(refs, per_time)

    def _is_per(self) -> bool:
        """As in "Per customer" and "for each" say over what is averaged, "by" does not."""
        cues = [s.text.lower() for s in self.segments if s.kind is Kind.GROUP]
        return any(
            c in ("per", "each", "every", "a") or c.endswith(("each", "every")) for c in cues
        )

    def _settle_average_total(self, last: Group | None) -> None:
        """As in "Average revenue per customer": totals of many things are averaged over the things."""
        sketch = self.sketch
        figure = sketch.figures[0] if len(sketch.figures) == 1 else None
        if figure is None or figure.aggregation is not Aggregation.AVG or figure.column is None:
            return
        is_total = figure.fold_said and is_additive(figure.column) and last is not None
        if last is None or not is_total or not last.cube or last.is_rows:
            return
        cube = self.options.model.find_cube(last.cube)
        words = name_words(figure.column.name, figure.column.title)
        if cube is None or cube.row_count < 200 or words & {"price", "rate", "value"}:
            return
        option = Option(
            Target("dimension", self.root.name, figure.column.name), Path(self.root.name), 1.0,
            dimension=figure.column,
        )  # fmt: skip
        sketch.figures[0] = column_figure(self.root, option, Aggregation.SUM)
        sketch.groups.pop()
        self._per_group(last.refs[-1:], None)
        sketch.cost("an average of totals", 0.08)

    def _per_group(self, refs: tuple[DimensionRef, ...], per_time: TimeDimension | None) -> None:
        figure = self.sketch.figures[0]
        expression = PerGroup(
            aggregation=Aggregation.AVG, per=refs, each=figure.expression, per_time=per_time
        )
        self.sketch.figures = [
            Figure(expression, f"average {figure.title}", unit=figure.unit, cube=self.root.name)
        ]

    # superlatives

    def _settle_extreme(self) -> None:
        sketch, extreme = self.sketch, self.sketch.extreme
        if extreme is None:
            return
        if (
            sketch.subject is None
            and not sketch.groups
            and sketch.grain is None
            and sketch.part is None
        ):
            self._settle_lonely_extreme()
            return
        if sketch.extreme_figure is None and sketch.figures:
            sketch.extreme_figure = sketch.figures[0]
        if self._is_by_time(extreme):
            return
        if sketch.extreme_figure is None:
            sketch.extreme_figure = self._extreme_by_adjective(extreme.concept or extreme.extreme)
        if sketch.extreme_figure is None:
            sketch.fail(f"“{extreme.word}” needs a figure to go by")

    def _is_by_time(self, extreme: Segment) -> bool:
        """As in "The three oldest orders" go by their date."""
        subject = self.sketch.subject
        is_dated = self.sketch.moment is not None or self.default_moment() is not None
        return extreme.concept == "time" and subject is not None and subject.is_rows and is_dated

    def _settle_lonely_extreme(self) -> None:
        """As in "Highest order total": the maximum."""
        sketch, extreme = self.sketch, self.sketch.extreme
        figure = sketch.figures[0] if len(sketch.figures) == 1 else None
        if extreme is None or figure is None or figure.column is None or sketch.limit is not None:
            sketch.fail("a superlative of what is not said")
            return
        fold = Aggregation.MAX if extreme.direction == "high" else Aggregation.MIN
        option = Option(
            Target("dimension", self.root.name, figure.column.name), Path(self.root.name), 1.0,
            dimension=figure.column,
        )  # fmt: skip
        sketch.figures = [column_figure(self.root, option, fold)]
        sketch.extreme = None

    def _extreme_by_adjective(self, concept: str) -> Figure | None:
        """What "biggest", "cheapest" or "busiest" compares, under this root."""
        sketch = self.sketch
        if concept in ("count", "pick") and (sketch.subject is None or not sketch.subject.is_rows):
            if concept == "pick" and sketch.limit is None:
                return None
            if concept == "pick":
                sketch.cost("what to rank by is not said", 0.15)
            elif self._is_counted_elsewhere():
                sketch.cost("what is counted is not said", 0.26)
            return rows_of(self.root)
        word = sketch.extreme.word if sketch.extreme is not None else ""
        rows = sketch.subject is not None and sketch.subject.is_rows
        if word in ("highest", "lowest", "longest", "shortest") and not rows:
            return None
        if concept in ("size", "number", "pick"):
            for size in _SIZES:
                figure = self.of_concept(size, None)
                if figure is not None:
                    sketch.assume(f"Ranked by the {figure.title}.")
                    sketch.cost("what to rank by is chosen", 0.06)
                    return figure
            return None
        return self.of_concept(concept, None)

    def _settle_ignored_groups(self) -> None:
        """Rows of the root ranked by a column of their own are listed, not folded."""
        sketch, extreme = self.sketch, self.sketch.extreme
        subject = sketch.subject
        if extreme is None or subject is None or not subject.is_rows:
            return
        figure = sketch.extreme_figure or (sketch.figures[0] if sketch.figures else None)
        if figure is not None and figure.column is not None and figure.row is None:
            sketch.extreme_figure = figure
            sketch.figures = [f for f in sketch.figures if f.column is None]

    def _is_counted_elsewhere(self) -> bool:
        """Several tables refer to what is ranked: "busiest" could be by any of them."""
        subject = self.sketch.subject
        cube = (
            subject.refs[0].member.partition(".")[0] if subject is not None and subject.refs else ""
        )
        paths = self.options.lexicon.paths
        others = [c.name for c in self.options.model.cubes if c.name not in (cube, self.root.name)]
        near = [n for n in others if any(len(p.joins) == 1 for p in paths.to(n, cube))]
        return self.sketch.limit is None and bool(near) and len(self.sketch.bound) < 3

    # subjects

    def _settle_subject(self) -> None:
        """A thing that is named and neither counted nor shown yet: grouped by, listed or counted."""
        sketch = self.sketch
        subject = sketch.subject
        if subject is None:
            return
        plain = not (sketch.figures or sketch.extreme is not None or sketch.having or sketch.counts)
        if plain and sketch.listed_from_afar:
            sketch.cost("things are listed where they are referred to", 0.12)
        ranked = sketch.extreme is not None or bool(sketch.having)
        if ranked and not subject.is_rows:
            sketch.groups = [subject, *[g for g in sketch.groups if g.refs != subject.refs]]
            return
        if sketch.figures or sketch.counts:
            if not subject.is_rows and sketch.asks_which and not sketch.groups:
                sketch.groups.append(subject)
            return
        if ranked:
            return
        if sketch.groups or sketch.grain is not None or sketch.part is not None:
            return
        if not subject.is_rows:
            sketch.groups.append(subject)

    def _settle_figure(self) -> None:
        sketch, subject = self.sketch, self.sketch.subject
        by_time = sketch.extreme is not None and self._is_by_time(sketch.extreme)
        if sketch.figures or sketch.failure or by_time:
            return
        grouped = bool(sketch.groups) or sketch.grain is not None or sketch.part is not None
        about_rows = subject is not None and subject.is_rows
        if sketch.extreme_figure is not None:
            if not about_rows:
                sketch.figures.append(sketch.extreme_figure)
            return
        if sketch.counts:
            sketch.figures.append(rows_of(self.root))
            sketch.cost("what is counted is not said", 0.05 if sketch.conditions else 0.3)
        elif about_rows and grouped:
            sketch.figures.append(rows_of(self.root))
        elif about_rows and not sketch.outputs and not sketch.having and not self._lists_rows():
            sketch.figures.append(rows_of(self.root))
            sketch.assume(f"The number of {self.root.title.lower()} is shown.")
            sketch.cost("what to show is not said", 0.06)
        elif not about_rows and (sketch.grain is not None or sketch.part is not None):
            sketch.figures.append(rows_of(self.root))
            sketch.cost("the figure is not named", 0.2)
        elif subject is None and sketch.groups:
            sketch.figures.append(rows_of(self.root))
            sketch.cost("the figure is not named", 0.05 if self._counts_state() else 0.27)
        elif subject is None and not sketch.groups and not sketch.outputs:
            self._settle_nothing()

    def _settle_counted_groups(self) -> None:
        """As in "How many customers placed more than 5 orders": groups that fulfil it are counted."""
        sketch = self.sketch
        grouped = bool(sketch.groups) or sketch.grain is not None or bool(sketch.subject)
        if not sketch.having or grouped or len(sketch.figures) != 1:
            return
        figure = sketch.figures[0]
        if figure.aggregation is not Aggregation.COUNT_DISTINCT or figure.column is None:
            sketch.cost("a condition on a figure without groups", 0.4)
            return
        each = sketch.having[0].figure.expression
        same = [h for h in sketch.having if h.figure.expression == each]
        conditions = tuple(
            Filter(member="each", operator=h.operator, values=h.values) for h in same
        )
        ref = DimensionRef(member=f"{self.root.name}.{figure.column.name}")
        expression = PerGroup(
            aggregation=Aggregation.COUNT, per=(ref,), each=each, conditions=conditions
        )
        sketch.figures = [Figure(expression, figure.title, cube=self.root.name)]
        sketch.having = [h for h in sketch.having if h not in same]

    def _counts_state(self) -> bool:
        """As in "Bounces per page type": the rows in that state are counted."""
        first = next((s for s in self.segments if s.kind is Kind.LINK), None)
        if first is None:
            return False
        found = self.options.of(first).best("values", "flags", "entities", "numbers", "texts")
        return found is not None and found[0] in ("values", "flags") and first.text.endswith("s")

    def _settle_nothing(self) -> None:
        """Only conditions are there: their rows are counted."""
        if self.sketch.conditions:
            self.sketch.figures.append(rows_of(self.root))
            self.sketch.assume(f"The number of {self.root.title.lower()} is shown.")
            self.sketch.cost("what to show is not said", 0.14)
        else:
            self.sketch.fail("no figure is asked for")

    def _lists_rows(self) -> bool:
        """Things with names are listed; events without a name are counted."""
        named = any(d.is_label for d in self.root.dimensions)
        if self.sketch.order_figure is not None or self.sketch.order_by_name:
            return True
        if self.sketch.spans and not self.sketch.conditions and not self.sketch.lists:
            return False
        return self.sketch.lists or (named and self.root.row_count <= _MANY_ROWS)

    def _settle_mean_side(self) -> None:
        """As in "With above average spend": groups beyond the mean of all groups."""
        sketch, side = self.sketch, self.state.mean_side
        if not side:
            return
        figure = sketch.figures[0] if sketch.figures else None
        if figure is None:
            sketch.cost("the comparison with the average was not used", 0.35)
            return
        operator = ">" if side == "above_average" else "<"
        sketch.having.append(self._beyond_mean(figure, operator))

    def _beyond_mean(self, figure: Figure, operator: str) -> Having:
        mean: Expression = Windowed(window=WindowKind.MEAN, of=figure.expression)
        gap = Arithmetic(operator=Operator.SUBTRACT, left=figure.expression, right=mean)
        beyond = Figure(gap, f"{figure.title} beyond the average", cube=self.root.name)
        wanted = FilterOperator.GT if operator == ">" else FilterOperator.LT
        return Having(beyond, wanted, ("0",))
