"""A small shop with every trap: roles, chains, parallel ways, missing partners, text in odd case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from aiser_app.domain.semantic_model import SemanticModel
from aiser_app.domain.semantic_query import DimensionRef, Filter, FilterOperator, SemanticQuery
from aiser_app.semantic.compiler import CompiledQuery, compile_query

SHOP = (
    "CREATE TABLE regions (region_id INTEGER PRIMARY KEY, name VARCHAR)",
    "INSERT INTO regions VALUES (1, 'North'), (2, 'South'), (3, 'Nowhere')",
    "CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name VARCHAR, region_id INTEGER "
    "REFERENCES regions (region_id), vip BOOLEAN, since DATE)",
    "INSERT INTO customers VALUES (1, 'Ada', 1, true, DATE '2020-01-31'), "
    "(2, 'Bob', 2, false, DATE '2021-06-30'), (3, 'O''Neil 50%_!', NULL, NULL, NULL), "
    "(4, 'ada lovelace', 1, true, DATE '2022-03-01')",
    "CREATE TABLE stores (store_id INTEGER PRIMARY KEY, name VARCHAR, region_id INTEGER REFERENCES "
    "regions (region_id))",
    "INSERT INTO stores VALUES (10, 'Main', 1), (20, 'Side', 2)",
    "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, buyer_id INTEGER REFERENCES customers "
    "(customer_id), payer_id INTEGER REFERENCES customers (customer_id), store_id INTEGER REFERENCES "
    'stores (store_id), "order" VARCHAR, amount DECIMAL(10, 2), weight_kg DOUBLE, placed TIMESTAMP)',
    "INSERT INTO orders VALUES "
    "(100, 1, 1, 10, 'a', 10.50, 1.0, TIMESTAMP '2024-01-31 23:59:59'), "
    "(101, 1, 2, 10, 'b', 20.00, 2.0, TIMESTAMP '2024-02-01 00:00:00'), "
    "(102, 2, 2, 20, 'a', -5.25, NULL, TIMESTAMP '2024-02-29 12:00:00'), "
    "(103, NULL, 1, 20, NULL, 7.00, 4.0, NULL), "
    "(104, 4, 4, NULL, 'c', 20.00, 0.5, TIMESTAMP '2023-12-31 08:00:00'), "
    "(105, 3, 3, 10, 'c', NULL, 3.0, TIMESTAMP '2024-03-01 00:00:00')",
    "CREATE TABLE lonely (id INTEGER, size INTEGER)",
    "INSERT INTO lonely VALUES (1, 5)",
)


@dataclass(frozen=True)
class Shop:
    """The shop's model and a connection to its data."""

    model: SemanticModel
    connection: duckdb.DuckDBPyConnection

    def compile(self, **parts: Any) -> CompiledQuery:
        return compile_query(
            SemanticQuery(**parts), self.model, dialect="duckdb", default_limit=1_000
        )

    def rows(self, **parts: Any) -> list[tuple[Any, ...]]:
        compiled = self.compile(**parts)
        cursor = self.connection.cursor()
        cursor.execute(compiled.sql)
        names = [item[0] for item in cursor.description]
        assert names == [column.name for column in compiled.columns]
        return cursor.fetchall()

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """What a person would have written by hand."""
        return self.connection.cursor().execute(text).fetchall()


def by(*members: str) -> tuple[DimensionRef, ...]:
    """Dimensions; `role>cube.member` names the role."""
    found = []
    for member in members:
        role, _, name = member.rpartition(">")
        found.append(DimensionRef(member=name, role=role))
    return tuple(found)


def where(member: str, operator: str, *values: str, role: str = "") -> Filter:
    return Filter(member=member, operator=FilterOperator(operator), values=values, role=role)
