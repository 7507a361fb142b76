"""Random but valid analytical queries over two tables, each made from a number that is drawn.

`t(id, region, amount, secret)` and `u(id, t_id, region, amount)` are read in every position that the
guard must think of: joins, comma joins, self joins, common table expressions (nested and recursive),
derived tables, set operations, correlated and scalar subqueries, EXISTS, IN, aggregates, windows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import strategies as st

TABLES = {
    "t": {"id": "int", "region": "text", "amount": "int", "secret": "text"},
    "u": {"id": "int", "t_id": "int", "region": "text", "amount": "int"},
}
REGIONS = ("EU", "US", "APAC", None)
CANARY = "CANARY"


def rows_of(table: str) -> list[tuple[object, ...]]:
    """The same small rows in every run, with NULLs, doubles and rows without partner."""
    chance = random.Random(table)
    rows: list[tuple[object, ...]] = []
    for number in range(12):
        region = REGIONS[number % len(REGIONS)]
        amount = None if number % 5 == 0 else chance.randrange(0, 6)
        if table == "t":
            rows.append((number, region, amount, f"{CANARY}-{number % 3}-{number}"))
        else:
            rows.append((number, number % 7, region, amount))
    return rows


@dataclass(slots=True)
class Scope:
    """What a query part may name."""

    chance: random.Random
    ctes: dict[str, dict[str, str]] = field(default_factory=dict)
    outer: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    made: list[int] = field(default_factory=lambda: [0])

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def number(self, low: int, high: int) -> int:
        return self.chance.randint(low, high)

    def maybe(self, times_in_ten: int = 5) -> bool:
        return self.chance.randrange(10) < times_in_ten

    def name(self) -> str:
        self.made[0] += 1
        return f"n{self.made[0]}"

    def inside(self, sources: list[tuple[str, dict[str, str]]]) -> Scope:
        return Scope(self.chance, dict(self.ctes), [*self.outer, *sources], self.made)

    def apart(self) -> Scope:
        """Derived tables do not see the columns around them."""
        return Scope(self.chance, dict(self.ctes), [], self.made)


Columns = dict[str, str]
Source = tuple[str, Columns]


def queries() -> st.SearchStrategy[str]:
    """Drawing every word by itself would take longer than running the query."""
    return st.integers(0, 2**48).map(lambda seed: _query(Scope(random.Random(seed)), depth=2)[0])


def _query(scope: Scope, depth: int, kinds: list[str] | None = None) -> tuple[str, Columns]:
    clause = ""
    if depth and scope.maybe(4):
        clause = _with(scope, depth)
    sql, columns = _select(scope, depth, kinds)
    if depth and scope.maybe(3):
        operator = scope.pick("UNION ALL", "UNION", "EXCEPT", "INTERSECT")
        other, _ = _select(scope, depth - 1, list(columns.values()))
        sql = f"{sql} {operator} {other}"
    return clause + sql, columns


def _with(scope: Scope, depth: int) -> str:
    parts = []
    for _ in range(scope.number(1, 2)):
        sql, columns = _query(scope.apart(), depth - 1)
        name = scope.name()
        scope.ctes[name] = columns
        parts.append(f"{name} AS ({sql})")
    if scope.maybe(2):
        name = scope.name()
        table = scope.pick("t", "u")
        parts.append(
            f"{name} AS (SELECT min(id) AS k FROM {table} UNION ALL "
            f"SELECT k + 1 FROM {name} WHERE k < (SELECT count(*) FROM {table}))"
        )
        scope.ctes[name] = {"k": "int"}
        return f"WITH RECURSIVE {', '.join(parts)} "
    return f"WITH {', '.join(parts)} "


def _source(scope: Scope, depth: int) -> tuple[str, Source]:
    alias = scope.name()
    choice = scope.pick("table", "table", "table", "derived", "cte")
    if choice == "derived" and depth:
        sql, columns = _query(scope.apart(), depth - 1)
        return f"({sql}) AS {alias}", (alias, columns)
    if choice == "cte" and scope.ctes:
        name = scope.pick(*scope.ctes)
        return f"{name} AS {alias}", (alias, scope.ctes[name])
    table = scope.pick(*TABLES)
    spelled = scope.pick(
        table, table.upper(), f'"{table}"', f"main.{table}", f'MAIN."{table.upper()}"'
    )
    word = scope.pick(" AS ", " ")
    return f"{spelled}{word}{alias}", (alias, TABLES[table])


def _from(scope: Scope, depth: int) -> tuple[str, list[Source]]:
    if scope.maybe(2):
        # Without an alias, so that columns are named by table or by schema and table.
        table = scope.pick(*TABLES)
        spelled = scope.pick(table, table.upper(), f"main.{table}")
        before = scope.pick(table, f"main.{table}" if spelled.startswith("main") else table)
        return spelled, [(before, TABLES[table])]
    sql, first = _source(scope, depth)
    sources = [first]
    for _ in range(scope.number(0, 2)):
        text, source = _source(scope, depth)
        join = scope.pick("JOIN", "LEFT JOIN", "CROSS JOIN", ",")
        if join == ",":
            sql = f"{sql}, {text}"
        elif join == "CROSS JOIN":
            sql = f"{sql} CROSS JOIN {text}"
        else:
            condition = _predicate(scope.inside([*sources, source]), 0)
            sql = f"{sql} {join} {text} ON {condition}"
        sources.append(source)
        if len(sources) == 3 or join in (",", "CROSS JOIN"):
            break
    return sql, sources


def _select(scope: Scope, depth: int, kinds: list[str] | None) -> tuple[str, Columns]:
    text, sources = _from(scope, depth)
    inner = scope.inside(sources)
    wanted = kinds or [scope.pick("int", "text") for _ in range(scope.number(1, 3))]
    where = f" WHERE {_predicate(inner, depth)}" if scope.maybe(6) else ""
    if scope.maybe(4):
        return _grouped(scope, inner, text, where, wanted)
    names = {scope.name(): kind for kind in wanted}
    items = ", ".join(f"{_value(inner, kind, depth)} AS {n}" for n, kind in names.items())
    distinct = "DISTINCT " if scope.maybe(2) else ""
    return f"SELECT {distinct}{items} FROM {text}{where}", names


def _grouped(
    scope: Scope, inner: Scope, text: str, where: str, wanted: list[str]
) -> tuple[str, Columns]:
    key = _column(inner, scope.pick("int", "text"))
    names = {scope.name(): kind for kind in wanted}
    items = ", ".join(f"{_aggregate(inner, kind)} AS {name}" for name, kind in names.items())
    having = f" HAVING count(*) > {scope.number(0, 2)}" if scope.maybe(3) else ""
    group = f" GROUP BY {key}" if "." in key and scope.maybe(7) else ""
    return f"SELECT {items} FROM {text}{where}{group}{having if group else ''}", names


def _column(scope: Scope, kind: str) -> str:
    found = [f"{alias}.{name}" for alias, cs in scope.outer for name, k in cs.items() if k == kind]
    return scope.pick(*found) if found else _literal(scope, kind)


def _literal(scope: Scope, kind: str) -> str:
    if kind == "int":
        return str(scope.number(0, 5))
    return scope.pick("'EU'", "'US'", f"'{CANARY}-1-1'", "'it''s'", "''")


def _value(scope: Scope, kind: str, depth: int) -> str:
    choice = scope.pick("column", "column", "literal", "made", "case", "scalar")
    if choice == "literal":
        return _literal(scope, kind)
    if choice == "made":
        left, right = _column(scope, kind), _column(scope, kind)
        if kind == "int":
            return f"({left} {scope.pick('+', '-', '*')} {right})"
        return scope.pick(f"upper({left})", f"({left} || {right})", f"coalesce({left}, {right})")
    if choice == "case":
        condition = _predicate(scope, 0)
        return f"CASE WHEN {condition} THEN {_column(scope, kind)} ELSE {_literal(scope, kind)} END"
    if choice == "scalar" and depth:
        return _scalar(scope, kind)
    return _column(scope, kind)


def _scalar(scope: Scope, kind: str) -> str:
    table, alias = scope.pick(*TABLES), scope.name()
    inner = scope.inside([(alias, TABLES[table])])
    value = f"{alias}.{'amount' if kind == 'int' else 'region'}"
    return f"(SELECT max({value}) FROM {table} AS {alias} WHERE {_predicate(inner, 0)})"


def _aggregate(scope: Scope, kind: str) -> str:
    if kind == "text":
        return f"{scope.pick('min', 'max')}({_column(scope, 'text')})"
    number = _column(scope, "int")
    return scope.pick(
        "count(*)",
        f"count({number})",
        f"sum({number})",
        f"count(DISTINCT {number})",
        f"max({number})",
    )


def _predicate(scope: Scope, depth: int) -> str:
    choices = ["compare", "compare", "text", "null", "in", "between", "and", "or", "not"]
    choice = scope.pick(*choices, *(["exists", "in_query"] if depth else []))
    if choice in ("and", "or"):
        left, right = _simple(scope), _simple(scope)
        return f"({left} {choice.upper()} {right})"
    if choice == "not":
        return f"NOT {_simple(scope)}"
    if choice in ("exists", "in_query"):
        table, alias = scope.pick(*TABLES), scope.name()
        inner = scope.inside([(alias, TABLES[table])])
        body = f"FROM {table} AS {alias} WHERE {_simple(inner)}"
        if choice == "exists":
            return f"{scope.pick('', 'NOT ')}EXISTS (SELECT 1 {body})"
        return (
            f"{_column(scope, 'int')} {scope.pick('IN', 'NOT IN')} (SELECT {alias}.amount {body})"
        )
    return _simple(scope)


def _simple(scope: Scope) -> str:
    choice = scope.pick("compare", "text", "null", "in", "between", "like")
    number, text = _column(scope, "int"), _column(scope, "text")
    if choice == "compare":
        return f"({number} {scope.pick('=', '<', '>', '<>', '<=')} {_column(scope, 'int')})"
    if choice == "text":
        return f"({text} {scope.pick('=', '<>', '<')} {_literal(scope, 'text')})"
    if choice == "null":
        return f"({text} IS {scope.pick('', 'NOT ')}NULL)"
    if choice == "in":
        return f"({number} IN ({_literal(scope, 'int')}, {_literal(scope, 'int')}))"
    if choice == "like":
        return f"({text} LIKE {scope.pick(repr('%A%'), repr(CANARY + '%'), repr('E_'))})"
    return f"({number} BETWEEN {_literal(scope, 'int')} AND {_literal(scope, 'int')})"
