"""`python -m aiser_app model`: semantic models from and to files, as the owner of the installation."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from aiser_app.domain.actor import Actor
from aiser_app.domain.model_problem import ModelProblem
from aiser_app.errors import InvalidInput
from aiser_app.services.semantic_models import ModelInput, SemanticModels


def run_model_command(
    models: SemanticModels,
    actor: Actor,
    options: argparse.Namespace,
    say: Callable[[str], None],
) -> int:
    """Exit status: 0 done, 1 the file has errors."""
    if options.action == "export":
        text = models.yaml(actor, options.source)
        if options.file == "-":
            say(text.rstrip())
            return 0
        _write(options.file, text)
        done = {"file": options.file, "characters": len(text)}
        say(json.dumps(done) if options.json else f"Written to {options.file}.")
        return 0
    given = ModelInput(yaml=_read(options.file))
    checked = models.check(actor, options.source, given)
    version = None
    if options.action == "import" and not checked.errors:
        stored = models.save(actor, options.source, given, note=options.note)
        version = stored.model.version
    if options.json:
        problems = [asdict(problem) for problem in checked.problems]
        say(json.dumps({"is_usable": not checked.errors, "version": version, "problems": problems}))
    else:
        for line in _lines(options.file, checked.problems):
            say(line)
        if not checked.errors:
            cubes = len(checked.model.cubes)
            say(f"Version {version} is in force." if version else f"{cubes} cubes, no errors.")
    return 1 if checked.errors else 0


def _lines(file: str, problems: Sequence[ModelProblem]) -> list[str]:
    """As compilers write them: editors find the place."""
    return [
        f"{file}:{problem.line or 1}: {'error' if problem.is_error else 'note'}: "
        f"{f'{problem.where}: ' if problem.where else ''}{problem.message}"
        for problem in problems
    ]


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"{file} cannot be read as a text file.") from None


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError:
        raise InvalidInput(f"{file} cannot be written.") from None
