"""A file is a source only inside the folder of sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiser_app.errors import InvalidInput
from aiser_app.query.connection import read_address
from aiser_app.query.connection.files import source_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "shops").mkdir(parents=True)
    (folder / "a.db").write_bytes(b"")
    (folder / "shops" / "b c.db").write_bytes(b"")
    (tmp_path / "outside.db").write_bytes(b"")
    (folder / "link.db").symlink_to(tmp_path / "outside.db")
    (folder / "out").symlink_to(tmp_path)
    (folder / "inside.db").symlink_to(folder / "a.db")
    return folder


@pytest.mark.parametrize("name", ["a.db", "shops/b%20c.db", "inside.db"])
def test_files_of_the_folder_are_found(folder: Path, name: str) -> None:
    assert source_file(folder, read_address(f"sqlite:///{name}")).is_file()


@pytest.mark.parametrize("name", ["missing.db", "link.db", "out/outside.db", "shops"])
def test_nothing_else_is(folder: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="no file"):
        source_file(folder, read_address(f"sqlite:///{name}"))
