"""Rules over all tables, and over who may commit."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sqlalchemy import Table

import aiser_app
from aiser_app.db.models import METADATA

APPLICATION = Path(aiser_app.__file__).parent
WITHOUT_ORGANIZATION = {"setup_tokens"}
"""Exists before the first organization does. No second exception without a decision record."""

TABLES = [t for t in METADATA.sorted_tables if t.name not in WITHOUT_ORGANIZATION]


def test_there_are_the_tables_that_the_design_names() -> None:
    assert {table.name for table in METADATA.sorted_tables} == {
        "answer_feedback",
        "api_keys",
        "audit_events",
        "conversations",
        "data_policies",
        "data_sources",
        "evaluations",
        "organizations",
        "query_records",
        "results",
        "runs",
        "seed_questions",
        "semantic_models",
        "sessions",
        "setup_tokens",
        "source_tables",
        "turns",
        "users",
        "verified_queries",
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_every_row_belongs_to_an_organization(table: Table) -> None:
    column = table.columns["organization_id"]
    assert not column.nullable
    if table.name != "organizations":
        assert {key.target_fullname for key in column.foreign_keys} == {
            "organizations.organization_id"
        }


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_rows_are_found_by_their_organization_without_a_scan(table: Table) -> None:
    leading = {next(iter(index.columns)).name for index in table.indexes}
    leading |= {
        next(iter(c.columns)).name  # type: ignore[attr-defined]
        for c in table.constraints
        if list(getattr(c, "columns", [])) and type(c).__name__ != "ForeignKeyConstraint"
    }
    assert "organization_id" in leading


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda t: t.name)
def test_times_carry_their_zone(table: Table) -> None:
    for column in table.columns:
        if "time" in type(column.type).__name__.lower():
            assert type(column.type).__name__ == "UTCDateTime"


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda t: t.name)
def test_columns_that_end_in_id_refer_to_something(table: Table) -> None:
    for column in table.columns:
        if column.name.endswith("_id") and not column.primary_key:
            assert column.foreign_keys, f"{table.name}.{column.name}"


def commits_in(source: str) -> list[str]:
    """Receivers of `.commit(` calls, except for units of work."""
    return [
        ast.unparse(node.func.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "uow")
    ]


def test_only_the_unit_of_work_commits() -> None:
    found = {
        path.relative_to(APPLICATION).as_posix(): commits_in(path.read_text())
        for path in APPLICATION.rglob("*.py")
    }
    assert {path: where for path, where in found.items() if where} == {
        "db/unit_of_work.py": ["self._session", "driver"]
    }


def test_the_rule_sees_a_commit_elsewhere() -> None:
    assert commits_in("session.commit()\nself.connection.commit()\nuow.commit()") == [
        "session",
        "self.connection",
    ]


def test_engines_are_opened_in_one_place_of_the_package() -> None:
    callers = [
        path.relative_to(APPLICATION).as_posix()
        for path in (APPLICATION / "db").rglob("*.py")
        if "create_engine(" in path.read_text()
    ]
    assert callers == ["db/engine.py"]
