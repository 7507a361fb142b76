"""The optional packages: imported when a source needs them, and named when they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import NoSuchModuleError

from aiser_app.errors import EngineUnavailable


def driver(module: str) -> Any:
    """A driver's module.

    Raises:
        EngineUnavailable: its package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(module) from error


def connected(url: URL, arguments: dict[str, Any], **dialect_options: Any) -> Any:
    """A driver's connection, by the arguments that its SQLAlchemy dialect makes of the URL.

    `arguments` come on top. The dialect itself never talks to the database: what it would ask at
    the first connection is not needed here.

    Raises:
        EngineUnavailable: a package is not installed.
        whatever the driver raises
    """
    try:
        kind: Any = url.get_dialect()
        dbapi = kind.import_dbapi()
    except (ImportError, NoSuchModuleError) as error:
        raise _missing(url.get_backend_name()) from error
    dialect = kind(dbapi=dbapi, **dialect_options)
    positional, named = dialect.create_connect_args(url)
    return dialect.connect(*positional, **{**named, **arguments})


_ALONE = {"pyspark": "pyspark-client"}
"""Packages that are not in requirements-warehouses.txt."""


def _missing(name: str) -> EngineUnavailable:
    package = name.partition(".")[0]
    what = _ALONE.get(package, "-r requirements-warehouses.txt")
    return EngineUnavailable(
        f"The driver for this kind of database ({package}) is not installed.",
        hint=f"Install it with: pip install {what}",
    )
