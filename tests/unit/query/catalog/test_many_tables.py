"""Five thousand tables of thirty columns: links, ranks and a model, without trying every pair."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from aiser_app.domain.catalog import Catalog, TableProfile
from aiser_app.domain.table_importance import rank_tables
from aiser_app.query.catalog.candidates import MAX_HOMONYMS, named_candidates
from aiser_app.query.catalog.composites import MAX_SHARING, composite_pairs
from aiser_app.query.catalog.profile import plain_table
from aiser_app.query.catalog.sampled_links import named_links
from aiser_app.semantic.inference import MAX_TABLES, infer_model
from tests.unit.query.catalog.engines import a_table

TABLES = 5_000
SECONDS = 60.0
"""Generous: it takes three on an idle machine, and trying every pair takes hours."""
OTHERS = [f"fact_{number} NUMERIC" for number in range(26)]


def a_profile(name: str, key: str, *columns: str, rows: int = 1_000) -> TableProfile:
    return plain_table(
        a_table(name, f"{key} INTEGER", *columns, *OTHERS, primary_key=(key,), rows=rows)
    )


def chain(number: int) -> TableProfile:
    """Each refers to the next one."""
    return a_profile(f"thing_{number}", "id", f"thing_{number + 1}_id INTEGER", rows=number)


def tenants(number: int) -> TableProfile:
    """A hundred schemas with the same fifty tables, each of which refers to the next one."""

    def kind(table: int) -> str:
        return f"kind{'bcdfg'[table // 10]}{'bcdfghjkmn'[table % 10]}"

    schema, table = divmod(number, 50)
    return a_profile(f"t{schema}.{kind(table)}s", "id", f"{kind((table + 1) % 50)}_id INTEGER")


def extensions(number: int) -> TableProfile:
    """Tables that share one key, and one that owns it."""
    return a_profile("customers" if not number else f"customer_facts_{number}", "customer_id")


def crowd(number: int) -> TableProfile:
    """Very many tables with the same last word, and columns that could mean any of them."""
    return a_profile(f"x{number}y_orders", "id", "order_id INTEGER", "last_order INTEGER")


@pytest.mark.parametrize(
    ("make", "expected"),
    [(chain, TABLES - 1), (tenants, TABLES), (extensions, TABLES - 1), (crowd, 0)],
)
def test_links_ranks_and_model_take_seconds(
    make: Callable[[int], TableProfile], expected: int
) -> None:
    tables = tuple(make(number) for number in range(TABLES))
    started = time.perf_counter()
    links = named_links(tables)
    catalog = Catalog(source_id="s", tables=tables, links=links)
    assert len(rank_tables(catalog)) == TABLES
    model = infer_model("s", catalog)
    seconds = time.perf_counter() - started
    print(f"{make.__name__}: {TABLES} tables in {seconds:.1f} s")
    assert seconds < SECONDS
    assert len(links) == expected
    assert len(model.cubes) == MAX_TABLES
    # Chosen with what they refer to: a model of tables that nothing connects is of little use.
    assert sum(len(cube.joins) for cube in model.cubes) >= (MAX_TABLES // 2 if expected else 0)


def test_with_very_many_keys_of_one_name_links_stay_in_their_schema() -> None:
    tables = [
        a_profile(f"{schema}.customers", "id")
        for schema in (f"s{number}" for number in range(MAX_HOMONYMS + 1))
    ]
    orders = [a_profile("s3.orders", "id", "customer_id INTEGER"),
              a_profile("orders", "id", "customer_id INTEGER")]  # fmt: skip
    found = {(item.table.name, item.target.name) for item in named_candidates(tables + orders)}
    assert found == {("s3.orders", "s3.customers")}
    few = {(item.table.name, item.target.name) for item in named_candidates(tables[:2] + orders)}
    assert len(few) == 4


def test_of_very_many_keys_of_one_name_the_owner_s_is_meant() -> None:
    tables = [a_profile(f"part_{chr(97 + n)}", "customer_id", rows=n) for n in range(12)]
    facts = a_profile("facts", "id", "customer_id INTEGER")
    without_owner = {item.target.name for item in named_candidates([*tables, facts])
                     if item.table is facts}  # fmt: skip
    assert without_owner == {f"part_{chr(97 + n)}" for n in range(4, 12)}
    owner = a_profile("customers", "customer_id")
    found = [item.target.name for item in named_candidates([*tables, owner, facts])
             if item.table is facts]  # fmt: skip
    assert found == ["customers"]


def test_the_own_schema_is_preferred() -> None:
    tables = (
        a_profile("customers", "id", rows=10**6),
        a_profile("crm.customers", "id"),
        a_profile("crm.orders", "id", "customer_id INTEGER"),
    )
    assert [(link.table, link.target) for link in named_links(tables)] == [
        ("crm.orders", "crm.customers")
    ]


def test_a_table_named_by_nothing_is_no_target_of_every_id() -> None:
    tables = (a_profile("dim", "id"), a_profile("facts", "id", "customer_id INTEGER"))
    assert named_links(tables) == ()


def test_a_column_that_very_many_share_makes_no_compound_keys() -> None:
    tables = [
        plain_table(a_table(f"t{number}", "tenant", "day DATE"))
        for number in range(MAX_SHARING + 1)
    ]
    assert list(composite_pairs(tables)) == []
    assert len(list(composite_pairs(tables[:3]))) == 6
