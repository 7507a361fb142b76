"""What two readings of a catalog differ in, and how it is said."""

from __future__ import annotations

from aiser_app.domain.catalog_changes import CatalogChanges, compare

OLD = {"orders": {"id": "INTEGER", "note": "TEXT"}, "gone": {"id": "INTEGER"}}


def test_nothing_changed() -> None:
    changes = compare(OLD, OLD)
    assert changes == CatalogChanges()
    assert changes.is_empty
    assert changes.in_words() == ()


def test_every_kind_of_change_has_its_words() -> None:
    new = {
        "orders": {"id": "BIGINT", "paid": "BOOLEAN", "at": "DATE"},
        "b": {"id": "INTEGER"},
        "a": {"id": "INTEGER"},
    }
    changes = compare(OLD, new)
    assert not changes.is_empty
    assert changes == CatalogChanges(
        tables_added=("a", "b"),
        tables_removed=("gone",),
        columns_added=("orders.at", "orders.paid"),
        columns_removed=("orders.note",),
        retyped=(("orders.id", "INTEGER", "BIGINT"),),
    )
    assert changes.in_words() == (
        "2 new tables: a, b.",
        "1 table is gone: gone.",
        "2 new columns: orders.at, orders.paid.",
        "1 column is gone: orders.note.",
        "1 column changed its type: orders.id from INTEGER to BIGINT.",
    )


def test_many_names_are_not_all_spelled_out() -> None:
    changes = compare({}, {f"t{number:04}": {} for number in range(5_000)})
    assert changes.in_words() == (
        "5,000 new tables: t0000, t0001, t0002, t0003, t0004 and 4,995 more.",
    )
