"""Which tables come first where there is no room for all."""

from __future__ import annotations

from aiser_app.domain.catalog import Catalog, KeyLink, TableProfile
from aiser_app.domain.table_importance import choose_tables, rank_tables


def a_table(name: str, rows: int = 1_000, *, is_view: bool = False) -> TableProfile:
    return TableProfile(name=name, row_count=rows, columns=(), is_view=is_view)


def a_link(table: str, target: str) -> KeyLink:
    return KeyLink(
        table=table, target=target, columns=(("x", "id"),), name_score=1.0, containment=1.0
    )


def a_catalog(tables: list[TableProfile], *links: KeyLink) -> Catalog:
    return Catalog(source_id="s", tables=tuple(tables), links=links, statements=3, notes=("n",))


def names(catalog: Catalog) -> list[str]:
    return [table.name for table in rank_tables(catalog)]


def test_facts_and_their_dimensions_come_before_what_stands_alone() -> None:
    catalog = a_catalog(
        [a_table("lonely", 10_000), a_table("sales", 10_000), a_table("shops", 50)],
        a_link("sales", "shops"),
        a_link("sales", "sales"),
    )
    assert names(catalog) == ["sales", "lonely", "shops"]


def test_scaffolding_parts_and_views_come_last() -> None:
    tables = [
        a_table("orders_tmp"), a_table("orders_2024_01"), a_table("orders"), a_table("_orders"),
        a_table("archive.orders"), a_table("alone_2024"), a_table("recent", is_view=True),
        a_table("audit_log"), a_table("sales.parts"), a_table("sales.parts_p17"),
    ]  # fmt: skip
    ranked = names(a_catalog(tables))
    assert ranked[:2] == ["orders", "sales.parts"]
    assert set(ranked[2:5]) == {"_orders", "alone_2024", "recent"}
    assert set(ranked[-2:]) == {"orders_2024_01", "sales.parts_p17"}


def test_larger_tables_first_and_ties_by_name() -> None:
    tables = [a_table("b", 10), a_table("a", 10), a_table("c", 1_000_000), a_table("d", -1)]
    assert names(a_catalog(tables)) == ["c", "a", "b", "d"]


def test_what_fits_is_left_as_it_is() -> None:
    catalog = a_catalog([a_table("a"), a_table("b")])
    assert choose_tables(catalog, 2) is catalog


def test_a_fact_brings_its_dimensions() -> None:
    tables = [a_table("big", 10**9), a_table("facts", 10**6), a_table("tiny", 3), a_table("other")]
    catalog = a_catalog(tables, a_link("facts", "tiny"), a_link("other", "big"))
    chosen = choose_tables(catalog, 3)
    assert [table.name for table in chosen.tables] == ["big", "facts", "tiny"]
    assert chosen.links == (a_link("facts", "tiny"),)
    assert (chosen.source_id, chosen.statements, chosen.notes) == ("s", 3, ("n",))
    assert len(choose_tables(catalog, 1).tables) == 1
