from __future__ import annotations

import duckdb

from aiser_app.query.ingest.naming import (
    RESERVED,
    literal,
    plain_name,
    quoted,
    shown,
    unique_names,
)


def test_reserved_words_are_those_that_need_quotes() -> None:
    """Of a newer DuckDB, too."""
    with duckdb.connect() as connection:
        words = connection.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()
        needing = set()
        for (word,) in words:
            connection.execute(f'CREATE OR REPLACE TABLE t ("{word}" INT)')
            try:
                connection.execute(f"SELECT {word} FROM t WHERE {word} = 1 GROUP BY {word}")
                connection.execute(f"SELECT sum({word}), t.{word} FROM t GROUP BY {word}")
            except duckdb.Error:
                needing.add(word)
    assert needing == RESERVED


def test_plain_names() -> None:
    assert plain_name("", "x") == "x"
    assert plain_name("!!!", "x") == "x"
    assert plain_name("\0a\0", "x") == "a"
    assert plain_name("2024", "x") == "c_2024"
    assert plain_name("\u0301abc", "x") == "c_\u0301abc"
    assert plain_name("ﬁrst", "x") == "first"
    assert plain_name("Table", "x") == "table_"


def test_names_stay_unique_when_numbers_collide() -> None:
    assert unique_names(["a", "a", "a_2"]) == ["a", "a_2", "a_2_2"]
    assert unique_names(["", "column_1"]) == ["column_1", "column_1_2"]
    assert unique_names(["A"], taken=["a"]) == ["a_2"]


def test_text_for_people_and_for_sql() -> None:
    assert shown("a\0b\n c\u202e") == "a b c"
    assert len(shown("x" * 5_000)) == 200
    assert quoted('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
