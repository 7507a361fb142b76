"""Rows on disk: complete or absent, capped and honest about it, exact in every format."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_query import Order
from aiser_app.errors import CellTooLarge, InvalidInput, NotFound, StorageFull
from aiser_app.query.results import ResultStore
from aiser_app.query.results.files import SPILL_FOLDER, remove_leftovers, stored_files
from aiser_app.query.results.writing import BATCH_MAX_ROWS
from tests.fixtures.servers import PROJECT
from tests.unit.query.builders import ORGANIZATION, RESULT_ID, a_result, store


def batches(*sizes: int) -> Iterator[pa.RecordBatch]:
    start = 0
    for size in sizes:
        yield pa.RecordBatch.from_pydict({"a": list(range(start, start + size))})
        start += size


SCHEMA = pa.schema([("a", pa.int64())])


def test_a_result_is_a_private_file_in_its_organization(tmp_path: Path) -> None:
    results = ResultStore(tmp_path / "results")
    stored = results.write(
        batches(3, 2),
        SCHEMA,
        result_id=RESULT_ID,
        organization_id=ORGANIZATION,
        limit=10,
        columns=(Column(name="a", type="integer", title="Answer", unit="min"),),
    )
    assert stored.row_count == 5
    assert not stored.truncated
    assert stored.byte_count == 40
    assert stored.columns == (Column(name="a", type="integer", title="Answer", unit="min"),)
    path = tmp_path / "results" / ORGANIZATION / f"{RESULT_ID}.arrow"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert results.read_arrow(a_result(stored)).column("a").to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("limit", "rows", "truncated"), [(6, 6, False), (5, 5, True), (3, 3, True), (0, 0, True)]
)
def test_the_row_that_is_too_many_shows_truncation(
    tmp_path: Path, limit: int, rows: int, truncated: bool
) -> None:
    stored = ResultStore(tmp_path).write(
        batches(4, 2), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=limit
    )
    assert (stored.row_count, stored.truncated) == (rows, truncated)
    assert stored.limiting_factor == ("rows" if truncated else "")


def test_no_more_batches_are_asked_for_than_needed(tmp_path: Path) -> None:
    source = batches(4, 4, 4)
    ResultStore(tmp_path).write(
        source, SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=5
    )
    assert next(source).num_rows == 4


@pytest.mark.parametrize(("cap", "rows"), [(80, 10), (79, 9), (8, 1), (0, 0), (1_000, 10)])
def test_bytes_are_capped_and_that_is_truncation_too(tmp_path: Path, cap: int, rows: int) -> None:
    stored = ResultStore(tmp_path, max_bytes=cap).write(
        batches(10), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=100
    )
    assert stored.row_count == rows
    assert stored.truncated is (rows < 10)
    assert stored.byte_count <= cap
    assert stored.limiting_factor == ("bytes" if rows < 10 else "")


def test_nothing_remains_of_a_write_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(3)
        raise RuntimeError("the engine died")

    results = ResultStore(tmp_path)
    with pytest.raises(RuntimeError):
        results.write(
            failing(), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=10
        )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(NotFound):
        results.page(a_result())


@pytest.mark.parametrize(
    "identifier",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "a\x00", "x" * 65, "ü", "a\n"],
)
def test_identifiers_cannot_become_other_paths(tmp_path: Path, identifier: str) -> None:
    results = ResultStore(tmp_path / "results")
    for result_id, organization_id in ((identifier, ORGANIZATION), (RESULT_ID, identifier)):
        with pytest.raises(NotFound):
            results.write(
                batches(1),
                SCHEMA,
                result_id=result_id,
                organization_id=organization_id,
                limit=1,
            )
        with pytest.raises(NotFound):
            results.delete(result_id, organization_id)
    assert list(tmp_path.rglob("*.arrow")) == []


def test_organizations_do_not_see_each_others_results(tmp_path: Path) -> None:
    results = ResultStore(tmp_path)
    results.write(batches(1), SCHEMA, result_id=RESULT_ID, organization_id="another", limit=1)
    with pytest.raises(NotFound):
        results.read_arrow(a_result())


def test_deleting_twice_is_fine(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1]}))
    results.delete(result.result_id, result.organization_id)
    results.delete(result.result_id, result.organization_id)
    with pytest.raises(NotFound):
        results.select(result)


def test_a_damaged_file_reads_as_gone(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1]}))
    (tmp_path / ORGANIZATION / f"{RESULT_ID}.arrow").write_bytes(b"not arrow")
    with pytest.raises(NotFound):
        results.page(result)


def test_an_empty_result_has_columns(tmp_path: Path) -> None:
    results, result = store(tmp_path, SCHEMA.empty_table())
    page = results.page(result)
    assert [column.name for column in page.columns] == ["a"]
    assert (page.rows, page.row_count) == ([], 0)


def test_equal_and_missing_names_are_told_apart(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1])] * 5, names=["a", "A", "a", "", "a_2"])
    results, result = store(tmp_path, table)
    names = [column.name for column in results.page(result).columns]
    assert names == ["a", "A_2", "a_3", "column_4", "a_2_2"]
    assert results.page(result, sort=(), filters=()).rows == [[1, 1, 1, 1, 1]]


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (0, -1), (0, 10_001)])
def test_pages_have_bounds(tmp_path: Path, offset: int, limit: int) -> None:
    results, result = store(tmp_path, pa.table({"a": [1]}))
    with pytest.raises(InvalidInput):
        results.page(result, offset=offset, limit=limit)


def test_pages_follow_each_other(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": list(range(25))}))
    pages = [results.page(result, offset=offset, limit=10) for offset in (0, 10, 20, 30)]
    assert [len(page.rows) for page in pages] == [10, 10, 5, 0]
    assert [row[0] for page in pages for row in page.rows] == list(range(25))
    assert {page.row_count for page in pages} == {25}


def write(results: ResultStore, table: pa.Table, *, limit: int = 10**9) -> Any:
    return results.write(
        table.to_batches(),
        table.schema,
        result_id=RESULT_ID,
        organization_id=ORGANIZATION,
        limit=limit,
    )


def no_file_in(folder: Path) -> bool:
    return not [path for path in folder.rglob("*") if path.is_file()]


def test_rows_of_uneven_size_are_cut_where_the_bytes_end(tmp_path: Path) -> None:
    table = pa.table({"a": ["x" * (1_000 if number < 10 else 1) for number in range(1_000)]})
    stored = write(ResultStore(tmp_path, max_bytes=8_000), table)
    assert stored.row_count == 7
    assert (stored.truncated, stored.limiting_factor) == (True, "bytes")
    assert stored.byte_count <= 8_000


def test_batches_get_a_good_size(tmp_path: Path) -> None:
    results = ResultStore(tmp_path)
    large, tiny = pa.table({"a": range(100_000)}), pa.table({"a": range(20_000)})
    for given in (large.to_batches(), tiny.to_batches(max_chunksize=7)):
        results.write(given, SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=10**6)
        path = tmp_path / ORGANIZATION / f"{RESULT_ID}.arrow"
        reader = pa.ipc.open_file(pa.OSFile(str(path)))
        sizes = [reader.get_batch(at).num_rows for at in range(reader.num_record_batches)]
        assert max(sizes) <= BATCH_MAX_ROWS
        assert len(sizes) <= 7
        assert results.read_arrow(a_result()).column("a").to_pylist() == list(range(sum(sizes)))


def test_the_time_until_rows_flow_is_known(tmp_path: Path) -> None:
    assert write(ResultStore(tmp_path), pa.table({"a": [1]})).time_to_first_batch_ms > 0
    empty = ResultStore(tmp_path).write(
        (), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=1
    )
    assert (empty.row_count, empty.truncated) == (0, False)
    assert empty.time_to_first_batch_ms > 0


# --- failures -------------------------------------------------------------------------------------


def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/full is a disk without room."""
    really_open = os.open

    def open_full(path: Any, flags: int, *mode: int) -> int:
        if str(path).endswith(".tmp"):
            really_open(path, flags, *mode)  # the file exists, as on a real disk
            return really_open("/dev/full", os.O_WRONLY)
        return really_open(path, flags, *mode)

    monkeypatch.setattr("aiser_app.query.results.store.os.open", open_full)
    with pytest.raises(StorageFull, match="no room left") as caught:
        write(ResultStore(tmp_path), pa.table({"a": range(100_000)}))
    assert str(tmp_path) not in caught.value.message + str(caught.value.hint)
    assert caught.value.http_status == 507
    assert no_file_in(tmp_path)


