"""Secrets stay closed to everyone without the key, and open through a change of keys."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aiser_app.access.sealing import Sealer, SecretUnreadable

SECRET = "postgresql://reader:hunter2@db/shop"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "sealing-key"


def test_a_secret_comes_back_and_is_not_there_to_read(file: Path) -> None:
    sealer = Sealer(file)
    sealed = sealer.seal(SECRET)
    assert sealer.open(sealed) == SECRET
    assert "hunter2" not in sealed
    assert sealer.seal(SECRET) != sealed
    assert Sealer(file).open(sealed) == SECRET


def test_the_key_is_the_owners_alone(file: Path) -> None:
    Sealer(file).seal("x")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_threads_that_come_first_together_share_one_key(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda number: Sealer(file).seal(str(number)), range(16)))
    assert [Sealer(file).open(text) for text in sealed] == [str(number) for number in range(16)]
    assert len(file.read_text().split()) == 1


def test_processes_that_come_first_together_share_one_key(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from aiser_app.access.sealing import Sealer; "
        "print(Sealer(Path(sys.argv[1])).seal('x'))"
    )
    command = [sys.executable, "-c", code, str(file)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    sealed = [process.communicate(timeout=60)[0].strip() for process in running]
    assert [Sealer(file).open(text) for text in sealed] == ["x"] * 3


def test_keys_are_changed_without_losing_a_secret(file: Path) -> None:
    sealer, elsewhere = Sealer(file), Sealer(file)
    old = sealer.seal(SECRET)
    sealer.rotate()
    assert elsewhere.open(old) == SECRET
    new = elsewhere.renew(old)
    assert new != old
    sealer.drop_old()
    assert elsewhere.open(new) == SECRET
    with pytest.raises(SecretUnreadable, match="another key"):
        elsewhere.open(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keys_can_be_changed_before_there_are_any(file: Path) -> None:
    Sealer(file).rotate()
    assert Sealer(file).open(Sealer(file).seal("x")) == "x"


def test_changes_at_the_same_time_lose_no_key(file: Path) -> None:
    sealed = Sealer(file).seal("x")
    with ThreadPoolExecutor(4) as pool:
        for _ in range(6):
            pool.submit(Sealer(file).rotate)
    assert len(file.read_text().split()) == 7
    assert Sealer(file).open(sealed) == "x"


def test_a_missing_key_is_not_made_up(file: Path) -> None:
    sealed = Sealer(file).seal("x")
    file.unlink()
    for use in (lambda: Sealer(file).open(sealed), lambda: Sealer(file).renew(sealed)):
        with pytest.raises(SecretUnreadable, match="missing"):
            use()
    with pytest.raises(SecretUnreadable, match="missing"):
        Sealer(file).drop_old()
    assert not file.exists()


def test_a_wrong_or_damaged_key_is_said_in_words(file: Path, tmp_path: Path) -> None:
    sealed = Sealer(tmp_path / "other").seal(SECRET)
    Sealer(file).seal("x")
    with pytest.raises(SecretUnreadable, match="another key") as caught:
        Sealer(file).open(sealed)
    assert caught.value.hint
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SecretUnreadable):
        Sealer(file).open("not sealed at all ☕")
    file.write_text("nonsense\n")
    with pytest.raises(SecretUnreadable, match="damaged"):
        Sealer(file).open(sealed)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretUnreadable, match="cannot be read"):
        Sealer(file).open(sealed)
