"""Collects what is wrong with a file, and where things stand in it."""

from __future__ import annotations

from aiser_app.domain.model_problem import ModelProblem

MAX_PROBLEMS = 200
"""More would not be read by anybody."""


class Report:
    def __init__(self) -> None:
        self.problems: list[ModelProblem] = []
        self.lines: dict[str, int] = {}

    def error(self, message: str, where: str, line: int | None) -> None:
        self._add(ModelProblem(message=message, where=where, line=line))

    def note(self, message: str, where: str, line: int | None) -> None:
        self._add(ModelProblem(message=message, where=where, line=line, is_error=False))

    def _add(self, problem: ModelProblem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
