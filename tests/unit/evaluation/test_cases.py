"""Files of cases: what is wrong is named with file and line, and nothing is asked then."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiser_app.domain.semantic_query import SemanticQuery
from aiser_app.evaluation.cases import CasesInvalid, read_cases

GOOD = """question,query,db_name,query_category,instructions
How many orders?,SELECT COUNT(*) FROM orders,shop,count,
"Which
customer?","SELECT {a, b} FROM t; SELECT 1",shop,list,"Net is gross
less tax."
What is love?,,shop,refuse,
Who is?,SELECT 'I don''t know' AS answer;,shop,cat_a,
"""


def write(folder: Path, text: str, name: str = "cases.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_csv(tmp_path: Path) -> None:
    first, second, third, fourth = read_cases(write(tmp_path, "\ufeff" + GOOD))
    assert (first.case_id, first.question, first.gold_sql) == (
        "shop:1",
        "How many orders?",
        "SELECT COUNT(*) FROM orders",
    )
    assert (first.category, first.db_name, first.where) == ("count", "shop", "cases.csv, line 2")
    assert (second.question, second.where) == ("Which customer?", "cases.csv, line 3")
    assert second.instructions == "Net is gross less tax."
    assert first.is_answerable
    assert not third.is_answerable
    assert not fourth.is_answerable
    assert fourth.where == "cases.csv, line 7"


def test_yaml(tmp_path: Path) -> None:
    text = """
cases:
  - question: How many orders?
    query: SELECT COUNT(*) FROM orders
    category: count
  - question: Orders by region
    semantic_query: {measures: [orders.count], dimensions: [{member: orders.region}]}
  - {question: "What is love?", category: refuse}
"""
    first, second, third = read_cases(write(tmp_path, text, "cases.yaml"))
    assert (first.case_id, first.category, first.where) == ("1", "count", "cases.yaml, line 3")
    assert isinstance(second.gold_query, SemanticQuery)
    assert second.gold_query.measures == ("orders.count",)
    assert second.is_answerable
    assert not third.is_answerable


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("question,sql\nA,B\n", "line 1: there is no column query"),
        ("text\nA\n", "no column question and no column query"),
        ("question,query\n", "has no cases"),
        ("question,query\nHow many?,SELECT 1\n,SELECT 1\n", "line 3: there is no question"),
        ("question,query\nHow many?,\n", "line 2: there is no query"),
        ("question,query\nHow many?\n", "line 2: there are fewer values"),
        ("question,query\nHow many?,SELECT 1,2\n", "line 2: there are more values"),
        ("question,query\nHow many?,SELECT {a FROM t\n", "line 2: the query's braces"),
        ("question,query\nHow many?,DROP TABLE t\n", "line 2: the query is not a SELECT"),
        ('question,query\n"How many?,SELECT 1\n', "line 2"),
    ],
)
def test_malformed_csv_is_refused_with_the_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(CasesInvalid) as caught:
        read_cases(write(tmp_path, text))
    assert problem in caught.value.message
    assert "cases.csv" in caught.value.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {question: A, query: SELECT 1, sql: x}", "line 1: unknown field sql"),
        ("- question: A\n  query: [", "line 2"),
        ("question: A", "line 1: a list of cases"),
        ("- A", "case 1 is not a mapping"),
        ("- {question: A, semantic_query: {measures: 5}}", "line 1: Not a valid SemanticQuery"),
        ("- {question: '', query: SELECT 1}", "line 1: there is no question"),
        ("\x00", "not YAML"),
    ],
)
def test_malformed_yaml_is_refused_with_the_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(CasesInvalid) as caught:
        read_cases(write(tmp_path, text, "cases.yml"))
    assert problem in caught.value.message


def test_every_problem_is_told_up_to_a_number(tmp_path: Path) -> None:
    text = "question,query\n" + ",SELECT 1\n" * 25
    with pytest.raises(CasesInvalid) as caught:
        read_cases(write(tmp_path, text))
    assert len(caught.value.message.splitlines()) == 21
    assert "and 5 more" in caught.value.message


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CasesInvalid, match="cannot be read"):
        read_cases(tmp_path / "missing.csv")
    odd = tmp_path / "odd.csv"
    odd.write_bytes(b"question,query\n\xff\xfe,SELECT 1\n")
    with pytest.raises(CasesInvalid, match="not UTF-8"):
        read_cases(odd)
    monkeypatch.setattr("aiser_app.evaluation.cases.MAX_BYTES", 5)
    with pytest.raises(CasesInvalid, match="larger than"):
        read_cases(odd)
