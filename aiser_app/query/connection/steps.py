"""The test of a connection, step by step; every failure says what to do.

An engine brings two functions: one signs in, the other looks at the rights. What comes before (is
the name known, may it be used, does anything listen) is the same for all of them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiser_app.domain.connection import ConnectionReport, ConnectionStep, StepOutcome
from aiser_app.errors import AiserError
from aiser_app.query.connection.address import Address
from aiser_app.query.connection.hosts import HostRules

Session = TypeVar("Session")

NOT_ENCRYPTED = "The connection is not encrypted: whoever is on the way can read the data."


class StepFailed(Exception):
    """Raised by an engine's functions: which step failed, and what to do about it."""

    def __init__(self, step: ConnectionStep, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.message = message


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn(Generic[Session]):
    """What signing in has found."""

    session: Session
    """Handed to `rights`, before `close` is called."""
    server_version: str
    is_encrypted: bool
    close: Callable[[], None]


def test_network(
    address: Address,
    *,
    timeout: float,
    rules: HostRules,
    sign_in: Callable[[], SignedIn[Session]],
    rights: Callable[[Session], Sequence[str]],
) -> ConnectionReport:
    """Try name, TCP, TLS, sign-in and rights; stop at the first that fails.

    `sign_in` raises StepFailed with the step TLS or SIGN_IN; `rights` returns warnings, and raises
    StepFailed when nothing can be read. `timeout` in seconds is for reaching the port.
    """
    done = [_ok(ConnectionStep.ADDRESS)]
    try:
        addresses = _known(address, rules)
        done.append(_ok(ConnectionStep.NAME))
        _reach(address, addresses, timeout)
        done.append(_ok(ConnectionStep.TCP))
        signed_in = _stepped(ConnectionStep.SIGN_IN, sign_in)
        is_encrypted = signed_in.is_encrypted
        done.append(_ok(ConnectionStep.TLS, "Encrypted." if is_encrypted else "Not encrypted."))
        done.append(_ok(ConnectionStep.SIGN_IN))
        try:
            warnings = _stepped(ConnectionStep.RIGHTS, lambda: rights(signed_in.session))
        finally:
            signed_in.close()
    except StepFailed as failure:
        if failure.step is ConnectionStep.SIGN_IN:
            done.append(_ok(ConnectionStep.TLS))
        failed = StepOutcome(step=failure.step, is_ok=False, message=failure.message)
        return ConnectionReport(steps=(*done, failed))
    return ConnectionReport(
        steps=(*done, _ok(ConnectionStep.RIGHTS)),
        warnings=(*(() if is_encrypted else (NOT_ENCRYPTED,)), *warnings),
        server_version=signed_in.server_version,
    )


def failed_report(step: ConnectionStep, error: AiserError) -> ConnectionReport:
    """The report of a test that ended at once, such as by an address that cannot be used."""
    return ConnectionReport(
        steps=(StepOutcome(step=step, is_ok=False, message=_words(error)),),
    )


def _ok(step: ConnectionStep, message: str = "") -> StepOutcome:
    return StepOutcome(step=step, is_ok=True, message=message)


def _words(error: AiserError) -> str:
    return f"{error.message} {error.hint}" if error.hint else error.message


Found = TypeVar("Found")


def _stepped(step: ConnectionStep, function: Callable[[], Found]) -> Found:
    """Aiser's own errors on the way are the step's failure."""
    try:
        return function()
    except AiserError as error:
        raise StepFailed(step, _words(error)) from error


def _known(address: Address, rules: HostRules) -> tuple[str, ...]:
    return _stepped(ConnectionStep.NAME, lambda: rules.addresses(address.host, address.port))


def _reach(address: Address, addresses: Sequence[str], timeout: float) -> None:
    """Connect to the port, by any address of the host."""
    problem: OSError | None = None
    for place in addresses:
        try:
            socket.create_connection((place, address.port), timeout=timeout).close()
        except OSError as error:
            problem = error
        else:
            return
    where = f"port {address.port} of {address.host}"
    if isinstance(problem, ConnectionRefusedError):
        message = (
            f"Nothing listens on {where}. Check the port, that the database runs, "
            "and that it accepts connections from other machines."
        )
    else:
        message = (
            f"No answer from {where} within {timeout:.3g} s. "
            "Check host and port, and whether a firewall lets Aiser's machine through."
        )
    raise StepFailed(ConnectionStep.TCP, message) from problem
