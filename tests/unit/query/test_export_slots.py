"""Exports at the same time are bounded, and a slot always comes back."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from aiser_app.errors import TooManyAttempts
from aiser_app.query.results.exports import ExportSlots, HeldChunks

PATIENT = 30.0


def slots(**options: float) -> ExportSlots:
    return ExportSlots(**{"wait_seconds": 0.0, **options})  # type: ignore[arg-type]


def refused(given: ExportSlots, extension: str) -> bool:
    try:
        give_back = given.take(extension)
    except TooManyAttempts:
        return True
    give_back()
    return False


def test_two_workbooks_and_four_files_at_once() -> None:
    given = slots()
    first, second = given.take("xlsx"), given.take("xlsx")
    assert refused(given, "xlsx")
    third, fourth = given.take("csv"), given.take("parquet")
    assert refused(given, "csv")
    first()
    third()
    assert not refused(given, "xlsx")
    second()
    fourth()
    others = [given.take("json") for _ in range(4)]
    assert refused(given, "xlsx")
    others.pop()()
    assert not refused(given, "xlsx")


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(TooManyAttempts, match="exporting at the moment") as caught:
        slots(at_once=0).take("csv")
    assert (caught.value.http_status, caught.value.retryable) == (429, True)
    assert caught.value.hint == "Try again in a minute."


def waiters(given: ExportSlots) -> int:
    return given._waiting


def test_somebody_who_waits_gets_the_slot_that_comes_free() -> None:
    given = slots(at_once=1, wait_seconds=PATIENT, max_waiting=1)
    give_back = given.take("csv")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(given.take, "xlsx")
        while not waiters(given):
            assert not waiting.done()
        assert refused(given, "csv")  # at once: enough people are waiting
        give_back()
        waiting.result(PATIENT)()
    assert waiters(given) == 0
    assert not refused(given, "xlsx")


def test_who_waited_in_vain_does_not_count() -> None:
    given = slots(at_once=1, wait_seconds=0.01, max_waiting=1)
    give_back = given.take("csv")
    assert refused(given, "csv")
    assert waiters(given) == 0
    give_back()
    assert not refused(given, "csv")


class Pieces:
    """A file of three pieces that knows whether somebody closed it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.is_closed = False
        self.let_go = 0
        self.fails = fails
        self.may_go_on = threading.Event()
        self.has_begun = threading.Event()
        self.may_go_on.set()

    def chunks(self) -> Generator[bytes, None, None]:
        try:
            for piece in (b"a", b"b", b"c"):
                self.has_begun.set()
                self.may_go_on.wait(PATIENT)
                yield piece
            if self.fails:
                raise ValueError("broken")
        finally:
            self.is_closed = True

    def held(self) -> HeldChunks:
        return HeldChunks(self.chunks(), self._let_go)

    def _let_go(self) -> None:
        self.let_go += 1


def test_the_last_piece_lets_go() -> None:
    pieces = Pieces()
    held = pieces.held()
    assert (list(held), pieces.is_closed, pieces.let_go) == ([b"a", b"b", b"c"], True, 1)
    held.close()
    assert pieces.let_go == 1


def test_a_failure_lets_go() -> None:
    pieces = Pieces(fails=True)
    held = pieces.held()
    with pytest.raises(ValueError, match="broken"):
        list(held)
    assert pieces.let_go == 1


@pytest.mark.parametrize("taken", [0, 1])
def test_closing_lets_go(taken: int) -> None:
    pieces = Pieces()
    held = pieces.held()
    for _ in range(taken):
        next(held)
    held.close()
    held.close()
    assert (pieces.let_go, pieces.is_closed) == (1, bool(taken))
    assert list(held) == []


def test_what_is_forgotten_lets_go() -> None:
    pieces = Pieces()
    held = pieces.held()
    next(held)
    del held
    gc.collect()
    assert (pieces.let_go, pieces.is_closed) == (1, True)


def test_closing_waits_for_the_piece_in_the_making() -> None:
    pieces = Pieces()
    held = pieces.held()
    pieces.may_go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        making = pool.submit(next, held)
        assert pieces.has_begun.wait(PATIENT)
        closing = pool.submit(held.close)
        assert pieces.let_go == 0
        pieces.may_go_on.set()
        assert making.result(PATIENT) == b"a"
        closing.result(PATIENT)
    assert (pieces.let_go, pieces.is_closed) == (1, True)


def test_a_slot_comes_back_also_when_closing_fails() -> None:
    class Stubborn(Pieces):
        def chunks(self) -> Generator[bytes, None, None]:
            try:
                yield b"a"
            finally:
                raise OSError("stuck")

    pieces = Stubborn()
    held = pieces.held()
    next(held)
    with pytest.raises(OSError, match="stuck"):
        held.close()
    assert pieces.let_go == 1
