"""Our own evaluation cases are sound: every gold query runs, finds rows and has one answer."""

from __future__ import annotations

import csv
import itertools
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from tests.evals import second_schema

CASES = Path(second_schema.__file__).parent / "cases"
SAMPLE, SECOND = "nycflights13", second_schema.NAME
FOLLOW_UPS = "follow_ups"
FILES = (SAMPLE, SECOND, FOLLOW_UPS)
COLUMNS = ["question", "query", "db_name", "query_category", "instructions"]
REFUSE = "refuse"
FORMS = {
    "count", "sum", "average", "median", "min_max", "group", "two_groups", "top_n", "superlative",
    "list", "value", "comparison", "null_check", "text_match", "date", "relative_date",
    "time_bucket", "weekday_hour", "having", "share", "ratio", "difference", "growth", "compare",
    "trend", "running_total", "rank", "top_per_group", "above_average", "never", "at_least_one",
    "both", "distinct", "average_of_counts", "several_figures", "several_facts", "role_key",
    "definition", "correlation", REFUSE,
}  # fmt: skip
ONLY_SAMPLE = {"exists"}
ONLY_SECOND = {"boolean", "duration", "bridge", "self_reference"}
ONLY_FOLLOW_UPS = {"negation", "measure", "order"}


@dataclass(frozen=True)
class Case:
    file: str
    line: int
    text: str
    query: str
    database: str
    category: str
    instructions: str

    def golds(self) -> list[list[str]]:
        """Alternatives, each with the choices of columns that it stands for."""
        return [list(choices(gold.strip())) for gold in self.query.split(";") if gold.strip()]


def choices(sql: str) -> Iterator[str]:
    found = re.search(r"\{([^{}]+)\}", sql)
    if found is None:
        yield sql
        return
    columns = re.split(r",\s*(?![^(]*\))", found.group(1))
    for size in range(1, len(columns) + 1):
        for chosen in itertools.combinations(columns, size):
            text = ", ".join(chosen)
            rest = sql[found.end() :].replace("GROUP BY {}", f"GROUP BY {text}")
            yield from choices(sql[: found.start()] + text + rest)


def read(file: str) -> list[Case]:
    with (CASES / f"{file}.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Case(
            file, line, " > ".join(filter(None, (row["question"], row.get("follow_up")))),
            row["query"], row["db_name"], row["query_category"], row["instructions"],
        )
        for line, row in enumerate(rows, 2)
    ]  # fmt: skip


ALL = [case for file in FILES for case in read(file)]
ANSWERABLE = [case for case in ALL if case.category != REFUSE]


def named(case: Case) -> str:
    return f"{case.file}-{case.line}"


@pytest.fixture(scope="module")
def databases(
    tmp_path_factory: pytest.TempPathFactory, sample_db: Path
) -> Iterator[dict[str, duckdb.DuckDBPyConnection]]:
    second = tmp_path_factory.mktemp("cases") / f"{SECOND}.duckdb"
    second_schema.build(second)
    # A copy: one process opens a file in one way only, and other tests have it open in theirs.
    first = shutil.copy(sample_db, second.with_name("sample.duckdb"))
    with (
        duckdb.connect(str(first), read_only=True) as sample,
        duckdb.connect(str(second), read_only=True) as workshops,
    ):
        yield {SAMPLE: sample, SECOND: workshops}


@pytest.mark.parametrize("case", ANSWERABLE, ids=named)
def test_every_gold_query_runs_and_finds_rows(
    case: Case, databases: dict[str, duckdb.DuckDBPyConnection]
) -> None:
    connection, golds = databases[case.database], case.golds()
    assert golds
    for gold in golds:
        rows = connection.execute(gold[0]).fetchall()
        assert any(value is not None for row in rows for value in row), gold[0]
        connection.execute(f"EXPLAIN {gold[-1]}")  # the choice of all columns
    every = [choice for gold in golds for choice in gold]
    assert len(every) == len(set(every)), "an alternative is there twice"


