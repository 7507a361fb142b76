"""`make load` stays on this machine and within bounds."""

from __future__ import annotations

import os

import pytest

from benchmarks.load import (
    MAX_PEOPLE,
    MAX_QUESTIONS,
    MAX_SECONDS,
    Found,
    Load,
    Used,
    is_loopback,
    read_load,
    report,
    used_by,
)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3000", "http://localhost:3000/", "http://[::1]:3000"]
)
def test_addresses_of_this_machine(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://aiser.example",
        "http://127.0.0.1.example",
        "http://localhost@aiser.example",
        "http://192.168.0.5:3000",
        "http://0.0.0.0:3000",
        "127.0.0.1:3000",
        "",
    ],
)
def test_all_others_are_not(url: str) -> None:
    assert not is_loopback(url)


def test_another_machine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_load(["--url", "https://aiser.example"])
    assert ended.value.code == 2
    assert "this machine" in capsys.readouterr().err


def test_whatever_is_asked_for_stays_within_bounds() -> None:
    huge = ["--people", "9999999", "--programs", "9999999", "--questions", "9999999"]
    _, load = read_load([*huge, "--seconds", "1e9"])
    assert (load.people, load.programs) == (MAX_PEOPLE, MAX_PEOPLE)
    assert (load.questions, load.seconds) == (MAX_QUESTIONS, MAX_SECONDS)
    _, load = read_load(["--people", "-1", "--questions", "0", "--think", "-1", "--seconds", "0"])
    assert (load.people, load.questions, load.think, load.seconds) == (0, 1, 0.0, 1.0)


LOAD = Load(people=2, programs=1, questions=2, think=0, ramp=0, seconds=10)


def test_the_report_has_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found(page=[1.0, 2.0], rest=[3.0, 5.0], opened=[0.5, 0.5], took=2.0)
    found.used["web-1"] = Used(resident=200_000_000, own=100_000_000, cpu=0.4)
    assert report(LOAD, found) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["answer", "over", "REST", "2", "4.00", "4.90", "5.00"] in lines
    assert ["4", "answers", "in", "2.0", "s:", "2.0", "per", "second"] in lines
    assert ["web-1", "200", "100", "100"] in lines
    assert ["errors:", "0"] in lines


def test_errors_and_silence_are_failures(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found(page=[1.0], took=1.0)
    found.errors["REST: 503 service_unavailable"] = 3
    assert report(LOAD, found) == 1
    assert "3  REST: 503 service_unavailable" in capsys.readouterr().out
    assert report(LOAD, Found(took=1.0)) == 1


def test_what_a_process_uses_is_measured() -> None:
    used = used_by(os.getpid(), frozenset())
    assert used.resident >= used.own > 1_000_000
    assert used.cpu > 0
    assert used_by(2**22 + 1, frozenset()) == Used()
