from __future__ import annotations

import os
import stat
from pathlib import Path

from aiser_app.stack.home import Home, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_with_secrets_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    home.make()  # a second start finds them
    assert [mode(folder) for folder in (home.run, home.logs, home.secrets)] == [0o700] * 3
    assert mode(home.root) == (0o711 if os.geteuid() == 0 else 0o700)


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    secret = home.keep_secret("redis")
    assert len(secret) == 64
    assert home.keep_secret("redis") == secret
    assert home.keep_secret("postgres") != secret
    assert mode(home.secret_file("redis")) == 0o600


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text("old and readable")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_long_home_gets_a_short_socket_path(tmp_path: Path) -> None:
    short, long = Home(Path("/srv/aiser")), Home(tmp_path / ("x" * 100))
    assert short.supervisor_socket == Path("/srv/aiser/run/supervisor.sock")
    assert len(os.fsencode(long.supervisor_socket)) <= 100
    assert long.supervisor_socket != Home(tmp_path / ("y" * 100)).supervisor_socket
