"""Cases out of files: CSV with a header, or YAML with a list. One malformed case refuses the file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from aiser_app.domain.encoding import decode
from aiser_app.domain.evaluation import EvaluationCase
from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.errors import AiserError, InvalidInput
from aiser_app.evaluation.gold import problem_with

KNOWN = (
    "question",
    "query",
    "semantic_query",
    "db_name",
    "category",
    "query_category",
    "instructions",
)
REFUSE = frozenset(("refuse", "refused", "unanswerable", "must_refuse"))
"""Categories of questions that the data cannot answer."""
MAX_BYTES = 20 * 1024**2
MOST_PROBLEMS = 20
_CANNOT = re.compile(r"\s*SELECT\s+'(?:[^']|'')*'(?:\s+AS\s+\w+)?\s*;?\s*", re.IGNORECASE)
"""How public question sets write that a question has no answer: a sentence is selected."""


class CasesInvalid(AiserError):
    """The file of cases cannot be used as it is."""

    code = "cases_invalid"
    http_status = 422


def read_cases(path: Path) -> list[EvaluationCase]:
    """All cases of a file.

    Raises:
        CasesInvalid: there is no such file, it has no cases, or some are malformed: names lines.
    """
    text = _text_of(path)
    rows = (
        _yaml_rows(path.name, text)
        if path.suffix in (".yaml", ".yml")
        else _csv_rows(path.name, text)
    )
    cases: list[EvaluationCase] = []
    problems: list[str] = []
    for line, row in rows:
        where = f"{path.name}, line {line}"
        found = _case(row, where, len(cases) + 1)
        if isinstance(found, str):
            problems.append(f"{where}: {found}")
        else:
            cases.append(found)
    if problems:
        more = len(problems) - MOST_PROBLEMS
        told = problems[:MOST_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
        raise CasesInvalid("\n".join(told), hint="Nothing was asked: mend the file first.")
    if not cases:
        raise CasesInvalid(f"{path.name} has no cases.")
    return cases


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CasesInvalid(f"{path.name} is larger than {MAX_BYTES // 1024**2} MB.")
        return path.read_text(encoding="utf-8-sig")
    except OSError:
        raise CasesInvalid(
            f"{path.name} cannot be read.", hint="Give a CSV or YAML file."
        ) from None
    except UnicodeDecodeError:
        raise CasesInvalid(f"{path.name} is not UTF-8 text.") from None


def _csv_rows(name: str, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = list(reader.fieldnames or ())
        missing = [column for column in ("question", "query") if column not in header]
        if missing:
            raise CasesInvalid(
                f"{name}, line 1: there is no column {' and no column '.join(missing)}."
            )
        line = reader.line_num + 1
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise CasesInvalid(f"{name}, line {line}: {error}.") from None


class _Lines(yaml.SafeLoader):  # type: ignore[misc]
    """Keeps with every mapping the line it begins at."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        found["__line__"] = node.start_mark.line + 1
        return found


def _yaml_rows(name: str, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        content = yaml.load(text, Loader=_Lines)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CasesInvalid(f"{name}, line {line}: {error.problem or 'not YAML'}.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CasesInvalid(f"{name} is not YAML.") from None
    if isinstance(content, dict):
        content = content.get("cases")
    if not isinstance(content, list):
        raise CasesInvalid(f"{name}, line 1: a list of cases is expected.")
    for number, item in enumerate(content, start=1):
        if not isinstance(item, dict):
            raise CasesInvalid(f"{name}: case {number} is not a mapping.")
        yield int(item["__line__"]), item


def _case(row: Mapping[str, Any], where: str, number: int) -> EvaluationCase | str:
    """The case, or what is wrong with it."""
    if None in row:
        return "there are more values than columns"
    if any(value is None for key, value in row.items() if key in ("question", "query")):
        return "there are fewer values than columns"
    if "__line__" in row:
        unknown = sorted(str(key) for key in row if key not in (*KNOWN, "__line__"))
        if unknown:
            return f"unknown field {unknown[0]}; known are {', '.join(KNOWN)}"
    question, gold, category, db_name, instructions = (
        " ".join(_text(row, *names).split()) if names[0] != "query" else _text(row, *names).strip()
        for names in (
            ("question",), ("query",), ("category", "query_category"), ("db_name",), ("instructions",),
        )
    )  # fmt: skip
    if not question:
        return "there is no question"
    meaning = _meaning(row)
    if isinstance(meaning, str):
        return meaning
    must_refuse = category in REFUSE or bool(_CANNOT.fullmatch(gold))
    if must_refuse:
        gold = ""
    elif not gold and meaning is None:
        return f"there is no query, and the category is none of {', '.join(sorted(REFUSE))}"
    problem = problem_with(gold) if gold else ""
    if problem:
        return problem
    return EvaluationCase(
        case_id=f"{db_name}:{number}" if db_name else str(number),
        question=question,
        gold_sql=gold,
        gold_query=None if must_refuse else meaning,
        category=category,
        db_name=db_name,
        instructions=instructions,
        where=where,
    )


def _text(row: Mapping[str, Any], *names: str) -> str:
    return next((str(row[name]) for name in names if row.get(name) is not None), "")


def _meaning(row: Mapping[str, Any]) -> SemanticQuery | str | None:
    given = row.get("semantic_query")
    if not given or "__line__" not in row:
        return None
    try:
        return decode(SemanticQuery, _without_lines(given))
    except InvalidInput as error:
        return error.message.rstrip(".")


def _without_lines(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_lines(v) for k, v in value.items() if k != "__line__"}
    return [_without_lines(v) for v in value] if isinstance(value, list) else value