@pytest.mark.parametrize(
    "case", [case for case in ANSWERABLE if re.search(r"LIMIT \d+(;|$)", case.query)], ids=named
)
def test_rankings_are_cut_where_no_tie_lies(
    case: Case, databases: dict[str, duckdb.DuckDBPyConnection]
) -> None:
    gold = sqlglot.parse_one(case.golds()[0][0], dialect="duckdb")
    assert isinstance(gold, sqlglot.exp.Select)
    count = int(gold.args["limit"].expression.name)
    deciding = gold.args["order"].expressions[0].this.sql("duckdb")
    longer = gold.select(deciding).limit(count + 1).sql("duckdb")
    figures = [row[-1] for row in databases[case.database].execute(longer).fetchall()]
    assert len(figures) == len(set(figures)) == count + 1


@pytest.mark.parametrize("file", FILES)
def test_files_have_the_agreed_columns(file: str) -> None:
    text = (CASES / f"{file}.csv").read_text()
    wanted = list(COLUMNS)
    if file == FOLLOW_UPS:
        wanted.insert(1, "follow_up")
    assert text.splitlines()[0] == ",".join(wanted)
    assert len(text.splitlines()) == len(read(file)) + 1, "a case is one line"


def test_no_question_is_asked_twice() -> None:
    asked = Counter(" ".join(re.findall(r"[\w>]+", case.text.lower())) for case in ALL)
    assert [text for text, times in asked.items() if times > 1] == []


def test_only_what_cannot_be_answered_has_no_gold_query() -> None:
    assert [c for c in ALL if (c.category == REFUSE) != (c.query == "")] == []
    assert [c for c in ALL if c.text.strip() != c.text or not c.text] == []


def test_definitions_and_only_they_come_with_instructions() -> None:
    assert [c for c in ALL if (c.category == "definition") != (c.instructions != "")] == []


@pytest.mark.parametrize("database", [SAMPLE, SECOND])
def test_every_form_is_asked_of_both_databases(database: str) -> None:
    cases = read(database)
    assert {case.database for case in cases} == {database}
    extra = {SAMPLE: ONLY_SAMPLE, SECOND: ONLY_SECOND}[database]
    assert {case.category for case in cases} == FORMS | extra
    counts = Counter(case.category == REFUSE for case in cases)
    assert counts[False] >= 75
    assert counts[True] >= 15


def test_follow_ups_change_questions_about_both_databases() -> None:
    cases = read(FOLLOW_UPS)
    assert len(cases) >= 24
    assert {case.database for case in cases} == {SAMPLE, SECOND}
    known = FORMS | ONLY_SAMPLE | ONLY_SECOND | ONLY_FOLLOW_UPS
    assert {case.category for case in cases} <= known


@pytest.mark.parametrize("file", [SAMPLE, SECOND])
def test_both_halves_hold_every_form(file: str) -> None:
    halves: defaultdict[str, set[int]] = defaultdict(set)
    for case in read(file):
        halves[case.category].add(case.line % 2)
    assert {form for form, seen in halves.items() if len(seen) < 2} == set()


def test_the_second_schema_is_the_same_on_every_call(
    databases: dict[str, duckdb.DuckDBPyConnection],
) -> None:
    made, connection = second_schema.make_rows(), databases[SECOND]
    assert second_schema.checksum(made) == second_schema.CHECKSUM
    tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
    assert set(tables) == set(made)
    for table in tables:
        stored = connection.execute(f"FROM {table}").fetchall()
        assert [_plain(row) for row in stored] == [_plain(row) for row in made[table]]


def test_today_is_the_last_day_with_data(
    databases: dict[str, duckdb.DuckDBPyConnection],
) -> None:
    for database, table, column in (
        (SAMPLE, "flights", "time_hour"),
        (SECOND, "repairs", "received_at"),
        (SECOND, "rentals", "picked_up_at"),
    ):
        last = databases[database].execute(f"SELECT MAX({column})::DATE FROM {table}").fetchone()
        assert last == (second_schema.TODAYS[database],)


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Amounts come back as decimals with two places."""
    return tuple(str(v) if v is None or isinstance(v, bool | str) else _number(v) for v in row)


def _number(value: Any) -> Any:
    return round(float(value), 2) if not hasattr(value, "year") else value.isoformat()
