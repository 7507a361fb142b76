"""Parts of the MySQL engine that a real server does not show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pymysql
import pytest

from aiser_app.query.engines.mysql.schema import columns_of, read_schema, tables_in
from aiser_app.query.engines.mysql.session import Session
from aiser_app.query.engines.mysql.wire import Wire, _ClearPassword, _NoDialog, _values


def test_a_password_never_travels_in_the_clear() -> None:
    sent: list[bytes] = []
    wire: Any = SimpleNamespace(
        is_encrypted=False,
        password=b"secret",
        write_packet=sent.append,
        _read_packet=lambda: "reply",
    )
    with pytest.raises(pymysql.err.OperationalError, match="unencrypted"):
        _ClearPassword(wire).authenticate(wire)
    assert sent == []
    wire.is_encrypted = True
    assert _ClearPassword(wire).authenticate(wire) == "reply"
    assert sent == [b"secret\0"]


def test_a_server_may_not_ask_questions() -> None:
    wire: Any = None
    with pytest.raises(pymysql.err.OperationalError, match="dialog"):
        _NoDialog(wire).authenticate(wire)


def test_cutting_and_leaving_a_closed_wire_is_quiet() -> None:
    wire = Wire(host="127.0.0.1", defer_connect=True)
    wire.cut()
    wire.abandon()
    assert wire.is_reading


@pytest.mark.parametrize(
    ("version", "statement"),
    [("8.0.36", "max_execution_time = 1500"), ("10.11.6-MariaDB", "max_statement_time = 1.500")],
)
def test_the_servers_own_limit(
    version: str, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Session, "rows", lambda _self, sql, values=(): asked.append(sql) or [])
    session = Session(Wire(host="127.0.0.1", defer_connect=True), 1, version)
    session.begin(1.5)
    session.begin(1.5)
    assert statement in asked[0]
    assert asked[1:] == ["START TRANSACTION READ ONLY"] * 2


def catalog(sql: str, _values: object) -> list[tuple[Any, ...]]:
    answers: dict[str, list[tuple[Any, ...]]] = {
        "SELECT DATABASE()": [("shop",)],
        "information_schema.TABLES": [
            ("shop", "t", "BASE TABLE", None, ""),
            ("shop", "v", "VIEW", None, "VIEW"),
            ("shop", "w", "VIEW", None, "VIEW"),
            ("other", "u", "BASE TABLE", 3, None),
        ],
        "information_schema.VIEWS": [
            ("shop", "v", "select `shop`.`t`.`a` AS `a` from `shop`.`t` join `other`.`u`"),
            ("shop", "w", "select (("),
        ],
        "information_schema.STATISTICS": [
            ("shop", "t", "mixed", "a"),
            ("shop", "t", "mixed", None),
            ("shop", "t", "mixed", "b"),
            ("shop", "t", "by_expression", None),
        ],
    }
    return next((found for key, found in answers.items() if key in sql), [])


def test_indexes_end_before_their_first_expression() -> None:
    tables = {table.name: table for table in read_schema(catalog)}
    assert tables["t"].indexes == (("a",),)
    assert tables["other.u"].row_estimate == 3


def test_definitions_lose_the_databases_own_name_only() -> None:
    tables = {table.name: table for table in read_schema(catalog)}
    assert "shop" not in tables["v"].definition
    assert "`other`.`u`" in tables["v"].definition
    assert tables["w"].definition == "select (("


def test_without_a_default_database_names_are_full() -> None:
    def rows(sql: str, values: object) -> list[tuple[Any, ...]]:
        return [(None,)] if sql == "SELECT DATABASE()" else catalog(sql, values)

    tables = {table.name: table for table in read_schema(rows)}
    assert set(tables) == {"shop.t", "shop.v", "shop.w", "other.u"}
    assert "`shop`.`t`" in tables["shop.v"].definition


def test_tables_of_a_query() -> None:
    assert tables_in("SELECT 1 FROM a JOIN b ON a.x = b.x") == ("a", "b")
    assert tables_in("SELECT ((") == ()
    assert columns_of(catalog, ()) == []


@pytest.mark.parametrize("size", [0, 1, 250, 251, 252, 65_535, 65_536, 2**24])
def test_values_of_any_length_are_told_apart(size: int) -> None:
    value = b"x" * size
    if size < 251:
        length = bytes([size])
    elif size < 2**16:
        length = b"\xfc" + size.to_bytes(2, "little")
    elif size < 2**24:
        length = b"\xfd" + size.to_bytes(3, "little")
    else:
        length = b"\xfe" + size.to_bytes(8, "little")
    assert _values(length + value + b"\xfb" + b"\x01y", 3) == [value, None, b"y"]
