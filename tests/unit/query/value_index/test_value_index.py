"""Values are read within limits, kept in one file, and found by what people write of them."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog, ColumnProfile, TableProfile
from aiser_app.domain.value_index import Match
from aiser_app.errors import QueryCancelled
from aiser_app.query.catalog import read_catalog
from aiser_app.query.value_index import StoredValues, build_value_index, building, lookup
from aiser_app.query.value_index.building import is_indexed, write_values
from aiser_app.query.value_index.text import fragments, is_near, may_have_typo, normal
from tests.unit.query.catalog.engines import answering, kept_database, live_source

AIRPORTS = [
    ("John F Kennedy Intl", 5),
    ("La Guardia", 4),
    ("São Paulo", 3),
    ("Kennedy Field", 9),
    ("Very Long Name Of Some Place In Kennedy County", 1),
    ("", 1),
    ("x" * 200, 1),
]
COLUMNS = [
    ("airports", "name", AIRPORTS),
    ("orders", "status", [("open", 10), ("Open", 1), ("closed", 2)]),
    ("orders", "city", [("La Guardia", 7), ("Monday", 1)]),
]
ALL = {(table, column) for table, column, _ in COLUMNS}


@pytest.fixture
def index(tmp_path: Path) -> StoredValues:
    path = tmp_path / "values.sqlite"
    assert write_values(path, COLUMNS) == 10
    return StoredValues(path)


def found(
    index: StoredValues, *phrases: str, places: set[tuple[str, str]] = ALL
) -> list[tuple[str, str, float]]:
    return [(hit.value, hit.how.value, hit.score) for hit in index.find(phrases, places)]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("open", [("open", "exact", 1.0), ("Open", "normal", 0.99)]),
        ("OPEN", [("open", "normal", 0.99), ("Open", "normal", 0.99)]),
        ("sao paulo", [("São Paulo", "normal", 0.99)]),
        ("mondays", [("Monday", "normal", 0.95)]),
        ("kennedy", [("Kennedy Field", "words", 0.45)]),
        ("kennedy intl", [("John F Kennedy Intl", "words", 0.45)]),
        ("guardia", [("La Guardia", "words", 0.45), ("La Guardia", "words", 0.45)]),
        ("kenedy field", [("Kennedy Field", "typo", 0.8)]),
        ("la gaurdia", [("La Guardia", "typo", 0.8), ("La Guardia", "typo", 0.8)]),
        ("closedd", [("closed", "typo", 0.8)]),
        ("ope", []),
        ("kenedy feild", []),
        ("nothing", []),
        ("...", []),
        ("la kennedy", []),
    ],
)  # fmt: skip
def test_phrases_find_values(
    index: StoredValues, phrase: str, expected: list[tuple[str, str, float]]
) -> None:
    assert found(index, phrase) == expected


def test_hits_come_by_phrase_and_the_best_first(index: StoredValues) -> None:
    hits = index.find(["la guardia", "closed", "la guardia", "guardia"], ALL)
    assert [(hit.phrase, hit.table, hit.frequency) for hit in hits] == [
        ("la guardia", "orders", 7), ("la guardia", "airports", 4), ("closed", "orders", 2),
        ("guardia", "orders", 7), ("guardia", "airports", 4),
    ]  # fmt: skip
    assert index.find(["la guardia", "closed", "la guardia", "guardia"], ALL) == hits
    assert hits[0].how is Match.NORMAL
    assert index.find([], ALL) == []


def test_what_must_not_be_known_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of hidden columns are not even counted."""
    monkeypatch.setattr(lookup, "MAX_HITS", 2)
    hidden = [
        ("secrets", f"c{number}", [("La Guardia", 100), ("Guardia", 90)]) for number in range(9)
    ]
    path = tmp_path / "values.sqlite"
    write_values(path, [*hidden, *COLUMNS])
    index = StoredValues(path)
    alone = tmp_path / "alone.sqlite"
    write_values(alone, COLUMNS)
    for phrase in ("la guardia", "la", "la gardia", "guardia"):
        assert index.find([phrase], ALL) == StoredValues(alone).find([phrase], ALL)
    assert not index.find(["la guardia"], set())
    index.close()


def test_only_the_longest_phrases_are_looked_up_by_words(
    index: StoredValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MAX_LOOSE", 1)
    assert [hit.phrase for hit in index.find(["kennedy", "kennedy field county place"], ALL)] == []
    assert [hit.phrase for hit in index.find(["kennedy", "la"], ALL)] == ["kennedy"]
    monkeypatch.setattr(lookup, "MAX_PHRASES", 1)
    assert [hit.phrase for hit in index.find(["closed", "open"], ALL)] == ["closed"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        StoredValues(tmp_path / "none.sqlite")
    (tmp_path / "bad.sqlite").write_text("no database at all, and long enough to be looked at" * 9)
    with pytest.raises(sqlite3.Error):
        StoredValues(tmp_path / "bad.sqlite")


def test_a_source_has_so_many_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MAX_VALUES", 6)
    path = tmp_path / "values.sqlite"
    assert write_values(path, COLUMNS) == 6
    index = StoredValues(path)
    assert found(index, "open") == [("open", "exact", 1.0)]
    assert found(index, "closed") == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("abcd", "abcd", False), ("abcd", "abxd", True), ("abcd", "abd", True), ("abd", "abcd", True),
        ("abcd", "abdc", True), ("abcd", "abcde", True), ("abcd", "axxd", False), ("abcd", "ab", False),
        ("abcd", "badc", False), ("bacd", "abcd", True), ("abcd", "dbca", False),
    ],
)  # fmt: skip
def test_one_letter_away(one: str, other: str, expected: bool) -> None:
    assert is_near(one, other) is expected
    assert is_near(other, one) is expected


