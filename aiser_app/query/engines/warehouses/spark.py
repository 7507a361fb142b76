"""Spark Connect (`sc://`), over pyspark-client: Spark clusters of one's own.

pyspark-client is not in requirements-warehouses.txt: whoever uses Spark installs the version that
fits the cluster. An answer arrives whole, so it has to fit into memory; the guard's limit bounds it.
"""

from __future__ import annotations

import logging
import socket
import uuid
from typing import Any

from typing_extensions import override

from aiser_app.query.connection import Address
from aiser_app.query.engines.contract import ColumnSchema, TableSchema
from aiser_app.query.engines.warehouses.adapter import (
    Adapter,
    Fetched,
    Problem,
    Session,
    Values,
    plain,
)
from aiser_app.query.engines.warehouses.arrow import unified
from aiser_app.query.engines.warehouses.catalog import column_type
from aiser_app.query.engines.warehouses.databricks import problem_of
from aiser_app.query.engines.warehouses.drivers import driver

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}


class Spark(Adapter):
    name = "spark"
    dialect = "spark"
    native_arrow = True
    explain_prefix = "EXPLAIN FORMATTED "

    @override
    def is_encrypted(self, address: Address) -> bool:
        return address.parameters.get("use_ssl") == "true"

    @property
    @override
    def failures(self) -> tuple[type[BaseException], ...]:
        return (
            driver("pyspark.errors").PySparkException,
            driver("grpc").RpcError,
            OSError,
            ValueError,
        )

    @override
    def open(self, address: Address, timeout_seconds: float) -> Session:
        builder = driver("pyspark.sql.connect.session").SparkSession.builder
        # Spark's client would try again for minutes.
        socket.create_connection((address.host, address.port), timeout_seconds).close()
        # It logs queries with the values of rows that failed.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
        spark = builder.remote(url(address)).create()
        for key, value in _SETTINGS.items():
            spark.conf.set(key, value)
        return _Session(spark)

    @override
    def problem(self, error: BaseException) -> Problem:
        return problem_of(str(error))

    @override
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]:
        """Spark has no catalog to be asked by SQL, so each table is asked for its columns."""
        if not isinstance(session, _Session):
            return ()
        return session.tables()


def url(address: Address) -> str:
    """As Spark reads it; the parts were judged before, and hold none of its separators."""
    parts = [f"{key}={value}" for key, value in address.parameters.items()]
    if address.password:
        parts.append(f"token={address.password}")
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"sc://{host}:{address.port}/;{';'.join(parts)}".rstrip(";")


class _Session:
    """A Spark session; queries are found again by a tag."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark
        self._tag = f"aiser-{uuid.uuid4().hex}"
        spark.addTag(self._tag)
        self.version = f"Spark {spark.version}"

    def begin(self, limit_seconds: int) -> None:
        """Spark Connect keeps no time limit of its own: the watchdog does."""

    def run(self, sql: str, values: Values) -> Fetched:
        frame = self._spark.sql(sql, args=list(plain(values)) or None)
        table = frame.toArrow()
        return unified(iter([table]), lambda: table.schema)

    def tables(self) -> tuple[TableSchema, ...]:
        catalog = self._spark.catalog
        return tuple(
            TableSchema(
                name=table.name,
                columns=tuple(
                    ColumnSchema(
                        name=column.name,
                        native_type=column.dataType,
                        type=column_type(column.dataType),
                        description=column.description or "",
                    )
                    for column in catalog.listColumns(table.name)
                ),
                description=table.description or "",
                is_view=table.tableType == "VIEW",
            )
            for table in catalog.listTables()
            if not table.isTemporary
        )

    def end(self) -> None:
        """Nothing is left of a query."""

    def cancel(self) -> None:
        self._spark.interruptTag(self._tag)

    def close(self) -> None:
        self._spark.stop()
