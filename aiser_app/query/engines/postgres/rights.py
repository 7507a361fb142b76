"""The test of a connection to PostgreSQL: signing in, and what the role may do."""

from __future__ import annotations

import re
from typing import Any

import psycopg

from aiser_app.domain.connection import ConnectionStep
from aiser_app.query.connection import Address, SignedIn, StepFailed
from aiser_app.query.engines.postgres.reaching import Parameters, connect

Connection = psycopg.Connection[tuple[Any, ...]]

_RIGHTS = """
WITH mine AS (
  SELECT c.oid, n.oid AS schema
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  EXISTS (SELECT FROM mine WHERE has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
          AND has_schema_privilege(schema, 'USAGE')),
  has_database_privilege(current_database(), 'CREATE')
    OR EXISTS (SELECT FROM pg_namespace WHERE nspname !~ '^pg_'
               AND nspname <> 'information_schema' AND has_schema_privilege(oid, 'CREATE')),
  EXISTS (SELECT FROM mine WHERE has_any_column_privilege(oid, 'SELECT')
          AND has_schema_privilege(schema, 'USAGE')),
  pg_is_in_recovery()
"""
_SUPERUSER = (
    "The role is a superuser: it may read files of the server and change everything. "
    "Use a role that may only SELECT."
)
_WRITES = (
    "The role may change data. Aiser only reads, but a role that may only SELECT is safer: "
    "CREATE ROLE aiser_reader LOGIN PASSWORD '…'; GRANT SELECT ON ALL TABLES IN SCHEMA public "
    "TO aiser_reader."
)
_CREATES = "The role may create objects in the database. A role that may only SELECT is safer."


def sign_in(address: Address, parameters: Parameters) -> SignedIn[Connection]:
    """Raises `StepFailed`: of the step TLS or SIGN_IN."""
    try:
        connection = connect(parameters)
    except psycopg.Error as error:
        raise _failure(str(error), address) from error
    return SignedIn(
        session=connection,
        server_version=connection.info.parameter_status("server_version") or "",
        is_encrypted=bool(connection.pgconn.ssl_in_use),
        close=connection.close,
    )


def warnings(connection: Connection) -> list[str]:
    """What the role may do that it should not.

    Raises:
        StepFailed: it may read nothing.
    """
    try:
        row = connection.execute(_RIGHTS).fetchone() or (False,) * 5
    except psycopg.Error as error:
        message = "The role may not read the database's catalog."
        raise StepFailed(ConnectionStep.RIGHTS, message) from error
    is_superuser, writes, creates, reads, is_standby = row
    if not reads:
        raise StepFailed(
            ConnectionStep.RIGHTS,
            "The role may not read any table. GRANT USAGE ON SCHEMA and GRANT SELECT ON the "
            "tables that Aiser should see.",
        )
    if is_superuser:
        return [_SUPERUSER]
    found = [(_WRITES, writes), (_CREATES, creates and not writes)]
    return [text for text, applies in found if applies and not is_standby]


def _failure(text: str, address: Address) -> StepFailed:
    """What libpq says has no code: its own words, and those of a server that speaks English."""
    for pattern, step, message in _FAILURES:
        if re.search(pattern, text):
            return StepFailed(step, message.format(user=address.user, database=address.database))
    return StepFailed(
        ConnectionStep.SIGN_IN,
        "The server answers, but does not let us in. Check user, password and database, and that "
        "a PostgreSQL server listens on this port.",
    )


_FAILURES = (
    (
        "does not support SSL",
        ConnectionStep.TLS,
        "The server does not offer encryption. Switch it on there, or use sslmode=prefer.",
    ),
    (
        "certificate verify failed|root certificate|server certificate",
        ConnectionStep.TLS,
        "The server's certificate is not one that this machine trusts for that name. "
        "Check the host name, or use sslmode=require.",
    ),
    (
        "no encryption",
        ConnectionStep.TLS,
        "The server accepts encrypted connections only. Use sslmode=require.",
    ),
    ("SSL error|SSL SYSCALL", ConnectionStep.TLS, "The encrypted connection could not be made."),
    (
        'database ".*" does not exist',
        ConnectionStep.SIGN_IN,
        "The server has no database “{database}”. Check its name at the end of the URL.",
    ),
    (
        'password authentication failed|role ".*" does not exist',
        ConnectionStep.SIGN_IN,
        "The server does not accept user “{user}” with this password. Check both.",
    ),
    (
        "pg_hba.conf",
        ConnectionStep.SIGN_IN,
        "The server does not let user “{user}” connect to “{database}” from Aiser's machine. "
        "It needs a line in the server's pg_hba.conf.",
    ),
    (
        "permission denied for database|is not permitted to log in",
        ConnectionStep.SIGN_IN,
        "The role “{user}” may not connect to “{database}”. GRANT CONNECT and LOGIN.",
    ),
    (
        "too many clients|too many connections|remaining connection slots",
        ConnectionStep.SIGN_IN,
        "The server has no connection left. Try again later, or raise its max_connections.",
    ),
    (
        "starting up|shutting down|recovery mode",
        ConnectionStep.SIGN_IN,
        "The database is starting or stopping. Try again in a moment.",
    ),
)
