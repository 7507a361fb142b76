"""Decides whether a query may run; see docs/decisions/0003-one-gate.md and 0010."""

from aiser_app.query.guard.conditions import condition_problem
from aiser_app.query.guard.dialects import DIALECTS
from aiser_app.query.guard.fingerprint import fingerprint, references
from aiser_app.query.guard.judge import judge

__all__ = ["DIALECTS", "condition_problem", "fingerprint", "judge", "references"]
