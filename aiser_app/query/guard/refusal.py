"""How the parts of the guard say no to each other; outside the guard a refusal is a verdict."""

from __future__ import annotations


class Refused(Exception):
    """The reason is for the person who wrote the query."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