def test_other_troubles_of_the_disk_are_not_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("aiser_app.query.results.store.os.open", fail)
    with pytest.raises(OSError, match="broken"):
        write(ResultStore(tmp_path), pa.table({"a": [1]}))
    assert no_file_in(tmp_path)


def test_rows_beyond_the_memory_are_a_clear_error(tmp_path: Path) -> None:
    def greedy() -> Iterator[pa.RecordBatch]:
        yield from batches(1)
        raise MemoryError

    with pytest.raises(CellTooLarge, match="do not fit in memory"):
        ResultStore(tmp_path).write(
            greedy(), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=5
        )
    assert no_file_in(tmp_path)


LONG = "x" * 5_000


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", LONG]),
        pa.array(["a", LONG], pa.large_string()),
        pa.array(["a", LONG], pa.string_view()),
        pa.array([b"a", LONG.encode()]),
        pa.array(["a", LONG]).dictionary_encode(),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array(["a", LONG])),
        pa.array([["a"], [LONG]]),
        pa.array([{"k": "a"}, {"k": LONG}]),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1", f'"{LONG}"'])),
    ],
    ids=lambda column: str(column.type)[:20],
)
def test_a_cell_that_is_too_large_ends_the_query_clearly(tmp_path: Path, column: pa.Array) -> None:
    batch = pa.RecordBatch.from_arrays([pa.nulls(2), column], names=["n", "big"])
    results = ResultStore(tmp_path, max_cell_bytes=4_000)
    with pytest.raises(CellTooLarge, match="“big”") as caught:
        results.write(
            [batch], batch.schema, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=9
        )
    assert "substring" in (caught.value.hint or "")
    assert no_file_in(tmp_path)


