"""Values come out of every engine exactly, and go into it as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice

import pyarrow as pa
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.verdict import ParameterValue
from aiser_app.query.results.columns import column_type
from tests.contract.engines.asking import a_statement, table
from tests.contract.engines.cases import Case

TEXTS = (
    "it's",
    "back\\slash \\' \\\\",
    "100% %s %(name)s {} :name $1 ?",
    "naïve ☕ 日本",
    'double " quotes',
    "'; DROP TABLE people; --",
    "line\nbreak\ttab",
    "",
)


def test_every_type_is_exact(case: Case) -> None:
    for value in case.values:
        found = table(case, a_statement(f"SELECT {value.sql} AS v"))
        assert column_type(found.schema.field(0)) == value.type, value
        (read,) = found.column(0).to_pylist()
        if isinstance(value.expected, float) and math.isnan(value.expected):
            assert math.isnan(read)
        else:
            assert read == value.expected, value
            assert type(read) is type(value.expected), value


def test_values_beside_each_other_stay_in_order(case: Case) -> None:
    columns = ", ".join(f"{value.sql} AS v{place}" for place, value in enumerate(case.values))
    found = table(case, a_statement(f"SELECT {columns}"))
    assert found.schema.names == [f"v{place}" for place in range(len(case.values))]
    assert [column_type(field) for field in found.schema] == [value.type for value in case.values]


def test_columns_of_the_same_name_are_both_there(case: Case) -> None:
    if not case.repeats_names:
        pytest.skip("the database refuses two columns of the same name")
    found = table(case, a_statement("SELECT id AS v, name AS v FROM people WHERE id = 1"))
    assert [column.to_pylist() for column in found.columns] == [[1], ["Ada"]]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_bound_never_spliced(case: Case, text: str) -> None:
    found = table(case, a_statement("SELECT CAST({} AS VARCHAR(100)) AS v", text))
    assert found.column(0).to_pylist() == [text]
    statement = a_statement("SELECT id FROM people WHERE name = {}", text)
    assert table(case, statement).num_rows == 0


@pytest.mark.parametrize(
    ("condition", "value", "ids"),
    [
        ("name = {}", "Ada", [1]),
        ("id = {}", 2, [2]),
        ("id = {}", "2", [2]),
        ("id < {}", 3_000_000_000, [1, 2]),
        ("id < {}", 1.5, [1]),
        ("height = {}", 1.65, [1]),
        ("height > {}", Decimal("1.649999"), [1]),
        ("height > {}", 1, [1]),
        ("born = {}", date(1815, 12, 10), [1]),
        ("born = {}", "1815-12-10", [1]),
        ("born < {}", date(1816, 1, 1), [1]),
        ("name = {}", None, []),
        ("id = {}", None, []),
    ],
)
def test_parameters_compare_by_their_value(
    case: Case, condition: str, value: ParameterValue, ids: list[int]
) -> None:
    statement = a_statement(f"SELECT id FROM people WHERE {condition} ORDER BY id", value)
    assert table(case, statement).column(0).to_pylist() == ids


def test_a_moment_is_bound(case: Case) -> None:
    statement = a_statement(
        "SELECT person_id FROM visits WHERE started = {}",
        datetime.fromisoformat("2024-01-01T10:00"),
    )
    assert table(case, statement).num_rows == 1


def test_several_parameters_keep_their_places(case: Case) -> None:
    statement = a_statement(
        "SELECT id FROM people WHERE name = {} AND id = {} OR name = {}", "Ada", 1, "Alan"
    )
    assert sorted(table(case, statement).column(0).to_pylist()) == [1, 2]


def test_a_query_with_parameters_streams_as_well(case: Case) -> None:
    value = "x"
    cross = "people AS a, people AS b, people AS c, people AS d, people AS e"
    sql = f"SELECT a.id, CAST({{}} AS VARCHAR(9)) AS t FROM {cross}"
    found = table(case, a_statement(sql, value))
    assert found.num_rows == 32
    assert set(found.column("t").to_pylist()) == {value}


def test_many_rows_come_in_batches(case: Case) -> None:
    with case.engine.stream(
        case.source, a_statement(case.endless_rows), timeout_seconds=60, cancel=CancelToken()
    ) as stream:
        sizes = [batch.num_rows for batch in islice(_batches(stream), 3)]
    assert len(sizes) == 3
    assert all(0 < size <= 2_000_000 for size in sizes)


def _batches(stream: object) -> Iterator[pa.RecordBatch]:
    yield from stream  # type: ignore[attr-defined]
