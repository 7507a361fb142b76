"""Follow-ups: "by month", "only JFK", "median instead", "top 5" change the query before them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from aiser_app.domain.answer import Clarification
from aiser_app.domain.semantic_model import Cube
from aiser_app.domain.semantic_query import (
    Filter,
    Order,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.planner.candidates import mentioned
from aiser_app.planner.completion import Completion
from aiser_app.planner.describing import Describer
from aiser_app.planner.draft import Draft
from aiser_app.planner.judging import coverage_of, reads_as, shape_of
from aiser_app.planner.lexicon import Lexicon
from aiser_app.planner.linking import Cover, covers, respell
from aiser_app.planner.measuring import find_measure
from aiser_app.planner.picking import Picker
from aiser_app.planner.ranking import parts_of, score_of
from aiser_app.planner.reading import Reading, Unreadable
from aiser_app.planner.resolving import Resolver
from aiser_app.planner.roles import Roles
from aiser_app.planner.segments import Kind
from aiser_app.planner.words import Token, singular, tokenize, word_set

_FILLERS = word_set("""instead now then what about how same but just only make it ok okay and change to rather
    please use split filter keep limit add group the with them those these this that as well""")
_ADDING = frozenset(("also", "too", "add", "additionally"))
_MOST_COVERS = 4
_NEAR = 0.05


def read_follow_up(
    text: str, lexicon: Lexicon, today: date, previous: SemanticQuery
) -> Reading | Unreadable | None:
    """The changed query, the changes it can mean, or None when a word means no change at all."""
    describer = Describer(lexicon.model, lexicon.paths)
    root = lexicon.model.find_cube(describer.root_of(previous))
    tokens = respell(tokenize(text), lexicon)
    adds = any(t.lower in _ADDING for t in tokens) or text.lower().startswith("and by")
    tokens = _without_fillers(tokens)
    if root is None or not tokens:
        return None
    for cover in covers(tokens, lexicon, today)[:_MOST_COVERS]:
        if cover.unknown or cover.unsupported:
            continue
        change = _Change(lexicon, root, cover, today, previous, adds)
        first = change.attempt({})
        if first is None or first.query == previous:
            continue
        others = change.near_meanings(first.draft)
        if others:
            return _which([first.query, *others], describer, lexicon, today)
        return _reading(first.query, first.draft, cover, describer, lexicon)
    return None


@dataclass(frozen=True, slots=True)
class _Attempt:
    query: SemanticQuery
    draft: Draft


@dataclass(frozen=True, slots=True)
class _Change:
    lexicon: Lexicon
    root: Cube
    cover: Cover
    today: date
    previous: SemanticQuery
    adds: bool

    def attempt(self, overrides: dict[int, int]) -> _Attempt | None:
        resolver = Resolver(self.lexicon, self.root, mentioned(self.cover))
        draft = Roles(resolver, self.root, self.cover, overrides, is_change=True).run()
        picker = Picker(draft, overrides)
        completion = Completion(self.lexicon, self.root, picker, self.today)
        query = _changed(draft, completion, self.previous, self.root, self.adds)
        return _Attempt(query, draft) if query is not None else None

    def near_meanings(self, draft: Draft) -> list[SemanticQuery]:
        """What else the words can mean, where the first meaning has no clear lead."""
        found: list[SemanticQuery] = []
        for key, lead, count in draft.margins:
            for rank in range(1, count if lead <= _NEAR else 1):
                other = self.attempt({key: rank})
                if other is not None and other.query not in found:
                    found.append(other.query)
        return found


def _which(
    queries: list[SemanticQuery], describer: Describer, lexicon: Lexicon, today: date
) -> Unreadable:
    texts = [describer.question(query) for query in queries]
    options = [t for t, q in zip(texts, queries, strict=True) if reads_as(t, q, lexicon, today)]
    return Unreadable(
        clarification=Clarification(
            question="This can mean more than one thing. Which one?", options=tuple(options)
        ),
        reason="ambiguous",
    )


def _without_fillers(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Fillers at either end only: inside, "and" and "to" have their own meaning."""
    kept = [t for t in tokens if t.lower not in _ADDING]
    while kept and kept[0].lower in _FILLERS:
        kept.pop(0)
    while kept and (kept[-1].lower in _FILLERS or kept[-1].kind == "symbol"):
        kept.pop()
    return tuple(kept)


def _changed(
    draft: Draft, completion: Completion, previous: SemanticQuery, root: Cube, adds: bool
) -> SemanticQuery | None:
    folds_anew = draft.last_aggregation is not None
    if draft.failure and not folds_anew:
        return None
    draft.failure = ""
    draft.subjects = [] if draft.groups else draft.subjects
    if not draft.groups and draft.extreme is not None and draft.subjects:
        draft.groups, draft.subjects = draft.subjects[:1], draft.subjects[1:]
    if draft.subjects or (draft.entities and not _only_root(draft, root)):
        return None
    changed = _with_measures(previous, draft, completion, root)
    changed = _with_groups(changed, draft, completion, adds) if changed else None
    if changed is None or draft.failure:
        return None
    return _ordered(_with_filters(changed, completion), draft, previous)


