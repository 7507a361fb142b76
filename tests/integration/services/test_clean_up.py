"""Rows are kept for a time and up to a size; whoever reads them meanwhile reads on."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from aiser_app.domain.result import Result
from aiser_app.errors import NotFound
from aiser_app.query.results import ResultStore
from aiser_app.query.results.files import SPILL_FOLDER, stored_files
from aiser_app.services import clean_up
from aiser_app.services.clean_up import CleanUp
from aiser_app.services.results import Results
from tests.fixtures.organizations import Tenant, add_result, add_run, finish_run

pytestmark = pytest.mark.integration


def a_result(
    engine: Engine, tenant: Tenant, folder: Path, *, rows: int = 3, ended: bool = True
) -> Result:
    run = add_run(engine, tenant.actor(), tenant.source)
    result = add_result(engine, run, folder, rows=rows)
    if ended:
        finish_run(engine, run, result)
    return result


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def left(folder: Path) -> set[str]:
    return {file.result_id for file in stored_files(folder)}


def test_rows_are_kept_for_the_days_of_the_setting(
    engine: Engine, tenant: Tenant, tmp_path: Path
) -> None:
    ended = a_result(engine, tenant, tmp_path)
    open_one = a_result(engine, tenant, tmp_path, ended=False)
    cleaner = CleanUp(engine, results_dir=tmp_path, result_days=7)
    assert cleaner.run(in_days(6.9)) == 0
    assert cleaner.run(in_days(7.1)) == 1
    assert left(tmp_path) == {open_one.result_id}
    results = Results(engine, ResultStore(tmp_path))
    assert results.get(tenant.actor(), ended.result_id) == ended
    with pytest.raises(NotFound, match="no longer kept") as caught:
        results.page(tenant.actor(), ended.result_id)
    assert "ask the question again" in (caught.value.hint or "")
    assert cleaner.run(in_days(7.1)) == 0


def test_files_of_no_result_are_removed_once_they_are_old(
    engine: Engine, tenant: Tenant, tmp_path: Path
) -> None:
    """Rows are complete a moment before their envelope is written."""
    result = a_result(engine, tenant, tmp_path)
    own = tmp_path / tenant.organization_id
    foreign = tmp_path / ("f" * 32)
    foreign.mkdir()
    content = (own / f"{result.result_id}.arrow").read_bytes()
    for path in (own / f"{'e' * 32}.arrow", foreign / f"{result.result_id}.arrow"):
        path.write_bytes(content)
    (tmp_path / SPILL_FOLDER).mkdir(exist_ok=True)
    cleaner = CleanUp(engine, results_dir=tmp_path)
    assert cleaner.run() == 0
    assert cleaner.run(in_days(0.5)) == 2
    assert [path.name for path in own.iterdir()] == [f"{result.result_id}.arrow"]
    assert list(foreign.iterdir()) == []


def linked_at(results: list[Result], folder: Path) -> list[float]:
    known = {file.result_id: file.linked_at for file in stored_files(folder)}
    return [known[result.result_id] for result in results]


def test_beyond_the_size_the_oldest_go_first(
    engine: Engine, tenant: Tenant, tmp_path: Path
) -> None:
    made = [a_result(engine, tenant, tmp_path, rows=500) for _ in range(4)]
    assert linked_at(made, tmp_path) == sorted(linked_at(made, tmp_path))
    size = max(file.size for file in stored_files(tmp_path))
    cleaner = CleanUp(engine, results_dir=tmp_path, results_max_bytes=int(size * 2.5))
    assert cleaner.run() == 2
    assert left(tmp_path) == {result.result_id for result in made[2:]}
    assert cleaner.run() == 0


def test_shared_rows_count_once_and_are_as_new_as_their_last_use(
    engine: Engine, tenant: Tenant, tmp_path: Path
) -> None:
    first, second, third = [a_result(engine, tenant, tmp_path, rows=500) for _ in range(3)]
    again = a_result(engine, tenant, tmp_path)
    assert ResultStore(tmp_path).share(first.result_id, tenant.organization_id, again.result_id)
    size = max(file.size for file in stored_files(tmp_path))
    assert CleanUp(engine, results_dir=tmp_path, results_max_bytes=int(size * 3.5)).run() == 0
    assert CleanUp(engine, results_dir=tmp_path, results_max_bytes=int(size * 2.5)).run() == 1
    assert second.result_id not in left(tmp_path)
    assert CleanUp(engine, results_dir=tmp_path, results_max_bytes=1).run() == 3
    assert left(tmp_path) == set()
    assert third.result_id not in left(tmp_path)


def test_rows_of_open_runs_stay_whatever_their_size(
    engine: Engine, tenant: Tenant, tmp_path: Path
) -> None:
    open_one = a_result(engine, tenant, tmp_path, ended=False)
    a_result(engine, tenant, tmp_path)
    assert CleanUp(engine, results_dir=tmp_path, results_max_bytes=1).run() == 1
    assert left(tmp_path) == {open_one.result_id}


def test_two_that_clean_up_at_once_do_not_stumble(
    engine: Engine, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_result(engine, tenant, tmp_path)
    everything = clean_up.stored_files

    def and_then_gone(root: Path) -> list[object]:
        files = list(everything(root))
        for file in files:
            file.path.unlink()
        return list(files)

    monkeypatch.setattr("aiser_app.services.clean_up.stored_files", and_then_gone)
    assert CleanUp(engine, results_dir=tmp_path).run(in_days(8)) == 0


def test_counts_are_logged(
    engine: Engine, tenant: Tenant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    a_result(engine, tenant, tmp_path)
    CleanUp(engine, results_dir=tmp_path).run(in_days(8))
    (record,) = [record for record in caplog.records if record.message == "cleaned_up"]
    assert record.__dict__["expired_results"] == 1
    assert record.__dict__["results_over_size"] == 0


def test_reading_while_rows_are_removed(engine: Engine, tenant: Tenant, tmp_path: Path) -> None:
    """Everybody gets all rows or is told that they are gone; never something in between."""
    made = [a_result(engine, tenant, tmp_path, rows=30_000) for _ in range(12)]
    results = Results(engine, ResultStore(tmp_path))
    started = threading.Barrier(3)
    seen: list[int] = []
    gone: list[str] = []
    trouble: list[BaseException] = []

    def read(mine: list[Result]) -> None:
        started.wait()
        for result in mine:
            try:
                file = results.export(tenant.actor(), result.result_id, "ndjson")
                seen.append(sum(chunk.count(b"\n") for chunk in file.chunks))
            except NotFound as error:
                gone.append(error.message)
            except BaseException as error:  # noqa: BLE001 - told to the test below
                trouble.append(error)

    readers = [threading.Thread(target=read, args=(made[at::2],)) for at in (0, 1)]
    for reader in readers:
        reader.start()
    started.wait()
    CleanUp(engine, results_dir=tmp_path).run(in_days(8))
    for reader in readers:
        reader.join()
    assert trouble == []
    assert set(seen) <= {30_000}
    assert len(seen) + len(gone) == len(made)
    assert left(tmp_path) == set()
