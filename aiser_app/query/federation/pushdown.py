"""Which conditions of a query hold for every row of a table that can matter.

The query runs unchanged over what was read, so a condition found here only has to be true of all
rows that contribute to the answer. Found are parts of WHERE and ON, taken down through subqueries
and WITH queries; where a NULL row of an outer join, a LIMIT, a window or an aggregate stands between,
they stop. docs/decisions/0015-cross-source.md has the rules with their reasons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from aiser_app.query.federation.addresses import Reference, visible_cte
from aiser_app.query.federation.nulls import rejects_nulls
from aiser_app.query.federation.passing import passed_down
from aiser_app.query.federation.relations import Relation, Relations, find


@dataclass(frozen=True, slots=True)
class Filter:
    """Columns of the expression are those of one relation, without qualifiers."""

    expression: exp.Expr

    @property
    def columns(self) -> set[str]:
        return {column.name.casefold() for column in self.expression.find_all(exp.Column)}

    @property
    def rejects_nulls(self) -> bool:
        return rejects_nulls(self.expression)

    def renamed(self, names: dict[str, str]) -> Filter:
        copy = self.expression.copy()
        for column in list(copy.find_all(exp.Column)):
            renamed = exp.column(exp.to_identifier(names[column.name.casefold()], quoted=True))
            if column is copy:
                return Filter(renamed)
            column.replace(renamed)
        return Filter(copy)


@dataclass(frozen=True, slots=True)
class KeysOf:
    """`column` equals the value of `origin_column` in some row of `origin`."""

    column: str
    origin: Reference
    origin_column: str
    rejects_nulls: bool = True

    @property
    def columns(self) -> set[str]:
        return {self.column}

    def renamed(self, names: dict[str, str]) -> KeysOf:
        return KeysOf(names[self.column], self.origin, self.origin_column)


Fact: TypeAlias = Filter | KeysOf


class Pushdown:
    """Walks one query from the outside in; each WITH query after everything that reads it."""

    def __init__(self, root: exp.Query, references: list[Reference]) -> None:
        self.facts: dict[Reference, list[Fact]] = {reference: [] for reference in references}
        self._relations = Relations(references)
        self._uses: dict[int, list[list[Fact]]] = defaultdict(list)
        self._places: dict[int, int] = defaultdict(int)
        for table in root.find_all(exp.Table):
            cte = visible_cte(table)
            if cte is not None:
                self._places[id(cte)] += 1
        self._query(root, [])

    def _query(self, query: exp.Expr, incoming: list[Fact]) -> None:
        if isinstance(query, exp.Select):
            self._select(query, incoming)
        elif isinstance(query, exp.SetOperation):
            self._set_operation(query, incoming)
        elif isinstance(query, exp.Subquery) and isinstance(query.this, exp.Query):
            is_plain = not any(query.args.get(k) for k in ("limit", "offset", "joins", "sample"))
            self._query(query.this, incoming if is_plain else [])
            self._nested(query, skipping=[query.this])
        else:
            self._nested(query, skipping=[])
        clause = query.args.get("with_")
        if isinstance(clause, exp.With):
            is_recursive = bool(clause.args.get("recursive"))
            for cte in reversed(clause.expressions):
                self._query(cte.this, [] if is_recursive else self._of_all_uses(cte))

    def _of_all_uses(self, cte: exp.CTE) -> list[Fact]:
        """What holds for every place that reads a WITH query: one of what each of them says."""
        uses = self._uses[id(cte)]
        if len(uses) != self._places[id(cte)]:
            return []  # a place was not understood, and may need every row
        if len(uses) == 1:
            return uses[0]
        each = [[f.expression for f in use if isinstance(f, Filter)] for use in uses]
        if not all(each):
            return []
        return [Filter(exp.or_(*(exp.and_(*conditions) for conditions in each)))]

    def _set_operation(self, query: exp.SetOperation, incoming: list[Fact]) -> None:
        names = self._relations.outputs(query)
        is_plain = not (query.args.get("limit") or query.args.get("offset"))
        for side in (query.left, query.right):
            own = self._relations.outputs(side)
            facts: list[Fact] = []
            if names and own and len(own) == len(names) and is_plain:
                facts = _renamed_by_position(incoming, names, own)
            self._query(side, facts)
        self._nested(query, skipping=[query.left, query.right])

    def _select(self, select: exp.Select, incoming: list[Fact]) -> None:
        relations = self._relations.of(select)
        facts: dict[Relation, list[Fact]] = {relation: [] for relation in relations}
        for relation, fact in self._found(select, relations, incoming):
            facts[relation].append(fact)
        done: list[exp.Expr] = []
        for relation, own in facts.items():
            if relation.reference is not None:
                self.facts[relation.reference].extend(own)
            elif relation.cte is not None:
                self._uses[id(relation.cte)].append(own if relation.query is not None else [])
            elif relation.query is not None:
                self._query(relation.node, own)
            else:
                continue
            done.append(relation.node)
        self._nested(select, skipping=done)

    def _nested(self, query: exp.Expr, skipping: list[exp.Expr]) -> None:
        """Queries in expressions, and tables in places that are not understood: nothing is known."""
        skipped = {id(node) for node in skipping} | {id(query.args.get("with_"))}
        for node in query.walk(
            prune=lambda n: id(n) in skipped or (n is not query and isinstance(n, exp.Query))
        ):
            if node is not query and id(node) not in skipped and isinstance(node, exp.Query):
                self._query(node, [])

    def _found(
        self, select: exp.Select, relations: list[Relation], incoming: list[Fact]
    ) -> Iterator[tuple[Relation, Fact]]:
        last = len(relations) - 1
        where = select.args.get("where")
        for condition in conjuncts(where.this if where is not None else None):
            for relation, fact in self._facts(condition, relations):
                if _may_take(relation, fact, relations, last):
                    yield relation, fact
        for position, relation in enumerate(relations):
            yield from self._of_join(position, relation, relations)
        for fact in incoming:
            names = passed_down(select, fact.columns, relations)
            if names is not None:
                target, renamed = names[0], fact.renamed(names[1])
                if _may_take(target, renamed, relations, last):
                    yield target, renamed

    def _of_join(
        self, position: int, joined: Relation, relations: list[Relation]
    ) -> Iterator[tuple[Relation, Fact]]:
        """Conditions of one ON: of the sides whose rows without a match are dropped."""
        condition = joined.join.args.get("on") if joined.join is not None else None
        kind, before = joined.kind, relations[:position]
        if kind in ("UNKNOWN", "FULL"):
            return
        for part in [*conjuncts(condition), *_using(joined, before)]:
            for relation, fact in self._facts(part, relations[: position + 1]):
                is_right = relation is joined
                if is_right and kind != "RIGHT" and joined.is_plain:
                    yield relation, fact
                elif is_right or kind not in ("INNER", "RIGHT", "SEMI"):
                    continue
                elif _may_take(relation, fact, before, position - 1):
                    yield relation, fact

    def _facts(
        self, condition: exp.Expr, relations: list[Relation]
    ) -> Iterator[tuple[Relation, Fact]]:
        """What a condition says of single relations."""
        if condition.find(exp.Query) is not None:
            return
        columns = list(condition.find_all(exp.Column))
        meant = [find(column, relations) for column in columns]
        if None in meant or not columns:
            return
        if len(set(meant)) == 1:
            names = {column.name.casefold(): column.name for column in columns}
            yield meant[0], Filter(condition).renamed(names)  # type: ignore[misc]
        elif isinstance(condition, exp.EQ) and len(columns) == 2:
            sides = (condition.this, condition.expression)
            if all(isinstance(side, exp.Column) for side in sides):
                left, right = ((find(side, relations), side.name.casefold()) for side in sides)
                yield from self._keys(left, right)
                yield from self._keys(right, left)

    def _keys(
        self, target: tuple[Relation | None, str], source: tuple[Relation | None, str]
    ) -> Iterator[tuple[Relation, Fact]]:
        relation, column = target
        origin = self._origin(source[0], source[1])
        if relation is not None and origin is not None:
            yield relation, KeysOf(column, *origin)

    def _origin(self, relation: Relation | None, column: str) -> tuple[Reference, str] | None:
        """The column of a source's table whose values these are."""
        while relation is not None and relation.reference is None:
            query = relation.query
            if not isinstance(query, exp.Select):
                return None
            names = passed_down(query, {column}, self._relations.of(query), only_values=True)
            if names is None:
                return None
            relation, column = names[0], names[1][column]
        return (relation.reference, column) if relation and relation.reference else None