def test_texts_are_compared_without_dress() -> None:
    assert normal("São  Paulo-Norte") == "sao paulo norte"
    assert normal("snake_CASE") == "snake case"
    assert normal("Straße") == "strasse"
    assert list(fragments("aab")) == ["aab", "ab", "aa"]
    assert [may_have_typo(word) for word in ("abc", "abcd", "abc1", "a" * 25)] == [
        False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"distinct_count": 50_000, "average_length": 10.0}, True),
        ({"distinct_count": 50_001}, False),
        ({"average_length": 61.0}, False),
        ({}, True),
        ({"type": "integer"}, False),
    ],
)
def test_texts_and_codes_are_kept_not_prose(facts: dict[str, object], expected: bool) -> None:
    values = {"name": "c", "type": "string", **facts}
    assert is_indexed(ColumnProfile(**values)) is expected  # type: ignore[arg-type]


def test_kept_data_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "values.sqlite"
    with kept_database(
        tmp_path,
        "CREATE TABLE people (email VARCHAR, city VARCHAR, age INTEGER, note VARCHAR)",
        "INSERT INTO people SELECT 'p' || i || '@x.org', CASE WHEN i < 9 THEN 'Kyoto' END, i,"
        " repeat('prose ', 30) FROM range(30) AS t (i)",
    ) as (engine, source):
        catalog = read_catalog(engine, source)
        assert build_value_index(engine, source, catalog, path) == 31
        index = StoredValues(path)
        places = {("people", "city"), ("people", "email")}
        assert [hit.frequency for hit in index.find(["kyoto"], places)] == [9]
        assert found(index, "p7 x org", places=places) == [("p7@x.org", "normal", 0.99)]
        # The old file can still be read while and after a new one takes its place.
        assert build_value_index(engine, source, catalog, path) == 31
        assert index.find(["kyoto"], places)
        stopped = CancelToken()
        stopped.cancel("cancelled")
        with pytest.raises(QueryCancelled):
            build_value_index(engine, source, catalog, path, cancel=stopped)
    assert [item.name for item in path.parent.iterdir()] == ["values.sqlite"]


def test_a_column_with_too_many_values_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "MAX_PER_COLUMN", 3)
    with kept_database(
        tmp_path, "CREATE TABLE t AS SELECT 'v' || i AS a, 'w' AS b FROM range(9) AS t (i)"
    ) as (engine, source):
        catalog = read_catalog(engine, source)
        unknown = replace(
            catalog,
            tables=tuple(
                replace(
                    table, columns=tuple(replace(c, distinct_count=None) for c in table.columns)
                )
                for table in catalog.tables
            ),
        )
        assert build_value_index(engine, source, unknown, tmp_path / "v.sqlite") == 1


def column(name: str, *values: str) -> ColumnProfile:
    return ColumnProfile(name=name, type="string", values=values, is_sampled=True)


def live_catalog(*tables: TableProfile) -> Catalog:
    return Catalog(source_id="1" * 32, tables=tables)


def a_table(name: str, rows: int, *columns: ColumnProfile, is_view: bool = False) -> TableProfile:
    return TableProfile(name=name, row_count=rows, columns=columns, is_view=is_view)


def test_of_somebody_else_s_database_only_small_tables_are_read(tmp_path: Path) -> None:
    asked: list[str] = []

    def run(text: str, values: list[object]) -> list[tuple[object, ...]]:
        asked.append(text)
        return [("red", 3), ("blue", 3), ("green", 9)]

    engine = answering("postgres", run)
    catalog = live_catalog(
        a_table(
            "small", 100, column("color", "red"), column("email", "a@b.c"), column("note", "x")
        ),
        a_table("large", 10**6, column("city", "Kyoto"), column("other")),
        a_table("seen", 100, column("kind", "odd"), is_view=True),
    )
    path = tmp_path / "values.sqlite"
    assert build_value_index(engine, live_source(), catalog, path) == 5
    assert len(asked) == 1
    index = StoredValues(path)
    places = {("small", "color"), ("large", "city"), ("seen", "kind")}
    assert [(hit.value, hit.frequency) for hit in index.find(["green", "kyoto", "odd"], places)] == [
        ("green", 9), ("Kyoto", 0), ("odd", 0),
    ]  # fmt: skip
    # Whoever allows no rows to be read gets none read.
    quiet = live_source(sample_values=False)
    assert (
        build_value_index(engine, quiet, live_catalog(a_table("small", 9, column("c"))), path) == 0
    )
    assert len(asked) == 1


def test_somebody_else_s_database_is_asked_within_a_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "MAX_STATEMENTS", 2)
    engine = answering("postgres", lambda text, values: [("red", 3)])
    columns = [column(f"c{number}", "sampled") for number in range(5)]
    catalog = live_catalog(a_table("small", 100, *columns))
    path = tmp_path / "values.sqlite"
    assert build_value_index(engine, live_source(), catalog, path) == 5
    assert len(engine.statements) == 2
    places = {("small", f"c{number}") for number in range(5)}
    assert len(StoredValues(path).find(["sampled"], places)) == 3
