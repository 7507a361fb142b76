from __future__ import annotations

import pytest

from aiser_app.config import Settings
from tests.settings_doc import FILE, document


def test_the_page_is_current() -> None:
    assert FILE.read_text() == document(), "run: python -m tests.settings_doc"


def test_every_setting_is_on_the_page() -> None:
    page = FILE.read_text()
    for name, field in Settings.model_fields.items():
        assert f"`{field.alias or name.upper()}`" in page


def test_only_our_own_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME, HOST and PORT are in every second environment and mean something else."""
    for name in Settings.model_fields:
        if f"{name.upper()}" not in {field.alias for field in Settings.model_fields.values()}:
            monkeypatch.setenv(name.upper(), "1")
    assert Settings() == Settings.model_construct()
