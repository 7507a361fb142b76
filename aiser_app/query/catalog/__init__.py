"""Reads what a source holds: schema, measured facts of columns, links between tables."""

from aiser_app.query.catalog.read import read_catalog

__all__ = ["read_catalog"]