def _only_root(draft: Draft, root: Cube) -> bool:
    return all(cube == root.name for _, cube in draft.entities)


def _with_measures(
    query: SemanticQuery, draft: Draft, completion: Completion, root: Cube
) -> SemanticQuery | None:
    if draft.last_aggregation is not None:
        old = root.find_measure(query.measures[0].partition(".")[2]) if query.measures else None
        new = find_measure(root, draft.last_aggregation, old.column) if old else None
        if new is None or not new.column:
            return None
        return replace(query, measures=(f"{root.name}.{new.name}", *query.measures[1:]))
    if not draft.measures:
        return query
    completion.settle_folds()
    return replace(query, measures=tuple(m.member for m in draft.measures))


def _with_groups(
    query: SemanticQuery, draft: Draft, completion: Completion, adds: bool
) -> SemanticQuery | None:
    completion.settle_clock()
    completion.settle_time()
    if draft.failure:
        return None
    refs = tuple(ref for group in draft.groups for ref in group.refs)
    times = {t.dimension: t for t in query.time_dimensions}
    if (refs or draft.grain) and not adds:
        query = replace(query, dimensions=())
        times = {d: replace(t, granularity=None) for d, t in times.items() if t.date_range}
    for time in completion.time_dimensions():
        old = times.get(time.dimension, TimeDimension(dimension=time.dimension))
        times[time.dimension] = replace(
            old,
            granularity=time.granularity or old.granularity,
            date_range=time.date_range or old.date_range,
        )
    query = replace(query, time_dimensions=tuple(times.values()))
    if refs:
        query = replace(query, dimensions=tuple(dict.fromkeys((*query.dimensions, *refs))))
    return query


def _with_filters(query: SemanticQuery, completion: Completion) -> SemanticQuery:
    """A new condition replaces an old one of the same kind on the same column."""
    filters = [item for item in query.filters if isinstance(item, Filter)]
    for new in completion.filters():
        filters = [
            old
            for old in filters
            if (old.member, old.role, old.operator) != (new.member, new.role, new.operator)
        ] + [new]
    return replace(query, filters=tuple(filters))


def _ordered(query: SemanticQuery, draft: Draft, previous: SemanticQuery) -> SemanticQuery | None:
    grouped = bool(query.dimensions) or any(t.granularity for t in query.time_dimensions)
    if (draft.limit or draft.extreme or draft.descending is not None) and not grouped:
        return None
    limit = draft.limit if draft.limit is not None else query.limit
    series = next((t.dimension for t in query.time_dimensions if t.granularity), "")
    if not grouped:
        return replace(query, order=(), limit=None)
    descending = _direction(draft, previous)
    regrouped = query.dimensions != previous.dimensions or (
        query.time_dimensions != previous.time_dimensions
    )
    if series and regrouped and draft.limit is None:
        return replace(query, order=(Order(member=series),), limit=None)
    if query.measures and not (series and draft.extreme is None and draft.descending is None):
        order = (Order(member=query.measures[0], descending=descending),)
        return replace(query, order=order, limit=limit)
    return replace(query, limit=limit)


def _direction(draft: Draft, previous: SemanticQuery) -> bool:
    if draft.descending is not None:
        return draft.descending
    if draft.extreme is not None:
        return draft.extreme.direction not in ("low",)
    ordered = previous.order[:1]
    return ordered[0].descending if ordered and ordered[0].member in previous.measures else True


def _reading(
    query: SemanticQuery, draft: Draft, cover: Cover, describer: Describer, lexicon: Lexicon
) -> Reading:
    paths = [g.path for g in draft.groups] + [f.path for f in draft.filters if f.path is not None]
    groups = describer.group_phrases(query)
    content = sum(s.kind not in (Kind.FUNCTION, Kind.AND) for s in cover.segments)
    draft.assume("Read as a change of the question before.")
    return Reading(
        query=query,
        shape=shape_of(query, len(groups)),
        chips=describer.chips(query),
        bound=tuple(draft.bound),
        assumptions=tuple(draft.assumptions),
        parts=parts_of(draft, paths, content, content, 1.0),
        score=score_of(draft, paths),
        title=describer.title(query),
        superlative=draft.extreme.word if draft.extreme is not None else "",
        subject=singular(groups[-1]) if groups else "",
        measure_phrases=tuple(describer.measure_phrase(m) for m in query.measures),
        coverage=coverage_of(query, lexicon),
    )
