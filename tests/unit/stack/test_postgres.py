from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiser_app.errors import ServiceUnavailable
from aiser_app.stack import account
from aiser_app.stack.account import Account, seen_at, unprivileged
from aiser_app.stack.postgres import Postgres, bin_dir, remove_stale_lock


def write_lock(data: Path, pid: object) -> Path:
    lock = data / "postmaster.pid"
    lock.write_text(f"{pid}\n{data}\n1795344245\n5432\n")
    return lock


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid(), 1, 2**22 + 1, -5])
def test_a_lock_of_something_else_is_removed(tmp_path: Path, pid: int) -> None:
    """After a container restart the pid in the lock always belongs to some other process."""
    lock = write_lock(tmp_path, pid)
    remove_stale_lock(tmp_path)
    assert not lock.exists()


def test_no_lock_and_a_broken_lock_are_left_alone(tmp_path: Path) -> None:
    remove_stale_lock(tmp_path)
    lock = write_lock(tmp_path, "not a pid")
    remove_stale_lock(tmp_path)
    assert lock.exists()


def test_a_password_is_quoted_in_the_address(tmp_path: Path) -> None:
    server = Postgres(data=tmp_path, port=5, password="a/b@c", password_file=tmp_path / "p")
    assert server.url("x") == "postgresql://aiser:a%2Fb%40c@127.0.0.1:5/x"
    assert not server.is_ready()


def test_an_ordinary_user_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged(bin_dir() / "postgres", tmp_path, package=bin_dir()) == Account()
    assert Account().popen_arguments() == {}


def test_root_without_a_way_down_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(account, "_succeeds", lambda *_: False)
    monkeypatch.setattr(account, "_bind", lambda _: False)
    with pytest.raises(ServiceUnavailable) as caught:
        unprivileged(bin_dir() / "postgres", tmp_path, package=bin_dir())
    assert "DATABASE_URL" in (caught.value.hint or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_root_uses_a_namespace_where_no_account_can_enter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(account, "_bind", lambda _: False)
    try:
        chosen = unprivileged(bin_dir() / "postgres", closed, package=bin_dir())
    except ServiceUnavailable:
        pytest.skip("user namespaces are not allowed here")
    assert chosen.uid is None
    assert chosen.prefix[:2] == ("unshare", "--user")


def test_what_is_bound_is_found_where_the_account_sees_it() -> None:
    home = Path("/root/home")
    bound = Account(uid=1, gid=1, moved=((home, seen_at(home)),))
    assert bound.sees(home / "postgres" / "base") == seen_at(home) / "postgres" / "base"
    assert bound.sees(Path("/usr/bin/true")) == Path("/usr/bin/true")
    assert seen_at(home) != seen_at(home / "other")
    assert Account().sees(home) == home
