"""Errors, rights, types and values of ClickHouse, without a server."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.clickhouse.errors import (
    PartTooLong,
    as_aiser_error,
    connection_error,
    is_tls,
)
from aiser_app.query.engines.clickhouse.rights import can_read, warnings_of
from aiser_app.query.engines.clickhouse.schema import columns_in, read_schema
from aiser_app.query.engines.clickhouse.types import Column, column_type, wrapped
from aiser_app.query.engines.clickhouse.values import bound


def mapped(code: int, text: str = "secret of /a/path") -> AiserError:
    error = DatabaseError(f"Code: {code}. DB::Exception: {text} (for url http://10.0.0.1)")
    return as_aiser_error(error, "", lambda name: f"near {name}")


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((159, 160, 209), QueryTimedOut),
        ((394,), QueryCancelled),
        ((192, 516, 81, 202, 216, 210, 279), EngineUnavailable),
        ((6, 43, 47, 60, 62, 164, 215, 241, 396, 497, 9999), QueryInvalid),
    ],
)
def test_every_code_has_its_kind(codes: tuple[int, ...], kind: type[AiserError]) -> None:
    for code in codes:
        error = mapped(code)
        assert type(error) is kind
        for secret in ("secret", "path", "10.0.0.1"):
            assert secret not in error.message


@pytest.mark.parametrize(
    ("code", "text", "message"),
    [
        (47, "Unknown expression identifier `nam`. In scope SELECT", "There is no column “nam”."),
        (47, "Identifier 'p.heigth' cannot be resolved", "There is no column “p.heigth”."),
        (60, "Unknown table expression identifier 'nothing'.", "There is no table “nothing”."),
        (60, "Table shop.nothing does not exist", "There is no table “nothing”."),
        (46, "Function with name `unheard` does not exist.", "There is no function “unheard”."),
        (46, "no name at all", "There is no function “?”."),
        (
            62,
            "Syntax error: failed at position 8 (FORM) (line 1, col 8): FORM people. Expected one",
            "The database cannot read the query near “FORM people”.",
        ),
        (
            62,
            "Syntax error: failed at position 54 ()) (line 3, col 1): ). Expected one of: table",
            "The database cannot read the query: it ends too early.",
        ),
        (62, "something else", "The database cannot read the query: it ends too early."),
    ],
)
def test_names_are_picked_out(code: int, text: str, message: str) -> None:
    assert mapped(code, text).message == message


def test_a_misspelled_column_gets_what_is_near() -> None:
    assert mapped(47, "Unknown identifier: `nam`").hint == "near nam"


def test_an_answer_that_broke_off_says_why() -> None:
    tail = "…bytes…Code: 241. DB::Exception: Memory limit exceeded"
    found = as_aiser_error(pa.ArrowInvalid("bad message"), tail, lambda _: None)
    assert "memory" in found.message
    found = as_aiser_error(OSError("cut"), "…bytes…", lambda _: None)
    assert type(found) is EngineUnavailable
    found = as_aiser_error(PartTooLong(), "", lambda _: None)
    assert type(found) is QueryInvalid
    known = QueryInvalid("as it was")
    assert as_aiser_error(known, "", lambda _: None) is known


def test_connections() -> None:
    tls = OperationalError("Error HTTPSConnectionPool: SSLError(certificate verify failed)")
    assert is_tls(tls)
    assert "encrypted" in connection_error(tls).message
    plain = OperationalError("Error NewConnectionError refused")
    assert not is_tls(plain)
    assert "failed" in connection_error(plain).message
    assert "password" in connection_error(DatabaseError("exception, code: 516, server")).message


def test_rights() -> None:
    assert not warnings_of(["GRANT SELECT ON shop.* TO r", "GRANT `readers` TO r", "nonsense"])
    assert can_read(["GRANT SELECT(a, b) ON shop.t TO r"])
    assert can_read(["GRANT ALL ON *.* TO r"])
    assert can_read(["GRANT readers TO r"])
    assert not can_read(["GRANT INSERT ON shop.* TO r"])
    found = warnings_of(
        [
            "GRANT SELECT, INSERT, ALTER UPDATE(a, b), CREATE TABLE, DROP TABLE, TRUNCATE, OPTIMIZE "
            "ON shop.* TO r",
            "GRANT ACCESS MANAGEMENT ON *.* TO r",
            "GRANT URL, REMOTE ON *.* TO r",
        ]
    )
    assert len(found) == 3
    assert "administrator" in found[0]
    assert "REMOTE, URL" in found[1]
    assert "may change the database" in found[2]
    assert "…" in found[2]


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("Int32", "integer"),
        ("Nullable(UInt256)", "integer"),
        ("IntervalDay", "integer"),
        ("LowCardinality(Nullable(String))", "string"),
        ("Float32", "number"),
        ("Decimal(10, 2)", "decimal"),
        ("Decimal(38, 0)", "integer"),
        ("Bool", "boolean"),
        ("Date32", "date"),
        ("DateTime64(3, 'UTC')", "timestamp"),
        ("Array(Int8)", "json"),
        ("JSON", "json"),
        ("Enum8('a' = 1)", "string"),
        ("UUID", "string"),
    ],
)
def test_types(native: str, kind: str) -> None:
    assert column_type(native) == kind


def test_a_query_is_wrapped_only_where_something_would_be_lost() -> None:
    plain = [Column("a", "Int8"), Column("b", "Nullable(String)")]
    assert wrapped("SELECT 1", plain) == "SELECT 1"
    lossy = [Column("a", "DateTime"), Column("odd`na\\me", "Array(Int8)"), Column("c", "Int8")]
    text = wrapped("SELECT 1", lossy)
    assert "toDateTime64(`a`, 0) AS `a`" in text
    assert "toJSONString(`odd\\`na\\\\me`)" in text
    assert ", `c` FROM" in text
    twice = [Column("a", "DateTime"), Column("a", "DateTime")]
    assert wrapped("SELECT 1", twice) == "SELECT 1"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (True, "Bool", "true"),
        (False, "Bool", "false"),
        (7, "Int64", "7"),
        (2**63, "UInt64", str(2**63)),
        (-(2**100), "Int128", str(-(2**100))),
        (2**200, "Int256", str(2**200)),
        (1.5, "Float64", "1.5"),
        (float("inf"), "Float64", "inf"),
        (Decimal("1.50"), "Decimal(3, 2)", "1.50"),
        (Decimal("0.001"), "Decimal(4, 3)", "0.001"),
        (Decimal("1E+3"), "Decimal(4, 0)", "1000"),
        (Decimal("NaN"), "Float64", "nan"),
        (Decimal("-Infinity"), "Float64", "-inf"),
        (date(1900, 1, 2), "Date32", "1900-01-02"),
        (
            datetime(2024, 1, 1, 10, tzinfo=UTC),
            "DateTime64(6, 'UTC')",
            "2024-01-01 10:00:00.000000",
        ),
        (
            datetime.fromisoformat("2024-01-01T10:00"),
            "DateTime64(6, 'UTC')",
            "2024-01-01 10:00:00.000000",
        ),
        ("it's", "String", "it's"),
    ],
)
def test_values_have_types(value: ParameterValue, kind: str, text: str) -> None:
    statement = Statement(
        sql="SELECT token", parameters=(BoundParameter(token="token", name="v", value=value),)
    )
    assert bound(statement) == (f"SELECT {{p1:{kind}}}", {"p1": text})


def test_null_needs_no_value() -> None:
    statement = Statement(
        sql="SELECT token", parameters=(BoundParameter(token="token", name="v", value=None),)
    )
    assert bound(statement) == ("SELECT NULL", {})


@pytest.mark.parametrize("value", [2**300, Decimal(10) ** 80])
def test_numbers_without_an_end_are_refused(value: ParameterValue) -> None:
    statement = Statement(
        sql="SELECT token", parameters=(BoundParameter(token="token", name="v", value=value),)
    )
    with pytest.raises(QueryInvalid, match="digits"):
        bound(statement)


def test_keys_end_before_their_first_expression() -> None:
    def rows(sql: str) -> list[tuple[object, ...]]:
        if "system.columns" in sql:
            return [("t", "a", "Int8", ""), ("other", "b", "Int8", "")]
        return [
            ("t", "MergeTree", 3, "Comment", "a, toDate(b), c", "a", "", "shop"),
            ("u", "Memory", None, "", "", "", "", "shop"),
            ("v", "View", None, "", "", "", "SELECT a FROM shop.t CROSS JOIN x.y", "shop"),
            ("w", "View", None, "", "", "", "SELECT ((", "shop"),
        ]

    tables = {table.name: table for table in read_schema(rows)}
    assert tables["t"].indexes == (("a",),)
    assert tables["u"].indexes == ()
    assert tables["v"].definition == "SELECT a FROM t CROSS JOIN x.y"
    assert tables["w"].definition == "SELECT (("
    assert columns_in(rows, "SELECT x FROM t") == [("t", "a")]
    assert columns_in(rows, "SELECT ((") == []
