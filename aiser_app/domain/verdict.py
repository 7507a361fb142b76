"""What the guard says of a query: a decision with its reason, never a bool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from aiser_app.domain.actor import Claims

ParameterValue: TypeAlias = str | int | float | bool | Decimal | date | datetime | None
"""What may be bound to a parameter; a list of them where the query says `IN (:name)`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundParameter:
    """One place of a statement that a driver fills.

    `token` stands in the statement's SQL exactly once. It is drawn by chance for each statement, so
    nobody can write text that looks like one.
    """

    token: str
    name: str
    value: ParameterValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """SQL that the guard has written, with tokens where values are bound by the driver."""

    sql: str
    parameters: tuple[BoundParameter, ...] = ()
    """In the order in which their tokens stand in `sql`."""

    def written(self, style: Callable[[int, BoundParameter], str]) -> str:
        """The text for a driver: `style(position from 1, parameter)` says how it writes a place."""
        text = self.sql
        for position, parameter in enumerate(self.parameters, start=1):
            text = text.replace(parameter.token, style(position, parameter), 1)
        return text

    @property
    def shown(self) -> str:
        """The text for people, and for cache keys: parameters by name."""
        return self.written(lambda _, parameter: f":{parameter.name}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """The query may run, as `statement`: re-rendered from the tree that was judged."""

    statement: Statement
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    claims: Claims
    policies: tuple[str, ...] = field(default=())
    """Names of the policies that were injected, for the audit and for people."""
    fingerprint: str = ""
    """Of the text for people, where it came up on the way; `guard.fingerprint` makes it anywhere."""

    @property
    def sql(self) -> str:
        """The text for people."""
        return self.statement.shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """The query may not run. `reason` is for the person who asked."""

    reason: str
    line: int | None = None
    """Where in the text, from 1, if it is about one place."""
    column: int | None = None


Verdict: TypeAlias = Allowed | Denied
