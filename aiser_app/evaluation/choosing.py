"""Which cases are put to which source, when a file has cases of several databases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiser_app.domain.evaluation import EvaluationCase
from aiser_app.errors import InvalidInput

PLACE = "{db_name}"


@dataclass(frozen=True, slots=True)
class Share:
    """The cases of one source, by name or URL."""

    source: str
    cases: tuple[EvaluationCase, ...]


def shared_out(
    cases: Sequence[EvaluationCase], source: str, database: str = ""
) -> tuple[list[Share], int]:
    """The cases by source, and how many are of other databases and left out.

    `{db_name}` in `source` stands for the database of each case. Without it the file has cases of one
    database, or `database` names one of them, or the source is called as one of them.

    Raises:
        InvalidInput: it cannot be told which cases are meant.
    """
    names = list(dict.fromkeys(case.db_name for case in cases if case.db_name))
    if database and database not in names:
        raise InvalidInput(
            f"No case is of the database “{database[:80]}”.",
            hint=f"There are cases of: {', '.join(names)}." if names else "No case names one.",
        )
    if PLACE in source:
        lacking = next((case for case in cases if not case.db_name), None)
        if lacking is not None:
            raise InvalidInput(f"{lacking.where}: the case does not name its database.")
        chosen = [database] if database else names
        shares = [
            Share(source.replace(PLACE, name), tuple(c for c in cases if c.db_name == name))
            for name in chosen
        ]
        return shares, len(cases) - sum(len(share.cases) for share in shares)
    if not database and len(names) > 1:
        called = called_as(source)
        if called not in names:
            raise InvalidInput(
                f"The file has cases of {len(names)} databases: {', '.join(names)}.",
                hint=f"Choose one with --db, or write {PLACE} into the source.",
            )
        database = called
    kept = tuple(case for case in cases if not database or case.db_name == database)
    return [Share(source, kept)], len(cases) - len(kept)


def called_as(source: str) -> str:
    """The last name in a URL or path, without ending and parameters."""
    path = source.partition("?")[0].rstrip("/")
    name = re.split(r"[/\\]", path)[-1]
    return re.sub(r"\.(?:duckdb|db|sqlite3?)$", "", name)
