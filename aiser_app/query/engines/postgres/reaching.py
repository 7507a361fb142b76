"""How both drivers reach a server: the same parameters of libpq, none left to the environment."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from aiser_app.domain.data_source import DataSource
from aiser_app.errors import EngineUnavailable, InvalidInput
from aiser_app.query.connection import Address, HostRules, read_address

READ_ONLY = "-c default_transaction_read_only=on"
_NO_OPTIONS = "unsupported startup parameter"
"""What PgBouncer says of `options`; every transaction is opened READ ONLY anyhow."""

_NOWHERE = f"{os.devnull}.none"
"""A file that does not exist."""

Parameters = dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What an engine needs to know to reach the database of a source."""

    unseal: Callable[[str], str]
    rules: HostRules

    def address(self, source: DataSource) -> Address:
        """Raises `InvalidInput`, and whatever `unseal` raises."""
        address = read_address(self.unseal(source.sealed_url))
        if address.engine != source.engine:
            raise InvalidInput("The connection URL belongs to another kind of database.")
        return address

    def parameters(self, source: DataSource) -> Parameters:
        """For libpq, with the host resolved, so that no other address is reached later.

        Raises:
            EngineUnavailable: the URL or the host cannot be used.
        """
        try:
            address = self.address(source)
            places = self.rules.addresses(address.host, address.port)
            return libpq_parameters(address, places, source.settings.connect_timeout_seconds)
        except (InvalidInput, EngineUnavailable) as error:
            raise unavailable(source) from error


def libpq_parameters(address: Address, places: tuple[str, ...], limit: float) -> Parameters:
    """`places` are the addresses of the host; `limit` the connect timeout in seconds."""
    wanted = address.parameters.get("connect_timeout")
    seconds = int(wanted) if wanted else max(2, round(limit))  # libpq knows no less than 2 s
    found = {
        "host": ",".join(address.host for _ in places),
        "hostaddr": ",".join(places),
        "port": ",".join(str(address.port) for _ in places),
        "dbname": address.database,
        "sslmode": address.parameters.get("sslmode", "prefer"),
        "connect_timeout": str(seconds),
        "application_name": "Aiser",
        "gssencmode": "disable",
        "client_encoding": "UTF8",
        "options": READ_ONLY,
        # A peer that is gone without a word is noticed within half a minute.
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "30000",
        # Where these are empty libpq looks into the environment and the home folder.
        "user": address.user or "postgres",
        "password": address.password or "none",
        **dict.fromkeys(("passfile", "sslcert", "sslkey", "sslcrl", "sslrootcert"), _NOWHERE),
    }
    if found["sslmode"] == "verify-full":
        found["sslrootcert"] = _system_store()
    return found


def _system_store() -> str:
    """The file of the certificates that this machine trusts.

    Raises:
        InvalidInput: there is none.
    """
    file = ssl.get_default_verify_paths().cafile
    if not file or not Path(file).is_file():
        raise InvalidInput(
            "Certificates cannot be verified: this machine has no store of trusted ones.",
            hint="Install ca-certificates, or use sslmode=require.",
        )
    return file


def with_options_or_without(connecting: Callable[[Parameters], Any], parameters: Parameters) -> Any:
    """Connect with READ_ONLY at the start, or without where a proxy in between refuses that."""
    try:
        return connecting(parameters)
    except Exception as error:
        if _NO_OPTIONS not in str(error):
            raise
    return connecting({key: value for key, value in parameters.items() if key != "options"})


def connect(parameters: Parameters) -> psycopg.Connection[tuple[Any, ...]]:
    """Raises `psycopg.Error`. Every transaction of the connection is READ ONLY."""
    connection: psycopg.Connection[tuple[Any, ...]] = with_options_or_without(
        lambda found: psycopg.connect(make_conninfo(**found)), parameters
    )
    connection.read_only = True
    return connection


@contextmanager
def catalog_connection(
    parameters: Parameters, seconds: float
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """For reading the catalog within a time limit, in one snapshot."""
    connection = connect(parameters)
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}".encode())
        yield connection
    finally:
        connection.close()


def unavailable(source: DataSource) -> EngineUnavailable:
    return EngineUnavailable(
        f"The database of “{source.name}” cannot be reached.",
        hint="Test the connection of this data source: it says which step fails.",
    )
