"""Passwords and tokens: how they are made, checked and stored. Nothing here is ever logged."""

from __future__ import annotations

import hashlib
import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from aiser_app.errors import InvalidInput

PASSWORD_MIN_CHARS = 10
PASSWORD_MAX_CHARS = 1024
API_KEY_PREFIX = "ais_"
API_KEY_SHOWN_CHARS = 12
SETUP_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without letters and digits that look alike: people copy it from a terminal."""
SETUP_CHARS = 16

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's minimum for argon2id: about 20 ms and 19 MiB for each sign-in."""
_AT_ONCE = threading.BoundedSemaphore(4)
"""Hashes made side by side: a flood of sign-ins waits instead of taking all memory and cores."""
_NOBODY = _HASHER.hash(secrets.token_hex(16))
"""Checked against when there is no such user, so that the answer takes as long."""


def checked_password(password: str, *, email: str) -> str:
    """The password, if it may be used.

    Raises:
        InvalidInput: too short, too long, or the same as the email.
    """
    if len(password) < PASSWORD_MIN_CHARS:
        raise InvalidInput(f"A password needs at least {PASSWORD_MIN_CHARS} characters.")
    if len(password) > PASSWORD_MAX_CHARS:
        raise InvalidInput(f"A password has at most {PASSWORD_MAX_CHARS} characters.")
    if password.strip().casefold() == email.casefold() or len(set(password)) < 3:
        raise InvalidInput("This password is too easy to guess.")
    return password


def hash_password(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Takes equally long for unknown users (`password_hash` None) and wrong passwords."""
    try:
        with _AT_ONCE:
            matches = _HASHER.verify(password_hash or _NOBODY, password[:PASSWORD_MAX_CHARS])
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None and len(password) <= PASSWORD_MAX_CHARS


def needs_rehash(password_hash: str) -> bool:
    return _HASHER.check_needs_rehash(password_hash)


def hash_token(token: str) -> str:
    """How tokens of full entropy are stored: one round, since there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def new_session_token() -> str:
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


def new_setup_token() -> str:
    """XXXX-XXXX-XXXX-XXXX: 78 bits."""
    letters = "".join(secrets.choice(SETUP_ALPHABET) for _ in range(SETUP_CHARS))
    return "-".join(letters[i : i + 4] for i in range(0, SETUP_CHARS, 4))


def normal_setup_token(token: str) -> str:
    """As stored, whatever case, spaces or dashes a person typed."""
    return "".join(c for c in token.upper()[:100] if c.isalnum())
