"""What a catalog's rows become."""

from __future__ import annotations

from typing import Any

import pytest

from aiser_app.query.engines.warehouses.catalog import CatalogQueries, column_type, read_catalog

FULL = CatalogQueries(columns="columns", tables="tables", views="views", keys="keys")
ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "columns": [
        ("dbo", "people", "id", "bigint", "Number"),
        ("dbo", "people", "name", "nvarchar", None),
        ("sales", "orders", "total", "decimal(10,2)", None),
    ],
    "tables": [
        ("dbo", "people", "BASE TABLE", "12", "Who came"),
        ("dbo", "tall", "VIEW", None, None),
        ("sales", "orders", "TABLE", 0, None),
        ("dbo", "odd.name", "TABLE", None, None),
    ],
    "views": [("dbo", "tall", "CREATE VIEW dbo.tall AS\n SELECT * FROM people;")],
    "keys": [
        ("dbo", "people", "pk", "id", True),
        ("dbo", "people", "by_name", "name", 0),
        ("dbo", "people", "by_name", "id", 0),
    ],
}


def test_everything_is_put_together() -> None:
    tables = {table.name: table for table in read_catalog(ANSWERS.__getitem__, FULL, "DBO")}
    assert set(tables) == {"people", "tall", "sales.orders", "dbo.odd.name"}
    people = tables["people"]
    assert [(c.name, c.type, c.description) for c in people.columns] == [
        ("id", "integer", "Number"),
        ("name", "string", ""),
    ]
    assert people.primary_key == ("id",)
    assert set(people.indexes) == {("id",), ("name", "id")}
    assert people.row_estimate == 12
    assert people.description == "Who came"
    assert tables["tall"].is_view
    assert tables["tall"].definition == "SELECT * FROM people"
    assert tables["sales.orders"].row_estimate == 0


def test_a_catalog_may_know_less() -> None:
    plain = CatalogQueries(columns="columns", tables="tables")
    tables = read_catalog(ANSWERS.__getitem__, plain, "")
    assert all(not table.indexes and not table.definition for table in tables)


def test_a_definition_that_is_a_select_stays() -> None:
    answers = {**ANSWERS, "views": [("dbo", "tall", "SELECT 1 AS a")]}
    tables = {table.name: table for table in read_catalog(answers.__getitem__, FULL, "dbo")}
    assert tables["tall"].definition == "SELECT 1 AS a"


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("NUMBER(38,0)", "integer"),
        ("NUMBER(10,2)", "decimal"),
        ("numeric", "decimal"),
        ("BIGNUMERIC", "decimal"),
        ("decimal(5)", "decimal"),
        ("money", "decimal"),
        ("INT64", "integer"),
        ("bigint", "integer"),
        ("tinyint", "integer"),
        ("byteint", "integer"),
        ("FLOAT64", "number"),
        ("double precision", "number"),
        ("real", "number"),
        ("bit", "boolean"),
        ("BOOL", "boolean"),
        ("DATE", "date"),
        ("datetime2", "timestamp"),
        ("timestamp(3) with time zone", "timestamp"),
        ("TIMESTAMP_NTZ", "timestamp"),
        ("time", "string"),
        ("array(bigint)", "json"),
        ("ARRAY<STRUCT<a INT64>>", "json"),
        ("VARIANT", "json"),
        ("varchar(10)", "string"),
        ("interval day to second", "string"),
        ("uniqueidentifier", "string"),
    ],
)
def test_names_of_types(native: str, kind: str) -> None:
    assert column_type(native) == kind
