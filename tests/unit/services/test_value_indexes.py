"""What planners get of the values: by members of a model, within what the actor may know."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.policy import (
    NO_POLICIES,
    ColumnMask,
    GrantedTable,
    MaskKind,
    Policies,
    RowPolicy,
)
from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType, SemanticModel
from aiser_app.query.catalog import GrantedTables
from aiser_app.query.request import QuerySource
from aiser_app.query.value_index.building import write_values
from aiser_app.services import value_indexes
from aiser_app.services.value_indexes import ValueIndexes

SOURCE = "1" * 32


def dimension(name: str, **facts: Any) -> Dimension:
    return Dimension(
        **{"name": name, "column": name, "type": DimensionType.STRING, "title": name, **facts}
    )


MODEL = SemanticModel(
    source_id=SOURCE,
    cubes=(
        Cube(name="deals", table="orders", title="Deals", dimensions=(
            dimension("city"), dimension("state", column="status"),
            dimension("quiet", column="quiet", is_hidden=True),
            dimension("made", column="", sql="lower({CUBE}.city)"),
            dimension("count", type=DimensionType.NUMBER),
        )),
        Cube(name="other", table="orders", title="Other", dimensions=(dimension("town", column="city"),)),
        Cube(name="v", table="view", title="V", dimensions=(dimension("city"),)),
        Cube(name="bridge", table="bridge", title="B", is_hidden=True, dimensions=(dimension("city"),)),
        Cube(name="sql", table="", sql="SELECT 1", title="S", dimensions=(dimension("city"),)),
    ),
)  # fmt: skip
COLUMNS = [
    (table, column, [("Kyoto", 3)])
    for table, column in (("orders", "city"), ("orders", "status"), ("orders", "quiet"),
                          ("orders", "count"), ("view", "city"), ("bridge", "city"))
]  # fmt: skip
TABLES = {
    "orders": GrantedTable(name="orders"),
    "view": GrantedTable(name="view", is_view=True, depends_on=("orders",)),
    "bridge": GrantedTable(name="bridge"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_values(tmp_path / f"{SOURCE}.sqlite", COLUMNS)
    return tmp_path


def granted(policies: Policies = NO_POLICIES, *, lazy: bool = False) -> QuerySource:
    source = DataSource(source_id=SOURCE, organization_id="0" * 32, name="S", engine="duckdb")
    tables: Any = TABLES
    if lazy:
        tables = GrantedTables(list(TABLES), lambda names: [TABLES[name] for name in names])
    return QuerySource(source=source, tables=tables, policies=policies)


def members(
    indexes: ValueIndexes, policies: Policies = NO_POLICIES, *, lazy: bool = False
) -> list[str]:
    index = indexes.find_index(MODEL, granted(policies, lazy=lazy))
    assert index is not None
    return [hit.member for hit in index.find(["kyoto"])]


ROWS = Policies(rows=(RowPolicy(name="r", table="orders", condition="1 = 1"),))
MASK = Policies(masks=(ColumnMask(name="m", table="orders", column="City", kind=MaskKind.NULL),))


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (NO_POLICIES, ["deals.city", "other.town", "deals.state", "v.city"]),
        (ROWS, []),
        (MASK, ["deals.state"]),
    ],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_values_come_by_the_members_that_may_be_known(
    folder: Path, policies: Policies, expected: list[str], lazy: bool
) -> None:
    indexes = ValueIndexes(folder)
    assert members(indexes, policies, lazy=lazy) == expected
    assert members(indexes, policies, lazy=lazy) == expected


def test_a_renewed_file_is_opened_and_a_removed_one_is_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_indexes, "KEPT_OPEN", 1)
    monkeypatch.setattr(value_indexes, "KEPT_MEMBERS", 1)
    indexes = ValueIndexes(folder)
    old = indexes.find_index(MODEL, granted())
    assert old is not None
    newer = folder / "new.sqlite"
    write_values(newer, [("orders", "city", [("Osaka", 1)])])
    newer.replace(folder / f"{SOURCE}.sqlite")
    renewed = indexes.find_index(MODEL, granted(MASK))
    assert renewed is not None
    assert indexes.find_index(MODEL, granted()).find(["osaka"])  # type: ignore[union-attr]
    assert old.find(["kyoto"])  # whoever has the old one goes on with it
    other = SemanticModel(source_id="2" * 32, cubes=())
    write_values(folder / f"{'2' * 32}.sqlite", [])
    assert indexes.find_index(other, granted()) is not None
    indexes.remove(SOURCE)
    indexes.remove(SOURCE)
    assert indexes.find_index(MODEL, granted()) is None


def test_a_damaged_file_is_as_good_as_none(folder: Path) -> None:
    (folder / f"{SOURCE}.sqlite").write_bytes(b"x" * 5_000)
    assert ValueIndexes(folder).find_index(MODEL, granted()) is None


class Lines:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def report(self, key: str, title: str, detail: str = "", *, state: str = "done",
               duration_ms: float | None = None) -> None:  # fmt: skip
        self.told.append((detail, state))


class Access:
    def engine(self, name: str) -> object:
        return object()


def failing(*_: object, **__: object) -> int:
    raise sqlite3.OperationalError("disk is full")


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda *_, **__: 1_234, [("", "run"), ("1,234 values", "done")]),
        (failing, [("", "run"), ("There was no room to keep them.", "fail")]),
    ],
)
def test_a_sync_does_not_fail_by_its_values(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    build: Callable[..., int],
    told: list[tuple[str, str]],
) -> None:
    monkeypatch.setattr(value_indexes, "build_value_index", build)
    lines: Any = Lines()
    access: Any = Access()
    catalog = Catalog(source_id=SOURCE, tables=())
    ValueIndexes(tmp_path).renew(access, granted().source, catalog, CancelToken(), lines)
    assert lines.told == told
