"""Identifiers: 32 lower-case hex characters, made by uuid4, everywhere the same."""

from __future__ import annotations

import re
import uuid

_IDENTIFIER = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    return uuid.uuid4().hex


def is_id(text: str) -> bool:
    """Whether `text` can be an identifier at all; anything else never reaches the database."""
    return _IDENTIFIER.fullmatch(text) is not None
