"""What a test of a connection found, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConnectionStep(StrEnum):
    """In the order in which they are tried; after the first that fails nothing is tried."""

    ADDRESS = "address"
    """The URL: scheme, parameters, files it names."""
    NAME = "name"
    """The host's name is known, and is one that may be connected to."""
    TCP = "tcp"
    """Something listens there."""
    TLS = "tls"
    """Encryption as the URL asks for it."""
    SIGN_IN = "sign_in"
    """User, password, database."""
    RIGHTS = "rights"
    """The role can read something, and what else it could do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOutcome:
    """`message` says what happened and, on failure, what to do; it never carries a secret."""

    step: ConnectionStep
    is_ok: bool
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionReport:
    steps: tuple[StepOutcome, ...]
    warnings: tuple[str, ...] = ()
    """The role can write, is superuser, the connection is not encrypted …"""
    server_version: str = ""

    @property
    def is_ok(self) -> bool:
        return all(step.is_ok for step in self.steps)

    @property
    def failed_step(self) -> StepOutcome | None:
        return next((step for step in self.steps if not step.is_ok), None)
