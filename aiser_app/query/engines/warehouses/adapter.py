"""What is different from one warehouse to the next; everything else is in the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar, Protocol, TypeAlias

import pyarrow as pa

from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.query.connection import Address
from aiser_app.query.engines.contract import Plan, TableSchema

Values: TypeAlias = Sequence[BoundParameter]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a query: its schema, and batches that are fetched while they are read."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


class Problem(Enum):
    """What went wrong, whatever number the database has for it."""

    COLUMN = auto()
    TABLE = auto()
    FUNCTION = auto()
    SYNTAX = auto()
    TYPES = auto()
    GROUPING = auto()
    ZERO = auto()
    RIGHTS = auto()
    MEMORY = auto()
    REFUSED = auto()
    """The query cannot run, for a reason that has no words here."""
    TIMED_OUT = auto()
    CANCELLED = auto()
    SIGN_IN = auto()
    DATABASE = auto()
    BUSY = auto()
    TLS = auto()
    UNREACHABLE = auto()


class Session(Protocol):
    """One connection, used by one thread at a time; `cancel` may come from another."""

    version: str

    def begin(self, limit_seconds: int) -> None:
        """Before a query: the time limit that the database itself shall keep."""

    def run(self, sql: str, values: Values) -> Fetched:
        """Run a query whose text has the driver's placeholders."""

    def end(self) -> None:
        """After a query: undo whatever it may have changed."""

    def cancel(self) -> None:
        """Stop the running query in the database; does nothing when none runs."""

    def close(self) -> None: ...


class Adapter(ABC):
    """One kind of warehouse."""

    name: ClassVar[str]
    """As in `DataSource.engine`."""
    dialect: ClassVar[str]
    """sqlglot's name."""
    native_arrow: ClassVar[bool] = False
    explain_prefix: ClassVar[str] = ""
    """What makes the query's plan out of the query; empty where there is another way, or none."""
    doubles_percent: ClassVar[bool] = False
    """Whether the driver puts values into the text by Python's % operator."""

    def placeholder(self, position: int, parameter: BoundParameter) -> str:
        """What stands at the place of a parameter, for the driver."""
        return "?"

    def text(self, statement: Statement) -> str:
        """The statement with the driver's placeholders."""
        if self.doubles_percent and statement.parameters:
            statement = Statement(
                sql=statement.sql.replace("%", "%%"), parameters=statement.parameters
            )
        return statement.written(self.placeholder)

    def server(self, address: Address) -> tuple[str, int]:
        """Host and port that the driver will connect to."""
        return address.host, address.port

    def is_encrypted(self, address: Address) -> bool:
        return True

    @property
    @abstractmethod
    def failures(self) -> tuple[type[BaseException], ...]:
        """What the driver raises. Asked only after a session was opened, or failed to."""

    @abstractmethod
    def open(self, address: Address, timeout_seconds: float) -> Session:
        """Connect and sign in.

        Raises:
            EngineUnavailable: the driver is not installed.
            one of `failures`
        """

    @abstractmethod
    def problem(self, error: BaseException) -> Problem: ...

    @abstractmethod
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]: ...

    def explain(self, session: Session, sql: str, values: Values) -> Plan | None:
        """The plan of a query, without running it."""
        if not self.explain_prefix:
            return None
        return Plan(text="\n".join(lines(session.run(f"{self.explain_prefix}{sql}", values))))


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a short query without values."""
    fetched = session.run(sql, ())
    return [
        tuple(column[place] for column in columns)
        for batch in fetched.batches
        for columns in [[array.to_pylist() for array in batch.columns]]
        for place in range(batch.num_rows)
    ]


def lines(fetched: Fetched) -> list[str]:
    """The first column as text."""
    return [str(value) for batch in fetched.batches for value in batch.column(0).to_pylist()]


def plain(values: Values) -> tuple[ParameterValue, ...]:
    return tuple(parameter.value for parameter in values)


Rows: TypeAlias = Callable[[str], list[tuple[Any, ...]]]
