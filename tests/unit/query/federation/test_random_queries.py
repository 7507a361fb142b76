"""Queries made by chance, always the same ones: no shape of query may lose or invent a row."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.unit.query.federation.builders import Both, both

ORDERS = {
    "id": ["{} > 150", "{} IN (3, 7, 150, 199)", "{} % 3 = 0", "{} <> 7"],
    "customer_id": [
        "{} = 4",
        "{} IS NULL",
        "{} IS NOT NULL",
        "{} >= 9",
        "NOT ({} BETWEEN 3 AND 8)",
    ],
    "amount": ["{} > 100.5", "{} < 60", "coalesce({}, 0) < 30", "{} IS NULL", "{} = 30"],
    "status": ["{} = 'open'", "{} <> 'paid'", "{} IS NULL", "{} LIKE 'O%'", "{} NOT IN ('paid')"],
    "placed": ["{} < DATE '2024-03-01'", "year({}) = 2025", "{} >= '2024-12-01'"],
    "is_open": ["{}", "NOT {}", "{} IS NULL"],
}
CUSTOMERS = {
    "id": ["{} < 12", "{} IN (1, 2, 5)", "{} > 3", "{} IS NULL"],
    "country": ["{} = 'DE'", "{} IS NULL", "{} <> 'FR'", "coalesce({}, 'x') = 'x'"],
    "name": ["{} LIKE 'name 1%'", "length({}) > 6", "{} >= 'name 2'"],
    "orders": ["{} = 1", "{} <> 2 OR {} IS NULL"],
}
JOINS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN")


class Maker:
    """Writes one query over two or three tables."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def query(self) -> str:
        orders, customers = self._relation("sales.orders"), self._relation("crm.customers")
        first, second = ("o", orders), ("c", customers)
        if self._random.random() < 0.5:
            first, second = second, first
        join = self._random.choice(JOINS)
        visible = [first[0]] if join in ("SEMI JOIN", "ANTI JOIN") else ["o", "c"]
        on = " AND ".join(["o.customer_id = c.id", *self._conditions(["o", "c"], 1)])
        sql = f"FROM {first[1]} AS {first[0]} {join} {second[1]} AS {second[0]} ON {on}"
        if len(visible) == 2 and self._random.random() < 0.4:
            third = self._random.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
            sql += f" {third} sales.items AS i ON i.order_id = o.id"
            sql += self._random.choice(("", " AND i.quantity > 5", " AND c.country = 'DE'"))
        where = self._conditions(visible, 2)
        if where:
            sql += f" WHERE {self._random.choice((' AND ', ' OR ')).join(where)}"
        return f"SELECT {self._columns(visible)} {sql}"

    def _columns(self, visible: list[str]) -> str:
        names = {"o": ["o.id", "o.amount", "o.status"], "c": ["c.id", "c.country"]}
        listed = [name for alias in visible for name in names[alias]]
        if self._random.random() < 0.3:
            return f"count(*), count({listed[0]}), min({listed[1]})"
        return "*" if self._random.random() < 0.3 else ", ".join(listed)

    def _conditions(self, aliases: list[str], most: int) -> list[str]:
        return [self._condition(self._random.choice(aliases)) for _ in range(self._number(most))]

    def _number(self, most: int) -> int:
        return self._random.randint(0, most)

    def _condition(self, alias: str) -> str:
        column, forms = self._random.choice(list((ORDERS if alias == "o" else CUSTOMERS).items()))
        return "(" + self._random.choice(forms).replace("{}", f"{alias}.{column}") + ")"

    def _relation(self, table: str) -> str:
        """The table, or a subquery over it."""
        columns = ORDERS if table == "sales.orders" else CUSTOMERS
        names = ", ".join(columns)
        column, forms = self._random.choice(list(columns.items()))
        condition = self._random.choice(forms).replace("{}", column)
        return self._random.choice(
            (
                table,
                table,
                f"(SELECT * FROM {table} WHERE {condition})",
                f"(SELECT {names} FROM {table})",
                f"(SELECT DISTINCT {names} FROM {table})",
                f"(SELECT {names} FROM {table} WHERE {condition} UNION ALL SELECT {names} FROM {table})",
                f"(SELECT {names} FROM {table} EXCEPT SELECT {names} FROM {table} WHERE {condition})",
                f"(SELECT {names} FROM {table} ORDER BY id LIMIT 40)",
                f"(SELECT {names}, count(*) AS n FROM {table} GROUP BY {names})",
                f"(SELECT {names}, CAST(sum(id) OVER (PARTITION BY {column}) AS INT) AS n FROM {table})",
                f"(WITH w AS (SELECT * FROM {table}) SELECT * FROM w WHERE {condition} "
                f"UNION ALL SELECT * FROM w WHERE id = 8)",
            )
        )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both(tmp_path_factory.mktemp("random")) as found:
        yield found


@pytest.mark.parametrize("start", range(0, 120, 10))
def test_no_shape_of_query_changes_the_answer(two: Both, start: int) -> None:
    for seed in range(start, start + 10):
        sql = Maker(seed).query()
        assert Counter(map(repr, two.rows(sql))) == Counter(map(repr, two.expected(sql))), sql
