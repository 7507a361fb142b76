"""Engines that take over when one machine is not enough: optional extras (docs/engines.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiser_app.query.connection import HostRules
from aiser_app.query.engines.warehouses.adapter import Adapter
from aiser_app.query.engines.warehouses.bigquery import BigQuery
from aiser_app.query.engines.warehouses.databricks import Databricks
from aiser_app.query.engines.warehouses.engine import WarehouseEngine
from aiser_app.query.engines.warehouses.snowflake import Snowflake
from aiser_app.query.engines.warehouses.spark import Spark
from aiser_app.query.engines.warehouses.sqlserver import SQLServer
from aiser_app.query.engines.warehouses.trino import Trino

ADAPTERS: tuple[type[Adapter], ...] = (Snowflake, BigQuery, SQLServer, Trino, Databricks, Spark)


def warehouse_engines(
    unseal: Callable[[str], str], rules: HostRules
) -> Mapping[str, WarehouseEngine]:
    """One engine per adapter, by the name that `DataSource.engine` has."""
    return {adapter.name: WarehouseEngine(adapter(), unseal, rules) for adapter in ADAPTERS}


__all__ = ["ADAPTERS", "WarehouseEngine", "warehouse_engines"]
