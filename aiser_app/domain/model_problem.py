"""What is wrong with a semantic model, or worth knowing, in words for whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelProblem:
    message: str
    where: str = ""
    """`cube` or `cube.member`; empty when it is about the whole."""
    line: int | None = None
    """Of the file, from 1; None when there is no file."""
    is_error: bool = True
    """False: the model can be used; something of the file was left out, or looks odd."""
