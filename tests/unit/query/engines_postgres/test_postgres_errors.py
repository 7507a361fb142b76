"""Errors by SQLSTATE: what people read, and what they never do."""

from __future__ import annotations

from collections.abc import Iterable

import adbc_driver_manager as adbc
import pytest

from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.postgres.errors import as_aiser_error


def no_columns() -> Iterable[tuple[str, str]]:
    raise AssertionError("asked for columns without need")


def failed(state: str | None, message: str, *, has_details: bool = True) -> adbc.Error:
    details = [(b"PG_DIAG_SEVERITY_NONLOCALIZED", b"ERROR")]
    if has_details:
        details.append((b"PG_DIAG_MESSAGE_PRIMARY", message.encode()))
    return adbc.OperationalError(
        f"IO: [libpq] Execution error: ERROR:  {message}\nLINE 1: SELECT",
        status_code=adbc.AdbcStatusCode.IO,
        sqlstate=state,
        details=details,
    )


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        (None, EngineUnavailable, "lost"),
        ("08006", EngineUnavailable, "lost"),
        ("57P01", EngineUnavailable, "lost"),
        ("58030", EngineUnavailable, "lost"),
        ("XX000", EngineUnavailable, "lost"),
        ("53300", EngineUnavailable, "no connection left"),
        ("57014", QueryCancelled, "in the database"),
        ("40001", EngineUnavailable, "other work"),
        ("55P03", EngineUnavailable, "other work"),
        ("53200", QueryInvalid, "more memory"),
        ("53400", QueryInvalid, "more memory"),
        ("25006", QueryInvalid, "Only reading"),
        ("42501", QueryInvalid, "something that the query names"),
        ("42601", QueryInvalid, "Some words"),
        ("22P02", QueryInvalid, "A value cannot be used"),
    ],
)
def test_a_state_becomes_an_error(state: str | None, kind: type[AiserError], words: str) -> None:
    found = as_aiser_error(failed(state, "some words"), no_columns)
    assert type(found) is kind
    assert words in found.message


def test_a_time_limit_of_the_database_reads_as_one() -> None:
    error = failed("57014", "canceling statement due to statement timeout")
    assert isinstance(as_aiser_error(error, no_columns), QueryTimedOut)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("permission denied for table salaries", "salaries"),
        ('permission denied for view "all Salaries"', "all Salaries"),
        ("permission denied for schema hr", "hr"),
    ],
)
def test_what_may_not_be_read_is_named(message: str, name: str) -> None:
    found = as_aiser_error(failed("42501", message), no_columns)
    assert f"“{name}”" in found.message
    assert "GRANT SELECT" in (found.hint or "")


@pytest.mark.parametrize(
    "message",
    ['column "nam" does not exist', "column p.nam does not exist"],
)
def test_an_unknown_column_gets_its_neighbours(message: str) -> None:
    found = as_aiser_error(failed("42703", message), lambda: [("people", "name")])
    assert found.hint == "Did you mean people.name?"
    assert found.message.startswith("Column")


def test_an_unknown_column_in_other_words_gets_no_hint() -> None:
    found = as_aiser_error(failed("42703", "Spalte fehlt"), no_columns)
    assert found.hint is None


def test_values_are_left_out_and_paths_too() -> None:
    found = as_aiser_error(failed("22023", 'cannot "Ada" in "Alan": "Eve" at the end'), no_columns)
    assert found.message == "A value cannot be used: Cannot … in …"
    found = as_aiser_error(failed("58P01", 'could not open "/var/lib/pg/x"'), no_columns)
    assert "/var" not in found.message
    found = as_aiser_error(failed("42602", 'could not open "/var/lib/pg/x" now'), no_columns)
    assert found.message == 'Could not open "…" now'


def test_the_message_is_found_without_details_too() -> None:
    found = as_aiser_error(failed("42601", "syntax error", has_details=False), no_columns)
    assert found.message == "Syntax error"
    bare = adbc.ProgrammingError(
        "?", status_code=adbc.AdbcStatusCode.INVALID_ARGUMENT, sqlstate="42601"
    )
    assert as_aiser_error(bare, no_columns).message == "The query cannot run."


def test_an_error_of_arrow_means_that_the_stream_broke() -> None:
    assert isinstance(as_aiser_error(OSError("stream ended"), no_columns), EngineUnavailable)
