"""Small things that the tests of the guard need."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import (
    NO_POLICIES,
    ColumnMask,
    GrantedTable,
    MaskKind,
    Policies,
    RowPolicy,
)
from aiser_app.domain.verdict import Allowed, Denied, Verdict
from aiser_app.query.guard import judge

CLAIMS = Claims(organization_id="0" * 32, attributes={"region": "EU", "tenant": "7"})

GRANTED = {
    table.name: table
    for table in (
        GrantedTable(
            name="orders",
            columns=("id", "region", "email", "amount"),
            column_types={"id": "integer", "region": "string", "amount": "decimal"},
        ),
        GrantedTable(name="people", columns=("id", "name")),
        GrantedTable(name="sales.orders", columns=("id", "region")),
        GrantedTable(name="bare"),
    )
}

EU = RowPolicy(name="own region", table="orders", condition="region = :region")
HIDE = ColumnMask(name="hide e-mail", table="orders", column="email", kind=MaskKind.CONSTANT)


def ask(
    sql: str,
    dialect: str = "duckdb",
    *,
    tables: Collection[str] | Mapping[str, GrantedTable] = GRANTED,
    policies: Policies = NO_POLICIES,
    **others: Any,
) -> Verdict:
    arguments: dict[str, Any] = {"claims": CLAIMS, "limit": 100, **others}
    return judge(sql, dialect=dialect, tables=tables, policies=policies, **arguments)


def allow(sql: str, dialect: str = "duckdb", **others: Any) -> Allowed:
    verdict = ask(sql, dialect, **others)
    assert isinstance(verdict, Allowed), verdict
    return verdict


def deny(sql: str, dialect: str = "duckdb", **others: Any) -> Denied:
    verdict = ask(sql, dialect, **others)
    assert isinstance(verdict, Denied), verdict
    return verdict


def flat(sql: str) -> str:
    return " ".join(sql.split())


def with_rows(*rows: RowPolicy) -> Policies:
    return Policies(rows=rows)


def with_masks(*masks: ColumnMask) -> Policies:
    return Policies(masks=masks)
