"""MySQL's numbers become errors with a way out, and without the server's own texts."""

from __future__ import annotations

import pyarrow as pa
import pymysql
import pytest

from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.mysql.errors import as_aiser_error
from aiser_app.query.engines.mysql.wire import RowTooLong


def mapped(number: int, text: str = "secret 'value' of /a/path") -> AiserError:
    return as_aiser_error(pymysql.err.OperationalError(number, text), lambda name: f"near {name}")


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ((1969, 3024), QueryTimedOut),
        ((1317,), QueryCancelled),
        ((1045, 1698, 1049, 1044, 2003, 2006, 2013, 2026, 1040, 1205, 0), EngineUnavailable),
        ((1052, 1055, 1064, 1142, 1690, 1114, 1792, 4242), QueryInvalid),
    ],
)
def test_every_number_has_its_kind(numbers: tuple[int, ...], kind: type[AiserError]) -> None:
    for number in numbers:
        error = mapped(number)
        assert type(error) is kind
        assert "path" not in error.message
        assert "secret" not in error.message


@pytest.mark.parametrize(
    ("number", "text", "message"),
    [
        (1054, "Unknown column 'p.nam' in 'field list'", "There is no column “p.nam”."),
        (1146, "Table 'shop.nothing' doesn't exist", "There is no table “nothing”."),
        (1305, "FUNCTION shop.unheard does not exist", "There is no function “unheard”."),
        (
            1142,
            "SELECT command denied to user 'r'@'10.0.0.1' for table `shop`.`pay`",
            "The database user may not read “pay”.",
        ),
        (
            1143,
            "SELECT command denied to user 'r'@'%' for column 'salary' in table 'pay'",
            "The database user may not read the column “salary”.",
        ),
        (
            1370,
            "execute command denied to user 'r'@'%' for routine 'shop.unheard_of'",
            "The database user may not use the function “unheard_of”.",
        ),
        (
            1064,
            "You have an error in your SQL syntax; check … near 'FORM\n people' at line 1",
            "The database cannot read the query near “FORM people”.",
        ),
        (
            1064,
            "You have an error in your SQL syntax; check … near '' at line 1",
            "The database cannot read the query: it ends too early.",
        ),
        (1052, "no name at all", "The column “?” is in more than one of the tables."),
    ],
)
def test_names_are_picked_out(number: int, text: str, message: str) -> None:
    assert mapped(number, text).message == message


def test_a_misspelled_column_gets_what_is_near() -> None:
    assert mapped(1054, "Unknown column 'nam' in 'field list'").hint == "near nam"


def test_what_is_not_from_the_server() -> None:
    def kind(error: Exception) -> type[AiserError]:
        return type(as_aiser_error(error, lambda _: None))

    assert kind(RowTooLong()) is QueryInvalid
    assert kind(pa.ArrowInvalid("too many digits")) is QueryInvalid
    assert kind(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")) is QueryInvalid
    assert kind(OSError("gone")) is EngineUnavailable
    assert kind(RuntimeError()) is EngineUnavailable
    known = QueryInvalid("as it was")
    assert as_aiser_error(known, lambda _: None) is known
