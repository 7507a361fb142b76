"""Identifiers, addresses, and values on their way into Postgres."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiser_app.db.engine import database_address, open_engine
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.storable import storable, storable_text
from aiser_app.errors import ServiceUnavailable


def test_identifiers() -> None:
    assert is_id(new_id())
    assert new_id() != new_id()
    for text in ("", "x", "0" * 31, "0" * 33, "A" * 32, "0" * 31 + "\n", "0" * 32 + "\n"):
        assert not is_id(text)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5/d",
        "postgresql+psycopg://u:p@h:5/d",
        "postgres://u:p@h:5/d",
    ],
)
def test_addresses_of_postgres(url: str) -> None:
    address = database_address(url)
    assert address.drivername == "postgresql+psycopg"
    assert (address.host, address.port, address.database) == ("h", 5, "d")


@pytest.mark.parametrize(
    "url", ["", "mysql://u:canary@h/d", "sqlite:////etc/passwd", "canary", "postgresql+x:/canary"]
)
def test_other_addresses_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ServiceUnavailable) as caught:
        open_engine(url)
    assert "canary" not in f"{caught.value} {caught.value.hint}"


@given(st.text(st.characters(codec=None)))
def test_text_can_be_stored(text: str) -> None:
    stored = storable_text(text)
    assert "\x00" not in stored
    stored.encode()
    if "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text):
        assert stored == text


def test_json_can_be_stored() -> None:
    value = {"a\x00": [1.5, float("nan"), float("-inf")], "b": ("x\x00", None, True, 2**80)}
    assert storable(value) == {
        "a\N{REPLACEMENT CHARACTER}": [1.5, None, None],
        "b": ["x\N{REPLACEMENT CHARACTER}", None, True, 2**80],
    }
