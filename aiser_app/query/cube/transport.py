"""One exchange with a Cube over HTTP: to a judged address, within time and size, and stoppable.

The host is resolved once, judged, and connected to by the address that was judged, so that a name
cannot lead elsewhere in between. Redirects are never followed: a token would go along.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from typing_extensions import override

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import QueryCancelled, QueryTimedOut
from aiser_app.query.connection import HostRules
from aiser_app.query.cube.address import CubeAddress
from aiser_app.query.cube.failures import CubeFailed, CubeNotTrusted, CubeUnreachable
from aiser_app.query.engines.interruption import Watchdog

MAX_BODY_BYTES = 256 * 1024 * 1024
"""Of one answer: 50,000 rows, the most that Cube gives, of 5 kB each."""
_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long may be waited, and who may end it earlier."""

    until: float
    """By `time.monotonic`: the end of the query's own time."""
    answer_seconds: float
    """For the answer to begin; a Cube that is busy says so within this."""
    cancel: CancelToken

    @property
    def seconds_left(self) -> float:
        return self.until - time.monotonic()

    def check(self) -> None:
        """Raises `QueryCancelled` or `QueryTimedOut` when there is no time left."""
        if self.cancel.is_set and self.cancel.reason != "deadline":
            raise QueryCancelled("The query was stopped.")
        if self.cancel.is_set or self.seconds_left <= 0:
            raise QueryTimedOut("Cube did not finish the query within its time limit.")

    def pause(self, seconds: float) -> None:
        """Wait a little; a Stop ends it at once. Raises as `check`."""
        self.check()
        stopped = threading.Event()
        unregister = self.cancel.on_cancel(stopped.set)
        try:
            stopped.wait(min(seconds, max(0.0, self.seconds_left)))
        finally:
            unregister()
        self.check()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    status: int
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Transport:
    address: CubeAddress
    rules: HostRules
    connect_seconds: float
    max_body_bytes: int = MAX_BODY_BYTES
    tls: Callable[[], ssl.SSLContext] = field(default=ssl.create_default_context)

    def exchange(
        self, method: str, path: str, body: bytes | None, token: str, patience: Patience
    ) -> Reply:
        """Send one request and read the whole answer.

        Raises:
            CubeUnreachable: nothing listens, the certificate is not valid, no answer in time.
            CubeFailed: the answer is too large, or no HTTP.
            QueryCancelled, QueryTimedOut: the caller's own time is over.
            InvalidInput, EngineUnavailable: the host may not be used, or is not known.
        """
        patience.check()
        connection = self._connect(patience)
        try:
            return self._exchange(connection, method, path, body, token, patience)
        finally:
            connection.close()

    def _connect(self, patience: Patience) -> _Connection:
        addresses = self.rules.addresses(self.address.host, self.address.port)
        seconds = max(0.1, min(self.connect_seconds, patience.seconds_left))
        connection = _Connection(self.address, addresses, seconds, self.tls)
        try:
            connection.connect()
        except ssl.SSLError:
            raise CubeNotTrusted(
                "Cube's certificate is not valid for its address.",
                hint="Use https with a certificate that this machine trusts.",
            ) from None
        except OSError:
            raise CubeUnreachable("Cube does not answer.") from None
        return connection

    def _exchange(
        self,
        connection: _Connection,
        method: str,
        path: str,
        body: bytes | None,
        token: str,
        patience: Patience,
    ) -> Reply:
        wait = min(patience.answer_seconds, patience.seconds_left)
        headers = {"Authorization": token, "Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._watched(connection, wait, patience):
                connection.request(method, self.address.path + path, body=body, headers=headers)
                response = connection.getresponse()
            with self._watched(connection, patience.seconds_left, patience):
                content = self._read(response)
        except TimeoutError:
            raise CubeUnreachable(f"Cube did not answer within {wait:.3g} s.") from None
        except (OSError, http.client.HTTPException, ValueError):
            raise CubeFailed("Cube broke off its answer.") from None
        return Reply(status=response.status, body=content)

    @staticmethod
    @contextmanager
    def _watched(connection: _Connection, seconds: float, patience: Patience) -> Iterator[None]:
        """Ends what is read or sent after `seconds`, or at a Stop, and says which of them it was."""
        problem: Exception | None = None
        with Watchdog(connection.shut, max(0.05, seconds), patience.cancel) as watchdog:
            try:
                yield
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = error
            has_stopped = watchdog.has_stopped
        if has_stopped:
            patience.check()
            raise TimeoutError
        if problem is not None:
            raise problem

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        found = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            found += chunk
            if len(found) > self.max_body_bytes:
                raise CubeFailed("Cube's answer is too large.")
        if response.length:
            raise http.client.IncompleteRead(b"")
        return bytes(found)


class _Connection(http.client.HTTPConnection):
    """To one of the addresses that were judged, whatever the name says now."""

    def __init__(
        self,
        address: CubeAddress,
        places: tuple[str, ...],
        seconds: float,
        tls: Callable[[], ssl.SSLContext],
    ) -> None:
        super().__init__(address.host, address.port)
        self._address = address
        self._places = places
        self._seconds = seconds
        self._tls = tls
        self._opened: socket.socket | None = None

    @override
    def connect(self) -> None:
        problem: OSError = OSError("no address")
        for place in self._places:
            try:
                plain = socket.create_connection((place, self.port), timeout=self._seconds)
            except OSError as error:
                problem = error
                continue
            try:
                self.sock = self._opened = self._wrapped(plain)
            except OSError:
                plain.close()
                raise
            self.sock.settimeout(None)  # from here on the watchdog keeps the time
            return
        raise problem

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        if not self._address.is_encrypted:
            return plain
        return self._tls().wrap_socket(plain, server_hostname=self._address.host)

    def shut(self) -> None:
        """From another thread: whoever waits for this connection goes on at once.

        `sock` itself is gone as soon as the headers of a last answer were read.
        """
        if self._opened is not None:
            with suppress(OSError):
                self._opened.shutdown(socket.SHUT_RDWR)
