"""One connection to MySQL or MariaDB, opened to the address that was judged, and bounded."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any, cast

import pymysql
from pymysql.connections import Connection, MysqlPacket, MySQLResult

from aiser_app.query.connection import Address, HostRules

ROW_BYTES = 64 * 1024 * 1024
"""Longest row that is read. A longer one would have to fit into memory whole, so it is refused."""

_BUFFER_BYTES = 512 * 1024
"""Of rows that wait in this machine: after a stop they would have to be read before its news."""
_NULL = 251
_WIDTHS = {252: 2, 253: 3, 254: 8}
"""Bytes of a length that does not fit into one, by what stands in its place."""
_ENCRYPTED = ("required", "verify_identity")


class RowTooLong(Exception):
    """A row is longer than ROW_BYTES; the connection is closed."""


class Wire(Connection):  # type: ignore[misc]  # pymysql has no types
    """pymysql's connection with a bound on rows, and a way to cut it from another thread."""

    _packet_bytes = 0

    def limit_reads(self, seconds: float | None) -> None:
        """How long one read may take; None while a query runs, whose watchdog looks after it."""
        self._read_timeout = seconds

    def cut(self) -> None:
        """Break the connection off; a reader in another thread gets an error at once."""
        sock = self._sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def start(self, sql: str) -> MySQLResult:
        """Run a query whose rows are read one by one, by `next_row`."""
        self.query(sql, unbuffered=True)
        return self._result

    def next_row(self) -> list[bytes | None] | None:
        """The next row, as bytes per column; None after the last.

        Written out here: pymysql's own way, one call per value, takes twice as long.
        """
        packet = self._read_packet()
        if packet.is_eof_packet():
            self._result._check_packet_is_eof(packet)
            self._result.unbuffered_active = False
            self._result.connection = None
            return None
        return _values(packet.get_all_data(), len(self._result.fields))

    @property
    def is_reading(self) -> bool:
        """Whether rows of a query are still on the way, or the connection is gone."""
        return not self.open or (self._result is not None and self._result.unbuffered_active)

    def abandon(self) -> None:
        """Close without reading the rows that are still on the way: there may be millions."""
        if self._result is not None:
            self._result.unbuffered_active = False
        self.cut()
        self._force_close()

    @property
    def place(self) -> str:
        """The address of the server that the connection has."""
        return str(self._sock.getpeername()[0]) if self._sock is not None else ""

    @property
    def row_bytes(self) -> int:
        """Length of the last row on the wire."""
        return self._packet_bytes

    @property
    def is_encrypted(self) -> bool:
        return bool(self._secure)

    def _read_packet(self, packet_type: type[MysqlPacket] = MysqlPacket) -> MysqlPacket:
        self._packet_bytes = 0
        return super()._read_packet(packet_type)

    def _read_bytes(self, num_bytes: int) -> bytes:
        self._packet_bytes += num_bytes
        if self._packet_bytes > ROW_BYTES:
            self._force_close()
            raise RowTooLong
        return cast("bytes", super()._read_bytes(num_bytes))


def _values(data: bytes, count: int) -> list[bytes | None]:
    """The values of a row: each is preceded by its length, in one to nine bytes."""
    row: list[bytes | None] = []
    at = 0
    for _ in range(count):
        size = data[at]
        at += 1
        if size == _NULL:
            row.append(None)
            continue
        if size > _NULL:
            width = _WIDTHS[size]
            size = int.from_bytes(data[at : at + width], "little")
            at += width
        row.append(data[at : at + size])
        at += size
    return row


class _ClearPassword:
    """Sends the password as it is, as some servers (LDAP, PAM) want: only if encrypted."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def authenticate(self, _packet: MysqlPacket) -> MysqlPacket:
        if not self._wire.is_encrypted:
            raise pymysql.err.OperationalError(2061, "the password would travel unencrypted")
        self._wire.write_packet(self._wire.password + b"\0")
        return self._wire._read_packet()  # pymysql wants the server's reply from here


class _NoDialog:
    """The server may not ask questions of its own: nobody is there to answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def authenticate(self, _packet: MysqlPacket) -> MysqlPacket:
        raise pymysql.err.OperationalError(2059, "the server asks for a dialog")


def open_wire(address: Address, rules: HostRules, timeout_seconds: float) -> Wire:
    """Connect and sign in; without leave for several statements in one text, or for local files.

    Raises:
        pymysql.err.Error, OSError: it failed.
        EngineUnavailable, InvalidInput: the host is not known, or may not be reached.
    """
    sock = _reached(rules.addresses(address.host, address.port), address.port, timeout_seconds)
    wire = Wire(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.encode(),
        database=address.database or None,
        charset=address.parameters.get("charset", "utf8mb4"),
        conv=_ENCODERS,
        autocommit=True,
        local_infile=False,
        connect_timeout=max(1, int(timeout_seconds)),
        read_timeout=timeout_seconds,
        write_timeout=timeout_seconds,
        program_name="aiser",
        auth_plugin_map={"mysql_clear_password": _ClearPassword, "dialog": _NoDialog},
        defer_connect=True,
        **_encryption(address.parameters.get("ssl_mode", "preferred")),
    )
    wire.connect(sock)
    return wire


def _reached(addresses: tuple[str, ...], port: int, timeout_seconds: float) -> socket.socket:
    """A socket to the first address that answers; the name is not resolved a second time."""
    problem: OSError = OSError("no address")
    for place in addresses:
        sock = socket.socket(socket.AF_INET6 if ":" in place else socket.AF_INET)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.settimeout(timeout_seconds)
            sock.connect((place, port))
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def _encryption(mode: str) -> dict[str, Any]:
    """`preferred` is what pymysql does by itself: encrypted where the server can."""
    if mode == "disabled":
        return {"ssl_disabled": True}
    if mode not in _ENCRYPTED:
        return {}
    context = ssl.create_default_context()
    if mode == "required":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


_ENCODERS = {
    kind: encoder
    for kind, encoder in pymysql.converters.conversions.items()
    if isinstance(kind, type)
}
"""For values of parameters. There are no decoders: rows become Arrow, column by column."""
