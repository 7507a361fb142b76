"""Every driver's errors have a place in one vocabulary."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pymssql
import pytest
import snowflake.connector.errors as sf
import trino.exceptions
from databricks.sql.exc import RequestError, ServerOperationError
from google.api_core import exceptions as google
from google.auth.exceptions import RefreshError

from aiser_app.errors import EngineUnavailable, QueryCancelled, QueryInvalid, QueryTimedOut
from aiser_app.query.engines.warehouses.adapter import Adapter, Problem
from aiser_app.query.engines.warehouses.bigquery import BigQuery
from aiser_app.query.engines.warehouses.databricks import Databricks
from aiser_app.query.engines.warehouses.errors import as_aiser_error
from aiser_app.query.engines.warehouses.snowflake import Snowflake
from aiser_app.query.engines.warehouses.sqlserver import SQLServer
from aiser_app.query.engines.warehouses.trino import Trino


def snow(errno: int, text: str) -> Exception:
    error = sf.ProgrammingError(text)
    error.errno = errno
    return error


def big(kind: Any, reason: str, text: str) -> Exception:
    error: Exception = kind(text, errors=[{"reason": reason, "message": text}])
    return error


def tri(name: str, text: str = "") -> Exception:
    return trino.exceptions.TrinoUserError({"errorName": name, "message": text})


CASES: list[tuple[Adapter, Exception, Problem, str]] = [
    (Snowflake(), snow(904, "SQL compilation error: invalid identifier 'NAM'"), Problem.COLUMN, "NAM"),
    (Snowflake(), snow(2003, "Object 'SHOP.PUBLIC.X' does not exist or not authorized."), Problem.TABLE, "X"),
    (Snowflake(), snow(1003, "syntax error line 1 at position 7 unexpected 'FORM'."), Problem.SYNTAX, ""),
    (Snowflake(), snow(604, "SQL execution canceled"), Problem.CANCELLED, ""),
    (Snowflake(), snow(630, "Statement reached its timeout"), Problem.TIMED_OUT, ""),
    (Snowflake(), snow(390100, "Incorrect username or password was specified."), Problem.SIGN_IN, ""),
    (Snowflake(), snow(123456, "something new"), Problem.REFUSED, ""),
    (Snowflake(), sf.Error("without a number"), Problem.REFUSED, ""),
    (Snowflake(), OSError("gone"), Problem.UNREACHABLE, ""),
    (BigQuery(), big(google.BadRequest, "invalidQuery", "Unrecognized name: nam at [1:8]"), Problem.COLUMN, "nam"),
    (BigQuery(), big(google.BadRequest, "invalidQuery", "Syntax error: Unexpected end"), Problem.SYNTAX, ""),
    (BigQuery(), big(google.BadRequest, "invalidQuery", "Function not found: unheard"), Problem.FUNCTION, "unheard"),
    (BigQuery(), big(google.BadRequest, "invalidQuery", "something new"), Problem.REFUSED, ""),
    (BigQuery(), big(google.NotFound, "notFound", "Not found: Table p:d.people was not found"), Problem.TABLE, "people"),
    (BigQuery(), big(google.NotFound, "notFound", "Not found: Dataset p:d"), Problem.DATABASE, ""),
    (BigQuery(), big(google.Forbidden, "accessDenied", "Access Denied"), Problem.RIGHTS, ""),
    (BigQuery(), big(google.BadRequest, "stopped", "Job execution was cancelled"), Problem.CANCELLED, ""),
    (BigQuery(), google.Unauthorized("bad token"), Problem.SIGN_IN, ""),
    (BigQuery(), google.ServiceUnavailable("down"), Problem.UNREACHABLE, ""),
    (BigQuery(), OSError("gone"), Problem.UNREACHABLE, ""),
    (SQLServer(), pymssql.ProgrammingError((207, b"Invalid column name 'nam'.")), Problem.COLUMN, "nam"),
    (SQLServer(), pymssql.ProgrammingError(208, b"Invalid object name 'dbo.x'."), Problem.TABLE, "x"),
    (SQLServer(), pymssql.OperationalError((20003, b"timed out")), Problem.TIMED_OUT, ""),
    (SQLServer(), pymssql.OperationalError((77, b"new")), Problem.REFUSED, ""),
    (SQLServer(), pymssql.InterfaceError("closed"), Problem.UNREACHABLE, ""),
    (SQLServer(), pymssql.InterfaceError(), Problem.UNREACHABLE, ""),
    (Trino(), tri("COLUMN_NOT_FOUND", "line 1:8: Column 'nam' cannot be resolved"), Problem.COLUMN, "nam"),
    (Trino(), tri("TABLE_NOT_FOUND", "line 1:15: Table 'hive.sales.x' does not exist"), Problem.TABLE, "x"),
    (Trino(), tri("EXCEEDED_TIME_LIMIT"), Problem.TIMED_OUT, ""),
    (Trino(), tri("BRAND_NEW"), Problem.REFUSED, ""),
    (Trino(), trino.exceptions.HttpError("error 401: b'Unauthorized'"), Problem.SIGN_IN, ""),
    (Trino(), trino.exceptions.TrinoConnectionError("SSL: WRONG_VERSION"), Problem.TLS, ""),
    (Trino(), OSError("gone"), Problem.UNREACHABLE, ""),
    (Databricks(), ServerOperationError("[UNRESOLVED_COLUMN.WITH_SUGGESTION] name `nam` cannot"), Problem.COLUMN, "nam"),
    (Databricks(), ServerOperationError("[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot"), Problem.TABLE, "x"),
    (Databricks(), ServerOperationError("[DIVIDE_BY_ZERO] Division by zero."), Problem.ZERO, ""),
    (Databricks(), ServerOperationError("[BRAND_NEW_CLASS] odd"), Problem.REFUSED, ""),
    (Databricks(), RequestError("Error during request: 403 Invalid access token"), Problem.SIGN_IN, ""),
    (Databricks(), RequestError("SSL: certificate verify failed"), Problem.TLS, ""),
    (Databricks(), RequestError("Max retries exceeded"), Problem.UNREACHABLE, ""),
]  # fmt: skip


@pytest.mark.parametrize(("adapter", "error", "problem", "name"), CASES)
def test_every_error_has_its_problem(
    adapter: Adapter, error: Exception, problem: Problem, name: str
) -> None:
    assert isinstance(error, adapter.failures)
    assert adapter.problem(error) is problem
    found = as_aiser_error(error, adapter)
    assert not name or f"“{name}”" in found.message


def test_google_sign_in() -> None:
    error = RefreshError("invalid_grant")
    assert isinstance(error, BigQuery().failures)
    assert BigQuery().problem(error) is Problem.SIGN_IN


@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_has_words(problem: Problem) -> None:
    adapter: Any = SimpleNamespace(name="any", problem=lambda _: problem)
    found = as_aiser_error(ValueError("secret of /a/path"), adapter)
    expected = {
        Problem.TIMED_OUT: QueryTimedOut,
        Problem.CANCELLED: QueryCancelled,
        **dict.fromkeys(
            (Problem.SIGN_IN, Problem.DATABASE, Problem.BUSY, Problem.TLS, Problem.UNREACHABLE),
            EngineUnavailable,
        ),
    }
    assert type(found) is expected.get(problem, QueryInvalid)
    assert "secret" not in found.message


def test_values_and_known_errors() -> None:
    known = QueryInvalid("as it was")
    assert as_aiser_error(known, Trino()) is known
    assert isinstance(as_aiser_error(pa.ArrowInvalid("x"), Trino()), QueryInvalid)