def test_many_values_may_be_larger_together(tmp_path: Path) -> None:
    table = pa.table({"t": ["x" * 1_000] * 50, "n": range(50), "l": [["y" * 1_000]] * 50})
    stored = write(ResultStore(tmp_path, max_cell_bytes=4_000), table)
    assert stored.row_count == 50


def test_an_encoded_batch_does_not_explode(tmp_path: Path) -> None:
    """One value of 1 MB in 2,000 rows is 2 GB once every row has its own: it is cut before."""
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000), pa.array(["x" * 1_000_000]))
    results = ResultStore(tmp_path, max_bytes=50_000_000)
    stored = write(results, pa.table({"a": values}))
    assert (stored.row_count, stored.limiting_factor) == (49, "bytes")


def test_a_killed_writer_leaves_nothing_that_stays(tmp_path: Path) -> None:
    code = f"""
import pyarrow as pa, sys, time
from pathlib import Path
from aiser_app.query.results import ResultStore
def batches():
    while True:
        yield pa.record_batch({{"a": list(range(20_000))}})
        print("written", flush=True)
ResultStore(Path({str(tmp_path)!r})).write(batches(), pa.schema([("a", pa.int64())]),
    result_id="{RESULT_ID}", organization_id="{ORGANIZATION}", limit=10**12)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(5):
        assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with pytest.raises(NotFound):
        ResultStore(tmp_path).page(a_result())
    (left,) = (tmp_path / ORGANIZATION).iterdir()
    assert list(stored_files(tmp_path)) == []
    assert remove_leftovers(tmp_path) == 0  # it could be alive
    os.utime(left, (0, 0))
    assert remove_leftovers(tmp_path) == 1
    assert no_file_in(tmp_path)


def test_clean_up_meets_a_file_that_vanishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path, pa.table({"a": [1]}))
    old = tmp_path / ORGANIZATION / ".b.1.tmp"
    old.write_bytes(b"")
    os.utime(old, (0, 0))

    def gone(*_: Any, **__: Any) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("aiser_app.query.results.files.os.unlink", gone)
    assert remove_leftovers(tmp_path) == 0
    monkeypatch.undo()
    old.unlink()
    (tmp_path / ORGANIZATION / "dangling.arrow").symlink_to(old)
    assert [file.result_id for file in stored_files(tmp_path)] == [RESULT_ID]


# --- sharing --------------------------------------------------------------------------------------

OTHER_ID = "b" * 32


def test_shared_rows_outlive_the_first_result(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1, 2]}))
    assert results.share(RESULT_ID, ORGANIZATION, OTHER_ID)
    assert len({file.content for file in stored_files(tmp_path)}) == 1
    results.delete(RESULT_ID, ORGANIZATION)
    assert results.read_arrow(a_result(result_id=OTHER_ID)).column("a").to_pylist() == [1, 2]
    with pytest.raises(NotFound):
        results.read_arrow(result)


def test_sharing_twice_leaves_no_traces(tmp_path: Path) -> None:
    results, _ = store(tmp_path, pa.table({"a": [1]}))
    for _ in range(2):
        assert results.share(RESULT_ID, ORGANIZATION, OTHER_ID)
    names = sorted(path.name for path in (tmp_path / ORGANIZATION).iterdir())
    assert names == [f"{RESULT_ID}.arrow", f"{OTHER_ID}.arrow"]


def test_rows_that_are_gone_or_foreign_cannot_be_shared(tmp_path: Path) -> None:
    results, _ = store(tmp_path, pa.table({"a": [1]}))
    assert not results.share("c" * 32, ORGANIZATION, OTHER_ID)
    assert not results.share(RESULT_ID, "d" * 32, OTHER_ID)
    with pytest.raises(NotFound):
        results.share("../x", ORGANIZATION, OTHER_ID)
    with pytest.raises(NotFound):
        results.share(RESULT_ID, ORGANIZATION, "../x")
    assert [file.result_id for file in stored_files(tmp_path)] == [RESULT_ID]


def test_where_there_are_no_links_rows_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("aiser_app.query.results.store.os.link", no_link)
    results, _result = store(tmp_path, pa.table({"a": [1, 2]}))
    assert results.share(RESULT_ID, ORGANIZATION, OTHER_ID)
    assert len({file.content for file in stored_files(tmp_path)}) == 2
    assert all(file.path.stat().st_mode & 0o777 == 0o600 for file in stored_files(tmp_path))
    assert not results.share("c" * 32, ORGANIZATION, "e" * 32)


# --- reading --------------------------------------------------------------------------------------


def test_a_reader_reads_on_after_the_rows_were_removed(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": range(50_000)}), limit=10**6)
    selected = results.select(result)
    windows = selected.windows(0, 50_000, 1_000)
    first = next(windows).column("a").to_pylist()
    results.delete(RESULT_ID, ORGANIZATION)
    rest = [value for window in windows for value in window.column("a").to_pylist()]
    assert first + rest == list(range(50_000))


def test_a_result_without_columns_has_pages(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({}))
    assert results.page(result).rows == []


def test_files_of_the_first_version_are_read(tmp_path: Path) -> None:
    """They have no row counter."""
    folder = tmp_path / ORGANIZATION
    folder.mkdir()
    table = pa.table({"a": range(30), "b": ["x"] * 30})
    with pa.ipc.new_file(str(folder / f"{RESULT_ID}.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    page = ResultStore(tmp_path).page(a_result(), offset=5, limit=10)
    assert [row[0] for row in page.rows] == list(range(5, 15))
    assert page.row_count == 30


def test_damage_inside_of_a_file_reads_as_gone(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [os.urandom(20).hex() for _ in range(900)]}))
    path = tmp_path / ORGANIZATION / f"{RESULT_ID}.arrow"
    content = bytearray(path.read_bytes())
    content[1_000:9_000] = bytes(8_000)
    path.write_bytes(content)
    with pytest.raises(NotFound, match="no longer kept"):
        results.page(result)


def test_sorting_goes_on_after_its_spill_folder_was_removed(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1, 2]}))
    sort = [Order(member="a", descending=True)]
    assert results.page(result, sort=sort).rows == [[2], [1]]
    (folder,) = (tmp_path / SPILL_FOLDER).iterdir()
    old = folder / "duckdb_temp.tmp"
    old.write_bytes(b"")
    assert remove_leftovers(tmp_path) == 0
    os.utime(old, (0, 0))
    assert remove_leftovers(tmp_path) == 1
    assert not folder.exists()
    assert results.page(result, limit=1, sort=[*sort, *sort]).rows == [[2]]
    assert folder.exists()


def test_sorting_spills_what_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.query.results.selection._MEMORY_LIMIT", "60MB")
    count = 700_000
    keys = pa.array([f"{number * 7919 % count:07} {'x' * 40}" for number in range(count)])
    results, result = store(tmp_path, pa.table({"a": keys}), limit=10**9)
    page = results.page(result, offset=count - 1, sort=[Order(member="a")])
    assert page.rows[0][0].startswith(f"{count - 1:07} ")


def test_sorting_without_room_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiser_app.query.results.selection._MEMORY_LIMIT", "10MB")
    monkeypatch.setattr("aiser_app.query.results.selection._SPILL_LIMIT", "1MB")
    keys = pa.array([f"{number} {'x' * 40}" for number in range(200_000)])
    results, result = store(tmp_path, pa.table({"a": keys}), limit=10**9)
    with pytest.raises(StorageFull, match="no room to sort") as caught:
        results.page(result, sort=[Order(member="a")])
    assert str(tmp_path) not in str(caught.value.hint)
