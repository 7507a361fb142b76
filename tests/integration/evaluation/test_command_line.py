"""`python -m aiser_app eval`: what it reads, what it says, and with which status it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from aiser_app import __main__ as command_line
from aiser_app.bootstrap import evaluation
from aiser_app.bootstrap.web import Services
from aiser_app.config import Settings
from aiser_app.domain.evaluation import CaseOutcome, EvaluationCase
from aiser_app.errors import AiserError, EngineUnavailable, InvalidInput
from aiser_app.evaluation.choosing import Share, called_as, shared_out
from tests.fixtures.customer import Shop
from tests.fixtures.query_desk import make_desk

CASES = """question,query,db_name,query_category
How many orders?,SELECT count(*) FROM orders,shop,count
Number of orders by region,"SELECT {region}, count(*) FROM orders GROUP BY {}",shop,group
Total amount by region,"SELECT region, count(*) FROM orders GROUP BY 1",shop,group
How many purple elephants?,,shop,refuse
How many cows?,SELECT count(*) FROM cows,farm,count
"""
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A DuckDB file of a shop, the same tables as files, and cases."""
    tables = tmp_path / "tables"
    tables.mkdir()
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER, region VARCHAR, amount DECIMAL(9,2))")
        shop.execute("INSERT INTO orders VALUES (1,'EU',10.1),(2,'EU',20),(3,'US',30.3)")
        shop.execute(f"COPY orders TO '{tables}/orders.parquet'")
    (tmp_path / "cases.csv").write_text(CASES)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    settings = Settings(home=folder / "home")
    monkeypatch.setattr(command_line, "current_settings", lambda: settings)

    def ran(*arguments: str, cases: str = "cases.csv") -> tuple[int, str]:
        capsys.readouterr()
        status = command_line.main(["eval", str(folder / cases), *arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return ran


def test_figures_for_people(run: Run, folder: Path) -> None:
    status, said = run("--source", str(folder / "shop.duckdb"))
    assert status == 0
    assert "4 cases, 3 that can be answered" in said
    assert "right 2 (accuracy 66.7%), answered 3 (coverage 100.0%, precision 66.7%)" in said
    assert "not answered of what cannot be: 100.0%" in said
    assert "1 cases of other databases were left out" in said
    assert "[group] Total amount by region" in said
    for heading in ("category", "confidence", "latency p50"):
        assert heading in said


@pytest.mark.parametrize("name", ["shop.duckdb", "tables", "duckdb:///{}/shop.duckdb"])
def test_files_folders_and_urls(run: Run, folder: Path, name: str) -> None:
    source = name.format(folder) if "://" in name else str(folder / name)
    status, said = run("--source", source, "--db", "shop", "--json", "--today", "2025-12-31")
    assert status == 0, said
    body = json.loads(said)
    assert [case["outcome"] for case in body["cases"]] == ["right", "right", "wrong", "refused"]
    assert body["left_out"] == 1
    assert not list((folder / "home").glob("**/*.arrow"))


def test_a_place_for_the_database(run: Run, folder: Path) -> None:
    status, said = run("--source", str(folder / "{db_name}.duckdb"), "--db", "shop")
    assert (status, "4 cases" in said) == (0, True)
    status, said = run("--source", str(folder / "{db_name}.duckdb"))
    assert (status, "farm" in said) == (1, True)


def test_below_a_floor_or_the_baseline_is_failure(run: Run, folder: Path) -> None:
    source = ("--source", str(folder / "shop.duckdb"))
    status, said = run(*source, "--fail-below", "precision=90%")
    assert (status, "precision is 66.7%, and should be at least 90.0%" in said) == (1, True)
    assert run(*source, "--fail-below", "0.6")[0] == 0
    status, said = run(*source, "--json")
    baseline = folder / "baseline.json"
    baseline.write_text(said)
    assert run(*source, "--baseline", str(baseline))[0] == 0
    better = json.loads(said)
    better["summary"]["accuracy"] = 0.9
    better["cases"][2]["outcome"] = "right"
    baseline.write_text(json.dumps(better))
    status, said = run(*source, "--baseline", str(baseline))
    assert (status, "No longer right: shop:3" in said) == (1, True)
    baseline.write_text("no")
    assert run(*source, "--baseline", str(baseline))[0] == 1


def test_accepted_queries_that_do_not_run_fail_it(run: Run, folder: Path) -> None:
    broken = "question,query\nHow many orders?,SELECT count(*) FROM nowhere\n"
    (folder / "broken.csv").write_text(broken)
    status, said = run("--source", str(folder / "shop.duckdb"), cases="broken.csv")
    assert status == 1
    assert "broken.csv, line 2: the accepted query does not run" in said
    assert "1 accepted queries do not run" in said


def test_malformed_cases_are_named_and_nothing_is_asked(run: Run, folder: Path) -> None:
    (folder / "odd.csv").write_text("question,query\nHow many orders?,\n")
    status, said = run("--source", str(folder / "shop.duckdb"), cases="odd.csv")
    assert (status, "odd.csv, line 2: there is no query" in said) == (1, True)
    status, said = run("--source", "x", "--json", cases="odd.csv")
    assert json.loads(said)["error"]["code"] == "cases_invalid"


@pytest.mark.parametrize("wrong", [["--today", "yesterday"], []])
def test_used_wrongly(folder: Path, wrong: list[str]) -> None:
    source = ["--source", "x"] if wrong else []
    with pytest.raises(SystemExit) as caught:
        command_line.main(["eval", "cases.csv", *source, *wrong])
    assert caught.value.code == 2


def test_a_source_that_cannot_be_opened(folder: Path) -> None:
    settings, options = Settings(home=folder / "home"), evaluation.EvaluationOptions()
    (folder / "empty").mkdir()
    for source, error in (
        (str(folder / "empty"), InvalidInput),
        (f"duckdb:///{folder}/none.duckdb", InvalidInput),
        (f"sqlite:///{folder}/none.db", InvalidInput),
        ("gopher://x/y", InvalidInput),
        ("postgresql://u:p@127.0.0.1:1/db", EngineUnavailable),
        ("A name", AiserError),
    ):
        with pytest.raises(error), evaluation.opened(source, settings, options):
            pass


def test_sqlite_files(folder: Path) -> None:
    import sqlite3

    with sqlite3.connect(folder / "shop.db") as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT)")
        shop.execute("INSERT INTO orders VALUES (1, 'EU')")
    shop.close()
    settings, options = Settings(home=folder / "home"), evaluation.EvaluationOptions()
    case = EvaluationCase(
        case_id="1", question="How many orders?", gold_sql="SELECT count(*) FROM orders"
    )
    for source in (f"sqlite:///{folder}/shop.db",):
        (score,) = evaluation.evaluate([Share(source, (case,))], settings, options)
        assert score.outcome is CaseOutcome.RIGHT
    (folder / "shop.db").rename(folder / "shop.sqlite")
    told: list[Any] = []
    share = Share(str(folder / "shop.sqlite"), (case,))
    evaluation.evaluate([share], settings, options, told.append)
    assert [score.outcome for score in told] == [CaseOutcome.RIGHT]


@pytest.mark.integration
def test_a_database_by_its_url(folder: Path, shop: Shop) -> None:
    case = EvaluationCase(
        case_id="1",
        question="How many customers?",
        gold_sql="SELECT count(*)::int FROM customers; SELECT {region, name} FROM customers",
    )
    settings, options = Settings(home=folder / "home"), evaluation.EvaluationOptions()
    (score,) = evaluation.evaluate([Share(shop.url, (case,))], settings, options)
    assert score.outcome is CaseOutcome.RIGHT


@pytest.mark.integration
def test_a_source_of_the_installation(
    web_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(web_services)
    monkeypatch.setattr(evaluation, "build_services", lambda _settings: web_services)
    monkeypatch.setattr(web_services.accounts, "operator", lambda: desk.admin)
    monkeypatch.setattr(Services, "close", lambda _self: None)
    case = EvaluationCase(
        case_id="1", question="How many orders?", gold_sql="SELECT count(*) FROM orders"
    )
    shares, options = [Share("Orders", (case,))], evaluation.EvaluationOptions(is_strict=True)
    (score,) = evaluation.evaluate(shares, web_services.settings, options)
    assert score.outcome is CaseOutcome.RIGHT
    from aiser_app.db.unit_of_work import UnitOfWork

    source = desk.add_file("Unread", "CREATE TABLE t (n INTEGER)")
    with UnitOfWork(web_services.engine) as uow:
        assert uow.semantic_models.find_latest(source.organization_id, source.source_id) is None
    with pytest.raises(AiserError, match="not synchronized"):
        evaluation.evaluate([Share("Unread", (case,))], web_services.settings, options)


def test_cases_are_shared_out() -> None:
    def case(database: str) -> EvaluationCase:
        return EvaluationCase(case_id=database, question="?", gold_sql="SELECT 1", db_name=database)

    both = [case("a"), case("b")]
    assert shared_out(both, "x/a.duckdb") == ([Share("x/a.duckdb", (both[0],))], 1)
    assert shared_out(both, "x/{db_name}")[0] == [
        Share("x/a", (both[0],)),
        Share("x/b", (both[1],)),
    ]
    assert shared_out([case("")], "whatever") == ([Share("whatever", (case(""),))], 0)
    for cases, source, database in (
        (both, "c", ""),
        (both, "a", "c"),
        ([case("")], "{db_name}", ""),
    ):
        with pytest.raises(InvalidInput):
            shared_out(cases, source, database)
    assert called_as("postgresql://u:p@h:5432/shop?sslmode=require") == "shop"
