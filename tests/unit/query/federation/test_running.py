"""Running a query over several sources: stops, caps, spilled parts, what is left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.domain.actor import Claims
from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement
from aiser_app.errors import (
    EngineUnavailable,
    QueryCancelled,
    QueryDenied,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.contract import RowStream
from aiser_app.query.engines.duckdb import DuckDBEngine
from aiser_app.query.federation import FederatedSource, holding, keys, pulling
from tests.unit.query.federation.builders import Both, both, rows_of

JOIN = "SELECT o.id, c.name FROM sales.orders o JOIN crm.customers c ON o.customer_id = c.id"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both(tmp_path_factory.mktemp("running")) as found:
        yield found


@dataclass
class Watched:
    """A DuckDB engine that tells what it was asked, and does something before it answers."""

    engine: DuckDBEngine
    before: Callable[[CancelToken], None] = lambda _: None
    asked: list[str] = field(default_factory=list)
    name: str = "duckdb"
    dialect: str = "duckdb"

    @contextmanager
    def stream(
        self,
        source: DataSource,
        statement: Statement,
        *,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Iterator[RowStream]:
        self.asked.append(" ".join(statement.sql.replace('"', "").split()))
        self.before(cancel)
        with self.engine.stream(
            source, statement, timeout_seconds=timeout_seconds, cancel=cancel
        ) as rows:
            yield rows


def watched(
    two: Both, name: str, before: Callable[[CancelToken], None] = lambda _: None
) -> tuple[Both, Watched]:
    given = next(source for source in two.sources if source.name == name)
    engine = Watched(given.engine, before)  # type: ignore[arg-type]
    changed: tuple[FederatedSource, ...] = tuple(
        replace(source, engine=engine) if source is given else source for source in two.sources
    )
    return replace(two, sources=changed), engine


def until_cancelled(cancel: CancelToken) -> None:
    stopped = threading.Event()
    cancel.on_cancel(stopped.set)
    assert stopped.wait(30)
    raise QueryCancelled("The query was stopped.")


def rows_known(two: Both, **estimates: int) -> Both:
    """The sources, with that many rows in each table as far as anybody knows."""
    return replace(
        two,
        sources=tuple(
            replace(
                source,
                tables={
                    name: replace(table, row_estimate=estimates.get(name))
                    for name, table in source.tables.items()
                },
            )
            for source in two.sources
        ),
    )


def test_facts_about_a_query(two: Both) -> None:
    query = two.query(JOIN)
    assert query.tables == ("sales.orders", "crm.customers")
    assert [source.name for source in query.sources] == ["sales", "crm"]
    assert query.sql.startswith("SELECT\n  o.id,")
    assert (query.policies, query.parameters, query.parts) == ((), (), [])
    assert len(rows_of(query)) == len(two.expected(JOIN))
    assert query.why() == (
        "The query reads sales and crm: DuckDB beside Aiser joined what they sent. "
        "sales.orders: 200 rows, 2 columns of 9. crm.customers: 25 rows, 2 columns of 5."
    )


def test_the_guard_judges_the_whole_and_every_part(two: Both) -> None:
    with pytest.raises(QueryDenied, match="READ_TEXT"):
        two.query("SELECT (SELECT max(content) FROM read_text('/etc/passwd')) FROM sales.orders")
    with pytest.raises(QueryDenied):
        two.query("SELECT getvariable('x') FROM sales.orders, crm.customers")
    with pytest.raises(QueryDenied, match=":x"):
        two.query("SELECT id FROM sales.orders WHERE id = :x")


def test_limits_of_the_whole_are_kept(two: Both) -> None:
    assert len(two.rows(JOIN, limit=5)) == 6  # one more tells that there are more


def test_explaining_one_source_and_many_tables(two: Both) -> None:
    query = two.query("SELECT id FROM crm.customers WHERE id = 3 AND country = 'FR'")
    assert rows_of(query) == [(3,)]
    assert query.why() == (
        "DuckDB beside Aiser ran the query over what its tables sent. crm.customers: 1 row, "
        "2 columns of 5, filtered there by country and id, at most 100,001 rows asked for."
    )
    tables = {f"t{i}": replace(two.sources[0].tables["items"], name="items") for i in range(8)}
    crowd = replace(
        two,
        sources=tuple(
            replace(
                two.sources[0],
                name=f"s{i}",
                source=replace(two.sources[0].source, source_id=f"{i}" * 32),
                tables={"items": tables["t0"]},
            )
            for i in range(8)
        ),
    )
    query = crowd.query(
        "SELECT count(*) FROM "
        + ", ".join(f"(SELECT * FROM s{i}.items LIMIT 1) a{i}" for i in range(8))
    )
    assert rows_of(query) == [(1,)]
    assert query.why().endswith("2 more tables: 2 rows.")


def test_small_keys_reduce_a_large_part(two: Both) -> None:
    known, engine = watched(rows_known(two, orders=1_000_000, customers=25), "sales")
    sql = f"{JOIN} WHERE c.country = 'DE' AND c.id < 7 AND o.amount > 10"
    query = known.query(sql)
    assert sorted(rows_of(query)) == sorted(two.expected(sql))
    assert engine.asked[0].endswith("WHERE amount > 10 AND customer_id IN (2, 4, 6) LIMIT 5000001")
    assert "only for the 3 keys found in crm.customers" in query.why()


def test_without_keys_nothing_is_read(two: Both) -> None:
    known, engine = watched(rows_known(two, orders=1_000_000, customers=25), "sales")
    assert rows_of(known.query(f"{JOIN} WHERE c.id = 99")) == []
    assert "1 = 0" in engine.asked[0]


def test_texts_and_dates_can_be_keys(two: Both) -> None:
    known, engine = watched(rows_known(two, orders=1_000_000, customers=25), "sales")
    sql = (
        "SELECT o.id FROM sales.orders o JOIN crm.customers c ON o.placed = c.since "
        "AND o.status = c.country WHERE c.id IN (13, 14)"
    )
    assert rows_of(known.query(sql)) == two.expected(sql) == []
    assert "placed IN (CAST('2024-01-26' AS DATE), CAST('2024-02-25' AS DATE))" in engine.asked[0]
    assert "status IN (" in engine.asked[0]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(range(10_001)),
        pa.array(["x" * 90 + str(i) for i in range(1_000)]),
        pa.array(["it's"]),
        pa.array(["naïve"]),
        pa.array(["x" * 101]),
        pa.array([True]),
        pa.array([1.5]),
        pa.array([2**63], pa.uint64()),
        pa.array([-1], pa.date32()),
    ],
)
def test_keys_that_cannot_be_written_are_none(values: pa.Array) -> None:
    assert keys.distinct_keys(pa.table({"k": values}), "k") is None


def test_keys_are_distinct_and_not_null() -> None:
    table = pa.table({"k": [3, None, -3, 3]})
    assert keys.distinct_keys(table, "k") == [3, -3]
    assert keys.distinct_keys(table, "other") is None


def test_nobody_waits_for_a_part_that_turned_out_large(
    two: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "WAIT_ROWS", 10)
    known, engine = watched(rows_known(two, orders=1_000_000, customers=25), "sales")
    query = known.query(JOIN)
    assert sorted(rows_of(query)) == sorted(two.expected(JOIN))
    assert "IN (" not in engine.asked[0]
    assert all(not part.reduced_by for part in query.parts)


def test_nobody_waits_long(two: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "WAIT_SECONDS", 0.01)
    started = threading.Event()
    known, large = watched(
        rows_known(two, orders=1_000_000, customers=25), "sales", lambda _: started.set()
    )
    known, _ = watched(known, "crm", lambda _: assert_true(started.wait(30)))
    assert sorted(rows_of(known.query(JOIN))) == sorted(two.expected(JOIN))
    assert "IN (" not in large.asked[0]


def assert_true(value: bool) -> None:
    assert value


def test_a_stop_reaches_every_part(two: Both) -> None:
    cancel, both_run = CancelToken(), threading.Barrier(3)

    def before(part: CancelToken) -> None:
        both_run.wait(30)
        until_cancelled(part)

    slow, _ = watched(two, "sales", before)
    slow, _ = watched(slow, "crm", before)
    errors: list[BaseException] = []

    def run() -> None:
        with pytest.raises(QueryCancelled) as caught:
            rows_of(slow.query("SELECT count(*) FROM sales.orders, crm.customers"), cancel=cancel)
        errors.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    both_run.wait(30)
    cancel.cancel()
    thread.join(30)
    assert errors
    assert os.listdir(two.folder / "work") == []


def test_a_query_that_was_stopped_before_does_not_begin(two: Both) -> None:
    cancel = CancelToken()
    cancel.cancel("deadline")
    with pytest.raises(QueryTimedOut):
        rows_of(two.query(JOIN), cancel=cancel)


def test_the_join_itself_can_be_stopped(two: Both) -> None:
    sql = (
        "SELECT count(*) FROM sales.orders a, sales.orders b, sales.orders c, sales.orders d, "
        "crm.customers e WHERE hash(a.id, b.id, c.id, d.id, e.id) = 42"
    )
    with pytest.raises(QueryTimedOut):
        rows_of(two.query(sql), seconds=1.0)
    assert os.listdir(two.folder / "work") == []


def test_a_source_that_fails_is_named_and_stops_the_rest(two: Both) -> None:
    def down(_: CancelToken) -> None:
        raise EngineUnavailable("The database does not answer.", hint="Try again.")

    broken, _ = watched(two, "crm", down)
    broken, _ = watched(broken, "sales", until_cancelled)
    with pytest.raises(EngineUnavailable, match="“crm”: The database does not answer") as caught:
        rows_of(broken.query("SELECT count(*) FROM sales.orders, crm.customers"))
    assert caught.value.hint == "Try again."


def test_an_error_that_names_its_source_is_left_as_it_is(two: Both) -> None:
    def down(_: CancelToken) -> None:
        raise EngineUnavailable("The data of “crm” cannot be opened.")

    broken, _ = watched(two, "crm", down)
    with pytest.raises(EngineUnavailable, match=r"^The data of “crm” cannot be opened\.$"):
        rows_of(broken.query(JOIN))


def test_a_mistake_in_an_engine_is_not_hidden(two: Both) -> None:
    def wrong(_: CancelToken) -> None:
        raise ZeroDivisionError

    broken, _ = watched(two, "crm", wrong)
    with pytest.raises(ZeroDivisionError):
        rows_of(broken.query(JOIN))


def test_a_database_that_refuses_a_filter_sends_all_rows(two: Both) -> None:
    changed, engine = watched(two, "crm")

    def refuse_filters(_: CancelToken) -> None:
        if "WHERE" in engine.asked[-1]:
            raise QueryInvalid("invalid input value for enum")

    engine.before = refuse_filters
    sql = f"{JOIN} WHERE c.country = 'DE'"
    query = changed.query(sql)
    assert sorted(rows_of(query)) == sorted(two.expected(sql))
    assert len(engine.asked) == 2
    assert "filtered" not in query.why()


def test_a_query_that_a_database_cannot_run_at_all_fails(two: Both) -> None:
    def refuse(_: CancelToken) -> None:
        raise QueryInvalid("It cannot.")

    changed, engine = watched(two, "crm", refuse)
    with pytest.raises(QueryInvalid, match=r"“crm”: It cannot\."):
        rows_of(changed.query(JOIN))
    assert len(engine.asked) == 1


def test_an_error_of_the_join_is_told(two: Both) -> None:
    with pytest.raises(QueryInvalid, match="converted"):
        two.rows(
            "SELECT o.id FROM sales.orders o JOIN crm.customers c ON CAST(c.name AS INT) = o.id"
        )
    with pytest.raises(QueryInvalid):
        two.rows("SELECT nothing_like_this FROM sales.orders, crm.customers")


@pytest.mark.parametrize(
    ("caps", "message", "hint"),
    [
        ({"part_rows": 50}, "sales.orders would bring more than 50 rows", "by placed"),
        ({"part_bytes": 500}, "would bring more than", "in its own source first"),
    ],
)
def test_too_much_is_said_and_never_cut(
    two: Both, caps: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(QueryInvalid, match=message) as caught:
        two.rows(f"{JOIN} WHERE o.id > 0", **caps)
    assert hint in (caught.value.hint or "")


def test_without_times_no_column_is_suggested(two: Both) -> None:
    with pytest.raises(QueryInvalid) as caught:
        two.rows("SELECT i.product FROM sales.items i, crm.items", part_rows=49)
    assert caught.value.hint
    assert "for instance" not in caught.value.hint


def test_large_parts_go_to_a_file(two: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[str] = []
    begin = holding.Holding._begin_file

    def watch(self: holding.Holding) -> None:
        begin(self)
        files.append(str(self._path))
        assert oct(self._path.stat().st_mode)[-3:] == "600"

    monkeypatch.setattr(holding.Holding, "_begin_file", watch)
    monkeypatch.setattr(holding.Holding.__init__, "__kwdefaults__", {"memory_bytes": 1})
    sql = "SELECT * FROM sales.orders o FULL JOIN crm.customers c ON o.customer_id = c.id"
    assert sorted(map(repr, two.rows(sql))) == sorted(map(repr, two.expected(sql)))
    assert len(files) == 2
    assert os.listdir(two.folder / "work") == []


def test_a_part_in_several_batches_goes_to_its_file_whole(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])
    held = holding.Holding(schema, tmp_path, max_rows=100, max_bytes=10_000, memory_bytes=100)
    for start in range(0, 40, 10):
        held.add(pa.record_batch({"a": pa.array(range(start, start + 10))}))
    table = held.table()
    held.close()
    assert list(tmp_path.iterdir()) == []
    assert table.column("a").to_pylist() == list(range(40))


def test_what_a_dead_process_left_is_removed(two: Both) -> None:
    work = two.folder / "work"
    work.mkdir(exist_ok=True)
    old, young, other = work / "federated-old", work / "federated-young", work / "else"
    for folder in (old, young, other):
        folder.mkdir()
    long_ago = time.time() - 2 * 24 * 3600
    for folder in (old, other):
        os.utime(folder, (long_ago, long_ago))
    assert two.rows(JOIN)
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)
    young.rmdir()
    other.rmdir()


def test_claims_reach_every_part(two: Both) -> None:
    claims = Claims(organization_id="0" * 32, attributes={"a": "b"})
    judged = two.query(JOIN, claims=claims).judged
    assert judged.final.claims == claims
    assert all(part.allowed.claims == claims for part in judged.parts)