def _may_take(relation: Relation, fact: Fact, relations: list[Relation], last: int) -> bool:
    """Whether rows of `relation` that fail `fact` can be left out.

    `fact` is true of all rows that are kept of the join of `relations` up to `last`. Leaving out a
    row can turn its partner into a row with NULLs; the query drops that again when the fact is not
    true for NULLs.
    """
    if not relation.is_plain:
        return False
    own = relations.index(relation)
    after = relations[max(own, 1) : last + 1]
    if any(other.is_odd_join for other in after):
        return False
    makes_nulls = any(
        other.kind == "FULL" or other.kind == ("LEFT" if other is relation else "RIGHT")
        for other in after
    )
    return fact.rejects_nulls or not makes_nulls


def _using(joined: Relation, before: list[Relation]) -> Iterator[exp.Expr]:
    """USING (k) as the conditions that it stands for, where it is clear whose `k` is meant."""
    for name in joined.join.args.get("using") or () if joined.join is not None else ():
        left = find(exp.column(name.name), before)
        if left is not None and name.name.casefold() in (joined.columns or ()):
            yield exp.EQ(
                this=exp.column(name.name, table=left.alias),
                expression=exp.column(name.name, table=joined.alias),
            )


def _renamed_by_position(
    facts: list[Fact], names: tuple[str, ...], own: tuple[str, ...]
) -> list[Fact]:
    found: list[Fact] = []
    for fact in facts:
        columns = fact.columns
        if all(names.count(column) == 1 for column in columns):
            mapping = {column: own[names.index(column)] for column in columns}
            if all(own.count(name) == 1 for name in mapping.values()):
                found.append(fact.renamed(mapping))
    return found


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that AND joins."""
    if condition is None:
        return
    if isinstance(condition, exp.Paren):
        yield from conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    else:
        yield condition
