"""SQL Server and Azure SQL, over SQLAlchemy's dialect and pymssql.

There is no read-only session either, but transactions: every query runs in one that is rolled back.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pyarrow as pa
from sqlalchemy import URL
from typing_extensions import override

from aiser_app.domain.verdict import BoundParameter
from aiser_app.query.connection import Address
from aiser_app.query.engines.contract import Plan, TableSchema
from aiser_app.query.engines.warehouses.adapter import (
    Adapter,
    Fetched,
    Problem,
    Session,
    Values,
    lines,
    rows,
)
from aiser_app.query.engines.warehouses.arrow import fetched
from aiser_app.query.engines.warehouses.catalog import CatalogQueries, read_catalog
from aiser_app.query.engines.warehouses.cursors import CursorSession
from aiser_app.query.engines.warehouses.drivers import connected, driver

_KINDS: dict[int, pa.DataType] = {1: pa.string(), 2: pa.binary()}
"""Types by pymssql's numbers; those of numbers and dates are decided by the values."""
_CATALOG = CatalogQueries(
    columns=(
        "SELECT s.name, o.name, c.name, "
        "CASE WHEN t.name IN ('decimal', 'numeric') THEN t.name + '(' + "
        "CAST(c.precision AS varchar(9)) + ',' + CAST(c.scale AS varchar(9)) + ')' ELSE t.name END,"
        " CAST(p.value AS nvarchar(4000)) "
        "FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id "
        "JOIN sys.schemas AS s ON s.schema_id = o.schema_id "
        "JOIN sys.types AS t ON t.user_type_id = c.user_type_id "
        "LEFT JOIN sys.extended_properties AS p ON p.class = 1 AND p.major_id = c.object_id "
        "AND p.minor_id = c.column_id AND p.name = 'MS_Description' "
        "WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name, c.column_id"
    ),
    tables=(
        "SELECT s.name, o.name, CASE o.type WHEN 'V' THEN 'VIEW' ELSE 'TABLE' END, "
        "(SELECT SUM(r.rows) FROM sys.partitions AS r "
        "WHERE r.object_id = o.object_id AND r.index_id IN (0, 1)), "
        "CAST(p.value AS nvarchar(4000)) FROM sys.objects AS o "
        "JOIN sys.schemas AS s ON s.schema_id = o.schema_id "
        "LEFT JOIN sys.extended_properties AS p ON p.class = 1 AND p.major_id = o.object_id "
        "AND p.minor_id = 0 AND p.name = 'MS_Description' "
        "WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name"
    ),
    views=(
        "SELECT s.name, v.name, m.definition FROM sys.views AS v "
        "JOIN sys.schemas AS s ON s.schema_id = v.schema_id "
        "JOIN sys.sql_modules AS m ON m.object_id = v.object_id"
    ),
    keys=(
        "SELECT s.name, o.name, i.name, c.name, i.is_primary_key FROM sys.indexes AS i "
        "JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id "
        "AND k.is_included_column = 0 "
        "JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id "
        "JOIN sys.objects AS o ON o.object_id = i.object_id AND o.is_ms_shipped = 0 "
        "JOIN sys.schemas AS s ON s.schema_id = o.schema_id "
        "ORDER BY s.name, o.name, i.name, k.key_ordinal"
    ),
)
_PROBLEMS = {
    102: Problem.SYNTAX,
    105: Problem.SYNTAX,
    156: Problem.SYNTAX,
    195: Problem.FUNCTION,
    207: Problem.COLUMN,
    208: Problem.TABLE,
    229: Problem.RIGHTS,
    230: Problem.RIGHTS,
    245: Problem.TYPES,
    241: Problem.TYPES,
    402: Problem.TYPES,
    8114: Problem.TYPES,
    8117: Problem.TYPES,
    8115: Problem.TYPES,
    8134: Problem.ZERO,
    8120: Problem.GROUPING,
    701: Problem.MEMORY,
    8645: Problem.MEMORY,
    1205: Problem.BUSY,
    1222: Problem.BUSY,
    40501: Problem.BUSY,
    596: Problem.CANCELLED,
    4060: Problem.DATABASE,
    911: Problem.DATABASE,
    18456: Problem.SIGN_IN,
    18452: Problem.SIGN_IN,
    20003: Problem.TIMED_OUT,
    20002: Problem.UNREACHABLE,
    20009: Problem.UNREACHABLE,
    20006: Problem.UNREACHABLE,
    20047: Problem.UNREACHABLE,
}


