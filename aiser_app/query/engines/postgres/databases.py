"""The driver's database objects, shared by the sessions of a source.

Making one reads all types of the server, those of every table's rows included: seconds where there
are thousands of tables. A session alone takes milliseconds.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import adbc_driver_manager as adbc
import adbc_driver_postgresql
from psycopg.conninfo import make_conninfo

from aiser_app.query.engines.postgres.reaching import Parameters

KEEP_SECONDS = 600.0
"""After this the types are read again, for new sessions. One that is unknown is read as text."""


@dataclass(eq=False, slots=True)
class _Known:
    lock: threading.Lock = field(default_factory=threading.Lock)
    database: adbc.AdbcDatabase | None = None
    since: float = 0.0


class Databases:
    """One per way to reach a server."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def connect(self, parameters: Parameters) -> adbc.AdbcConnection:
        """Raises `adbc.Error`."""
        info = make_conninfo(**parameters)
        with self._lock:
            if self._pid != os.getpid():
                self._known, self._pid = {}, os.getpid()
            known = self._known.setdefault(info, _Known())
        with known.lock:
            if known.database is None or time.monotonic() - known.since > KEEP_SECONDS:
                _close(known)
                known.database = adbc_driver_postgresql.connect(info)
                known.since = time.monotonic()
            return adbc.AdbcConnection(known.database)

    def close(self) -> None:
        with self._lock:
            known, self._known = self._known, {}
        for one in known.values():
            with one.lock:
                _close(one)


def _close(known: _Known) -> None:
    """Sessions that still use it keep it alive."""
    if known.database is not None:
        with suppress(adbc.Error, RuntimeError):
            known.database.close()
    known.database = None
