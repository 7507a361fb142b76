"""Tables for the guard: names for nothing, the rest of a table when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aiser_app.domain.catalog import ColumnProfile, TableProfile
from aiser_app.domain.policy import GrantedTable
from aiser_app.query.catalog import GrantedTables, GrantedTablesCache, granted


class Loading:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, names: Sequence[str]) -> Sequence[GrantedTable]:
        self.asked.append(list(names))
        return [GrantedTable(name=name, columns=("id",)) for name in names if name != "gone"]


def test_a_table_is_loaded_when_it_is_asked_for_once() -> None:
    load = Loading()
    tables = GrantedTables((f"t{number}" for number in range(5_000)), load)
    assert len(tables) == 5_000
    assert list(tables)[:2] == ["t0", "t1"]
    assert "t7" in tables
    assert "nothing" not in tables
    assert tables.get("nothing") is None
    assert load.asked == []
    assert tables["t7"].columns == ("id",)
    assert tables["t7"] is tables["t7"]
    assert load.asked == [["t7"]]
    with pytest.raises(KeyError):
        tables["nothing"]


def test_several_are_loaded_at_once() -> None:
    load = Loading()
    tables = GrantedTables(["a", "b", "c"], load)
    tables.load(["a", "b", "unknown"])
    tables.load(["a"])
    assert load.asked == [["a", "b"]]


def test_a_table_that_is_gone_may_read_anything() -> None:
    table = GrantedTables(["gone"], Loading())["gone"]
    assert (table.is_view, table.depends_on, table.columns) == (True, None, ())


def test_a_version_is_kept_until_a_newer_one_comes() -> None:
    made: list[str] = []

    def make(name: str) -> GrantedTables:
        made.append(name)
        return GrantedTables([name], Loading())

    cache = GrantedTablesCache(kept=2)
    first = cache.get("s1", "1", lambda: make("a"))
    assert cache.get("s1", "1", lambda: make("b")) is first
    cache.get("s1", "2", lambda: make("c"))
    cache.get("s1", "1", lambda: make("d"))
    assert made == ["a", "c", "d"]
    cache.get("s2", "1", lambda: make("e"))
    cache.get("s3", "1", lambda: make("f"))
    cache.get("s1", "1", lambda: make("g"))
    assert made[-1] == "g"


def test_what_the_guard_knows_of_a_table() -> None:
    table = TableProfile(
        name="v",
        row_count=5,
        columns=(ColumnProfile(name="a", type="integer"), ColumnProfile(name="b", type="string")),
        is_view=True,
        depends_on=("orders",),
    )
    assert granted(table) == GrantedTable(
        name="v",
        columns=("a", "b"),
        column_types={"a": "integer", "b": "string"},
        row_estimate=5,
        is_view=True,
        depends_on=("orders",),
    )
