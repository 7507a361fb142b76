"""Left to right through the segments: what closed-class words announce for the phrases behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiser_app.domain.semantic_model import Aggregation, Cube, DimensionType
from aiser_app.domain.semantic_query import DimensionRef, FilterOperator, Granularity
from aiser_app.planner.clauses.options import Options, is_plain_way
from aiser_app.planner.clauses.sketch import Figure, Group, Moment, Sketch
from aiser_app.planner.resolving import Option
from aiser_app.planner.segments import Kind, Segment
from aiser_app.planner.vocabulary import PREPOSITIONS
from aiser_app.planner.words import word_set

_LISTING = word_set("list show give display name names see tell find get who return")
ROLE_OPEN = "it can be reached in more than one way"
_UNKNOWN_COST = 0.36
_SOFT_UNKNOWN_COST = 0.2


@dataclass(slots=True)
class State:
    """What has been announced and not been used yet."""

    aggregation: Aggregation | None = None
    distinct: bool = False
    counting: bool = False
    by: bool = False
    negated: bool = False
    excluding: bool = False
    """The negation began a list: "excluding cancelled and lost ones"."""
    quantifier: str = ""
    null: bool = False
    comparison: Segment | None = None
    relation: str = ""
    """later, earlier, more_than or less_than: the next column is compared with the one before."""
    number: Segment | None = None
    extreme: Segment | None = None
    role: str = ""
    preposition: str = ""
    which: bool = False
    joined: bool = False
    either: bool = False
    output: bool = False
    ordering: bool = False
    mean_side: str = ""
    """above_average or below_average: the next figure is compared with its own mean."""
    match: FilterOperator | None = None
    unit: str = ""
    last: str = ""
    """Role of the phrase before: value, group, figure, output, entity, time or nothing."""
    last_option: Option | None = None
    last_figure: Figure | None = None
    last_moment: Moment | None = None
    verbs: list[str] = field(default_factory=list)
    relative: bool = False

    def preposition_decides(self, option: Option) -> bool:
        """As in "From" and "to" agree with the role: its option then scores above its words."""
        return self.preposition in ("from", "to", "into") and option.score > option.target.score


class Walk:
    """State of one reading under one root, and what each closed-class segment does to it."""

    def __init__(self, options: Options, root: Cube, segments: Sequence[Segment]) -> None:
        self.options = options
        self.root = root
        self.segments = tuple(segments)
        self.sketch = Sketch(root.name)
        self.state = State()
        self.at = 0
        self.reached: set[str] = set()
        """Cubes whose role was said."""

    def run(self) -> Sketch:
        while self.at < len(self.segments) and not self.sketch.failure:
            segment = self.segments[self.at]
            self.at += 1
            handler: Callable[[Segment], None] = getattr(self, f"_on_{segment.kind}")
            handler(segment)
        return self.sketch

    def peek(self, ahead: int = 0, *, skip: bool = True) -> Segment | None:
        """The next segment that says something."""
        found = [
            s
            for s in self.segments[self.at : self.at + 8]
            if not skip or s.kind is not Kind.FUNCTION
        ]
        return found[ahead] if ahead < len(found) else None

    # words without content

    def _on_function(self, segment: Segment) -> None:
        word, state = segment.word, self.state
        if word in PREPOSITIONS:
            state.preposition = word
            state.which = False if word == "of" else state.which
        elif word in ("which", "what"):
            following = self.peek(skip=False)
            noun = word == "which" or (following is not None and following.kind is Kind.LINK)
            state.which = noun
            self.sketch.asks_which = self.sketch.asks_which or noun
        if word in _LISTING or word in ("which", "what", "who"):
            self.sketch.lists = True
        if word == "each" and state.last == "entity":
            state.by = False
        state.verbs.append(word)

    def _on_and(self, segment: Segment) -> None:
        self.state.joined = True
        if self.state.excluding and self.state.last in ("value", "flag", "null"):
            self.state.negated = True
        self.state.either = segment.word == "or"

    def _on_unknown(self, segment: Segment) -> None:
        state = self.state
        if state.match is not None:
            self.match_text(segment.text)
            return
        self.sketch.unknown.append(segment.text)
        soft = segment.text.islower() and segment.text.endswith(("ly", "ing"))
        total = self.sketch.costs.get("words without a meaning here", 0.0)
        amount = _SOFT_UNKNOWN_COST if soft else _UNKNOWN_COST
        self.sketch.costs["words without a meaning here"] = total + amount

    def _on_unsupported(self, segment: Segment) -> None:
        self.sketch.fail(f"{segment.word} are not computed yet")

    def _on_literal(self, segment: Segment) -> None:
        if self.state.match is not None or self.state.last_option is not None:
            self.match_text(segment.text)
        else:
            self.sketch.fail(f"no column holds “{segment.text}”")

    def match_text(self, text: str) -> None:
        """Overridden where columns are matched with text."""
        raise NotImplementedError

    # closed classes

    def _on_aggregate(self, segment: Segment) -> None:
        state = self.state
        following = self.peek(skip=False)
        fresh_figure = segment.text.lower() == "how much"
        if fresh_figure:
            self.sketch.asks_how_much = True
            state.aggregation = None
            return
        if segment.aggregation is Aggregation.COUNT and self._stands_alone(segment, following):
            self.count_rows()
            return
        if segment.aggregation is Aggregation.COUNT:
            state.counting = True
            self.sketch.counts = True
            state.output = False
        elif self._is_postfix(segment, following):
            return
        else:
            if state.aggregation not in (None, segment.aggregation):
                self.sketch.cost("one aggregate of another", 0.4)
            state.aggregation = segment.aggregation
            state.output = False
        state.by = state.which = False
        state.extreme = (
            None if state.extreme is not None and state.extreme.extreme == "pick" else state.extreme
        )

    def _is_postfix(self, segment: Segment, following: Segment | None) -> bool:
        """As in "order total", "what does an order cost on average": it belongs to the words before."""
        if following is not None and following.kind is Kind.LINK:
            return False
        is_total = segment.text.lower() == "total" and self.state.last in ("entity", "mention")
        if is_total and self.total_behind():
            return True
        if following is None and self.state.last == "figure":
            self.fold_behind(segment)
            return True
        return False

    def fold_behind(self, segment: Segment) -> None:
        """Overridden where figures are made."""
        raise NotImplementedError

    def total_behind(self) -> bool:
        """Overridden where figures are made."""
        raise NotImplementedError

    def _as_named_date(self) -> bool:
        """As in "By completion date": which date is meant, not one group for every day."""
        last = self.state.last_option
        column = last.dimension if last is not None else None
        if column is None or column.type is not DimensionType.TIME or last is None:
            return False
        if not self.state.by and self.state.last not in ("group", "time"):
            return True
        self.sketch.moment = Moment(last.target.member, last.role)
        if not self.state.by:
            return True
        if not self.sketch.spans and self.sketch.grain is None:
            self.sketch.grain = Granularity.DAY
        self.close("group", last)
        return True

    def _stands_alone(self, segment: Segment, following: Segment | None) -> bool:
        """As in "For each cause: count, average minutes": the rows are counted."""
        return segment.text.lower() in ("count", "number", "counts") and (
            following is not None and following.kind is Kind.AND and following.text == ","
        )  # fmt: skip

    def count_rows(self) -> None:
        """Overridden where figures are made."""
        raise NotImplementedError

    def _on_distinct(self, segment: Segment) -> None:
        self.state.distinct = True

    def _on_extreme(self, segment: Segment) -> None:
        if self.sketch.extreme is not None:
            self.sketch.cost("more than one superlative", 0.3)
        if (
            segment.word in ("first", "last")
            and segment.number is None
            and (self.state.last or self.state.counting)
        ):
            self.sketch.cost(f"“{segment.text}” is not clear", 0.2)
        self.sketch.extreme = self.state.extreme = segment
        if segment.extreme == "count" and self.state.last == "figure" and self.state.last_figure:
            # "cost us the most": the figure came before
            self.sketch.extreme_figure, self.state.extreme = self.state.last_figure, None
        self.state.output = False
        if segment.number is not None:
            self.sketch.limit = int(segment.number)
        elif self.state.number is not None and self.state.number.number is not None:
            self.sketch.limit, self.state.number = int(self.state.number.number), None
        if self.state.which and segment.extreme != "pick" and self.state.last == "":
            self.state.which = True
        self.state.by = False

    def _on_group(self, segment: Segment) -> None:
        following = self.peek(skip=False)
        if following is not None and following.kind is Kind.COMPARE:
            return
        state = self.state
        is_by = segment.text.lower() == "by"
        if (is_by and state.last == "extreme_subject") or (
            self.sketch.extreme is not None and self._is_by(segment)
        ):
            # "top 5 products by units sold": what follows is the figure
            state.by, state.last = False, "by_figure"
            return
        state.by = True
        state.output = False
        first = segment.text.lower().split()[0]
        state.preposition = first if first in PREPOSITIONS else ""

    def _is_by(self, segment: Segment) -> bool:
        """The first "by" behind a superlative's subject names its figure, unless it has one."""
        has_figure = self.sketch.extreme_figure is not None or bool(self.sketch.figures)
        return segment.text.lower() == "by" and not has_figure and self.sketch.subject is not None

    def as_duration(self, segment: Segment) -> bool:
        """As in "downtime hours", overridden where columns are known."""
        return False

    def _on_grain(self, segment: Segment) -> None:
        state = self.state
        listed = state.joined and state.last == "group"
        if segment.text.lower().endswith("date") and self._as_named_date():
            return
        picked = self.sketch.extreme is not None and self.sketch.subject is None
        bare = not (segment.cued or state.by or state.which or listed or picked)
        if bare and segment.text.lower().endswith(("hours", "days")) and self.as_duration(segment):
            return
        if self.sketch.extreme is not None and self.as_duration(segment):
            return
        if bare:
            self.sketch.cost(f"“{segment.text}” stands alone", 0.25)
        if self.sketch.grain is None:
            self.sketch.grain = segment.granularity
        elif self.sketch.grain is not segment.granularity:
            self.sketch.cost("more than one time step", 0.3)
        if segment.assumption:
            self.sketch.assume(segment.assumption)
        if self.state.last_moment is not None and self.state.last == "time":
            self.sketch.moment = self.state.last_moment
        self.close("group")

    def _on_part(self, segment: Segment) -> None:
        self.sketch.part = segment.part
        self.close("group")

    def _on_compare(self, segment: Segment) -> None:
        self.state.comparison = segment

    def _on_number(self, segment: Segment) -> None:
        self.state.number = segment

    def _on_not(self, segment: Segment) -> None:
        self.state.negated = True
        self.state.excluding = segment.text.lower() not in ("not", "no longer", "but not")

    def _on_date(self, segment: Segment) -> None:
        if segment.span is None or self._is_now(segment):
            return
        moment = self.state.last_moment if self.state.last == "time" else None
        self.sketch.spans.append((segment.span, moment or self._by_verb()))
        self.state.by = self.state.negated = False
        self.state.last = "date"

    def _is_now(self, segment: Segment) -> bool:
        """As in "Overdue today": the state of today, not what happened today."""
        return segment.text.lower() == "today" and self.state.last in ("value", "flag", "null")

    def _by_verb(self) -> Moment | None:
        """The time column that the verb before a date names, overridden where columns are known."""
        return None

    def _on_order(self, segment: Segment) -> None:
        self.state.ordering = True

    def _on_direction(self, segment: Segment) -> None:
        self.sketch.descending = segment.descending
        if segment.text.lower().startswith("alphabet"):
            self.sketch.order_by_name = True

    def close(self, last: str, option: Option | None = None) -> None:
        """The phrase has its role; what was announced for it is used up."""
        state = self.state
        state.by = state.which = state.negated = state.null = False
        state.distinct = state.joined = state.either = False
        state.role = state.quantifier = state.preposition = ""
        state.last, state.last_option = last, option
        state.verbs = []

    def add_group(self, group: Group) -> None:
        if all(group.refs != other.refs for other in self.sketch.groups):
            self.sketch.groups.append(group)
            self.sketch.paths.append(group.path)

    def _has_parallel(self, option: Option) -> bool:
        """Several roles lead there, and nothing said which is meant."""
        if not option.path.joins:
            return False
        if self.state.role or option.target.via != ("", ""):
            self.reached.add(option.path.target)
            return False
        if option.path.target in self.reached or is_plain_way(option.path):
            return False
        paths = self.options.lexicon.paths.to(self.root.name, option.path.target)
        fits = [p for p in paths if len(p.joins) == len(option.path.joins)]
        return len(fits) > 1 and not self.state.preposition_decides(option)

    def _shown_by(self, option: Option, cube: str) -> tuple[DimensionRef, ...]:
        """A column shows itself; a table without names is shown by its key, if it has one."""
        found = self.options.model.find_cube(cube) if cube else None
        if found is None:
            return (DimensionRef(member=option.target.member, role=option.role),)
        key = next((d for d in found.dimensions if d.column in found.primary_key), None)
        shown = key or found.dimensions[0]
        return (DimensionRef(member=f"{cube}.{shown.name}", role=option.role),)

    def as_group(self, option: Option) -> Group:
        cube = option.target.cube if option.target.kind == "cube" else ""
        column = option.dimension
        names_rows = column is not None and (
            column.is_label or self.root.primary_key == (column.column,)
        )
        is_own = not option.path.joins and option.target.cube == self.root.name
        is_rows = is_own and (bool(cube) or names_rows)
        refs = option.refs or self._shown_by(option, cube)
        title = (option.title or option.target.name or cube).lower()
        return Group(refs, title, option.path, cube, is_rows, not option.refs and bool(cube))

    def note(self, segment: Segment, option: Option) -> None:
        target = option.target
        member = target.member if not target.value else f"{target.member} = {target.value}"
        self.sketch.note(segment.text, member, target.how, target.score)
        if option.path.joins:
            self.sketch.paths.append(option.path)
        if option.disagrees:
            self.sketch.cost("the preposition points the other way", 0.3)
        if self._has_parallel(option):
            self.sketch.cost(ROLE_OPEN, 0.15)
