"""ClickHouse over HTTP(S), by clickhouse-connect."""

from aiser_app.query.engines.clickhouse.engine import ClickHouseEngine

__all__ = ["ClickHouseEngine"]
