"""Drivers without a database: what they are given, and what they answer."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.query.connection import HostRules
from aiser_app.query.engines.contract import Engine


def a_source(engine: str, url: str) -> DataSource:
    return DataSource(
        source_id=uuid.uuid4().hex,
        organization_id="0" * 32,
        name="Warehouse",
        engine=engine,
        sealed_url=url,
        settings=SourceSettings(max_concurrent=1, connect_timeout_seconds=3),
    )


def a_statement(sql: str, *values: ParameterValue) -> Statement:
    """The text with `{}` at the places of the values."""
    tokens = [f"token_{position}_x" for position in range(len(values))]
    return Statement(
        sql=sql.format(*tokens) if values else sql,
        parameters=tuple(
            BoundParameter(token=token, name=f"v{position}", value=value)
            for position, (token, value) in enumerate(zip(tokens, values, strict=True))
        ),
    )


class AnyHost(HostRules):
    """Names are not resolved: tests reach nobody."""

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)


def rows(
    engine: Engine,
    source: DataSource,
    statement: Statement | str,
    seconds: float = 10,
    cancel: CancelToken | None = None,
) -> list[dict[str, Any]]:
    if isinstance(statement, str):
        statement = a_statement(statement)
    with engine.stream(
        source, statement, timeout_seconds=seconds, cancel=cancel or CancelToken()
    ) as stream:
        return [row for batch in stream for row in batch.to_pylist()]


Answer = Callable[[str, Any], tuple[Sequence[tuple[Any, ...]], list[tuple[Any, ...]]]]
"""(description, rows) for a text and its values; or it raises."""


@dataclass
class FakeDriver:
    """What a driver's `connect` does in tests."""

    answer: Answer
    arguments: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    connections: int = 0
    rolled_back: int = 0
    closed: int = 0
    failure: BaseException | None = None

    def connect(self, *args: Any, **named: Any) -> FakeConnection:
        if self.failure is not None:
            raise self.failure
        self.arguments = {**named, "positional": args}
        self.connections += 1
        return FakeConnection(self)

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.asked]


class FakeConnection:
    """Of DB-API 2.0, with the extras that one or the other driver has."""

    def __init__(self, driver: FakeDriver) -> None:
        self.driver = driver
        self._conn = self  # pymssql's inner connection
        self.query_timeout = 0
        self.session_id = 7

    def cursor(self) -> FakeCursor:
        return FakeCursor(self.driver)

    def autocommit(self, _on: bool) -> None:
        """As pymssql has it."""

    def rollback(self) -> None:
        self.driver.rolled_back += 1

    def close(self) -> None:
        self.driver.closed += 1


class FakeCursor:
    def __init__(self, driver: FakeDriver) -> None:
        self.driver = driver
        self.description: Sequence[tuple[Any, ...]] | None = None
        self.left: list[tuple[Any, ...]] = []
        self.cancelled = threading.Event()

    def execute(self, sql: str, values: Any = None) -> FakeCursor:
        self.driver.asked.append((sql, values))
        self.description, rows = self.driver.answer(sql, values)
        self.left = list(rows)
        return self

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        found, self.left = self.left[:size], self.left[size:]
        return found

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def nothing() -> Iterator[None]:
    yield