class SQLServer(Adapter):
    name = "mssql"
    dialect = "tsql"
    doubles_percent = True

    @override
    def placeholder(self, position: int, parameter: BoundParameter) -> str:
        return "%s"

    @override
    def is_encrypted(self, address: Address) -> bool:
        return address.parameters.get("encryption", "request") == "require"

    @property
    @override
    def failures(self) -> tuple[type[BaseException], ...]:
        pymssql = driver("pymssql")
        return (pymssql.Error, driver("pymssql._mssql").MSSQLException, OSError, ValueError)

    @override
    def open(self, address: Address, timeout_seconds: float) -> Session:
        def connect() -> Any:
            return connected(url(address), arguments(address, timeout_seconds))

        session = _Session(connect(), connect)
        ((number, version),) = rows(session, "SELECT @@SPID, @@VERSION")
        session.number = int(number)
        session.version = str(version).partition("\n")[0].strip()
        session.end()
        return session

    @override
    def problem(self, error: BaseException) -> Problem:
        number = _number(error)
        if number is None:
            return Problem.UNREACHABLE
        return _PROBLEMS.get(number, Problem.REFUSED)

    @override
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]:
        return read_catalog(lambda sql: rows(session, sql), _CATALOG, "dbo")

    @override
    def explain(self, session: Session, sql: str, values: Values) -> Plan | None:
        """While SHOWPLAN is on, queries are planned and not run."""
        session.run("SET SHOWPLAN_TEXT ON", ())
        try:
            found = lines(session.run(sql, values))
        finally:
            session.run("SET SHOWPLAN_TEXT OFF", ())
        return Plan(text="\n".join(found))


def url(address: Address) -> URL:
    return URL.create(
        "mssql+pymssql",
        username=address.user,
        password=address.password,
        host=address.host,
        port=address.port,
        database=address.database,
    )


def arguments(address: Address, timeout_seconds: float) -> dict[str, Any]:
    """On top of what the URL says."""
    return {
        "login_timeout": max(1, int(timeout_seconds)),
        "charset": address.parameters.get("charset", "UTF-8"),
        "appname": "Aiser",
        "autocommit": False,
        "use_datetime2": True,
        "encryption": address.parameters.get("encryption", "request"),
        "read_only": True,  # ApplicationIntent: replicas for reading take such sessions
    }


def _number(error: BaseException) -> int | None:
    """SQL Server's number, which pymssql nests in different ways."""
    first: object = getattr(error, "number", None) or (error.args[0] if error.args else None)
    if isinstance(first, tuple) and first:
        first = first[0]
    return first if isinstance(first, int) else None


class _Session(CursorSession):
    """Stops a query by KILL over a second connection, where the login may; else by its time limit."""

    number = 0

    def __init__(self, connection: Any, connect: Any) -> None:
        super().__init__(connection)
        self._connect = connect

    @override
    def set_limit(self, seconds: int) -> None:
        self.connection._conn.query_timeout = seconds

    @override
    def read(self) -> Fetched:
        cursor = self.cursor
        if cursor.description is None:  # SET and the like
            return fetched((), lambda _: ())
        names = [str(column[0]) for column in cursor.description]
        kinds = [_KINDS.get(column[1]) for column in cursor.description]
        return fetched(names, cursor.fetchmany, kinds)

    @override
    def end(self) -> None:
        super().end()
        self.connection.rollback()

    @override
    def cancel(self) -> None:
        if self.cursor is None:
            return
        second = self._connect()
        with contextlib.closing(second):
            second.autocommit(True)
            second.cursor().execute(f"KILL {self.number:d}")
