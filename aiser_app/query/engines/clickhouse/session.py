"""A client of one server, and the settings that every query of it gets."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.httputil import get_pool_manager_options
from typing_extensions import override
from urllib3.util import Timeout

from aiser_app.domain.data_source import DataSource
from aiser_app.query.connection import Address, HostRules

log = logging.getLogger(__name__)
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # it logs addresses

FAILURES = (ClickHouseError, urllib3.exceptions.HTTPError, OSError)
"""What the client raises: the server's errors, and those of the network."""

_GRACE_SECONDS = 5.0
"""After the time limit, for the server's own word about it."""
_KILL_SECONDS = 2.0

_WANTED = {
    "session_timezone": "UTC",
    "join_use_nulls": "1",  # an outer join without a partner gives NULL, as everywhere else
    "output_format_arrow_string_as_string": "1",
    "output_format_arrow_low_cardinality_as_dictionary": "0",
    "output_format_arrow_fixed_string_as_fixed_byte_array": "0",
    "output_format_arrow_date_as_uint16": "0",
    "cancel_http_readonly_queries_on_client_close": "1",
}
"""Sent where the server knows them and lets the user change them."""


class _Pool(urllib3.PoolManager):
    """Never follows a redirect: it could lead to a host that nobody has judged."""

    @override
    def urlopen(  # type: ignore[override]
        self, method: str, url: str, redirect: bool = True, **kw: Any
    ) -> Any:
        return super().urlopen(method, url, redirect=False, **kw)


@dataclass(eq=False, slots=True)
class Session:
    """One client. One query at a time; `kill` may come from another thread."""

    client: HttpClient
    pool: urllib3.PoolManager
    settings: Mapping[str, str]
    can_limit: bool
    """Whether the user may set a time limit; the watchdog ends queries in any case."""
    query_id: str = field(default="")

    @property
    def version(self) -> str:
        return str(self.client.server_version)

    def begin(self) -> None:
        """A new query: all its requests get ids that start alike."""
        self.query_id = uuid.uuid4().hex

    def options(self, name: str, limit_seconds: float) -> dict[str, str]:
        """Settings of one request of the query."""
        self.client.timeout = Timeout(
            connect=self.client.timeout.connect_timeout, read=limit_seconds + _GRACE_SECONDS
        )
        found = {**self.settings, "query_id": f"{self.query_id}-{name}"}
        if self.can_limit:
            found["max_execution_time"] = str(max(1, int(limit_seconds)))
        return found

    def rows(
        self, sql: str, limit_seconds: float, parameters: Mapping[str, str] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of a short query."""
        found = self.client.query(
            sql, dict(parameters or {}), self.options(uuid.uuid4().hex[:8], limit_seconds)
        )
        return [tuple(row) for row in found.result_rows]

    def text(
        self, sql: str, limit_seconds: float, parameters: Mapping[str, str] | None = None
    ) -> str:
        """The raw answer to a query, one line per row."""
        raw = self.client.raw_query(
            sql,
            dict(parameters or {}),
            self.options(uuid.uuid4().hex[:8], limit_seconds),
            fmt="TabSeparatedRaw",
        )
        return raw.decode(errors="replace")

    def stream(self, sql: str, limit_seconds: float, parameters: Mapping[str, str]) -> Any:
        """The response with an Arrow stream."""
        return self.client.raw_stream(
            sql, dict(parameters), self.options("rows", limit_seconds), fmt="ArrowStream"
        )

    def kill(self) -> None:
        """End the query in the server; called again and again by a watchdog, never raises."""
        try:
            self.client.http.request(
                "POST",
                f"{self.client.url}/",
                body=f"KILL QUERY WHERE startsWith(query_id, '{self.query_id}') ASYNC",
                headers=dict(self.client.headers),
                timeout=Timeout(connect=_KILL_SECONDS, read=_KILL_SECONDS),
                retries=False,
            )
        except urllib3.exceptions.HTTPError:
            log.info("clickhouse could not be told to stop a query")

    def close(self) -> None:
        """Give the connections back; never raises."""
        with contextlib.suppress(*FAILURES):
            self.client.close()
        self.pool.clear()


def open_session(address: Address, rules: HostRules, timeout_seconds: float) -> Session:
    """Connect and sign in.

    Raises:
        one of FAILURES; InvalidInput or EngineUnavailable: the host may not be reached.
    """
    place = rules.check(address.host, address.port)
    is_secure = uses_tls(address)
    named = address.host if is_secure else None
    pool = _Pool(**_pool_options(address, is_secure))
    try:
        client = HttpClient(
            interface="https" if is_secure else "http",
            host=place,
            port=address.port,
            username=address.user or "default",
            password=address.password,
            database=address.database or None,
            compress=False,
            query_retries=0,
            connect_timeout=max(1, int(timeout_seconds)),
            send_receive_timeout=max(1, int(timeout_seconds)),
            client_name="aiser",
            pool_mgr=pool,
            server_host_name=named,
            show_clickhouse_errors=True,
            autogenerate_session_id=False,
        )
        return _prepared(client, pool)
    except BaseException:
        pool.clear()
        raise


def uses_tls(address: Address) -> bool:
    return address.scheme == "clickhouse+https" or address.parameters.get("secure") == "true"


def connect_seconds(address: Address, source: DataSource) -> float:
    return float(address.parameters.get("connect_timeout", source.settings.connect_timeout_seconds))


def _prepared(client: HttpClient, pool: urllib3.PoolManager) -> Session:
    settings = {name: value for name, value in _WANTED.items() if _may_change(client, name)}
    if _may_change(client, "readonly"):
        settings["readonly"] = "1"  # of the request: nothing in the query can take it back
    return Session(client, pool, settings, can_limit=_may_change(client, "max_execution_time"))


def _may_change(client: HttpClient, name: str) -> bool:
    """A user of a readonly profile may not; an older server does not know every setting."""
    known = client.server_settings.get(name)
    readonly = client.server_settings.get("readonly")
    if name == "readonly" and known is not None and known.value != "0":
        return False
    return known is not None and not known.readonly and (readonly is None or readonly.value != "1")


def _pool_options(address: Address, is_secure: bool) -> dict[str, Any]:
    options: dict[str, Any] = get_pool_manager_options(
        verify=address.parameters.get("verify") != "false"
    )
    if not is_secure:
        for name in ("cert_reqs", "ca_certs"):
            options.pop(name, None)
        return options
    options["server_hostname"] = address.host
    if options["cert_reqs"] == "CERT_REQUIRED":
        options["assert_hostname"] = address.host
    return options
