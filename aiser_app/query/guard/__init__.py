"""Decides whether a query may run; see docs/decisions/0003-one-gate.md."""

from aiser_app.query.guard.judge import judge

__all__ = ["judge"]
