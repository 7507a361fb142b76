"""What values and conditions of a row may ask of the SELECT that they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlglot import exp

from aiser_app.domain.semantic_query import Condition, TimePart
from aiser_app.semantic.conditions import Value
from aiser_app.semantic.scope import Build, Scope
from aiser_app.semantic.vocabulary import Vocabulary


class RowReader(Protocol):
    """See `Rows`, which is the only one; a protocol, since values are made of conditions and back."""

    @property
    def scope(self) -> Scope: ...

    @property
    def build(self) -> Build: ...

    @property
    def words(self) -> Vocabulary: ...

    def member(
        self, name: str, role: str = "", *, may_fan: bool = False, steps: int = 0
    ) -> Value: ...

    def part(self, name: str, role: str, part: TimePart, *, may_fan: bool = False) -> exp.Expr: ...

    def condition(self, condition: Condition) -> exp.Expr: ...

    def conditions(self, conditions: Sequence[Condition]) -> list[exp.Expr]: ...

    def within(self, scope: Scope) -> RowReader: ...
