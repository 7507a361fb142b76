"""Reads what a source holds: schema, measured facts of columns, links between tables."""

from aiser_app.query.catalog.granted import GrantedTables, GrantedTablesCache, granted
from aiser_app.query.catalog.read import MAX_STATEMENTS, read_catalog

__all__ = ["MAX_STATEMENTS", "GrantedTables", "GrantedTablesCache", "granted", "read_catalog"]
