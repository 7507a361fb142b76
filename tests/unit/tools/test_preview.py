"""What a model gets to see of rows is bounded, whatever is in them."""

from __future__ import annotations

from aiser_app.tools.builtin.query_data import CELL_CHARS, PREVIEW_CHARS, _shown


def test_small_rows_are_shown_as_they_are() -> None:
    rows = [[1, "a", None, [1, 2], {"a": 1}, 1.5]]
    assert _shown(rows) == rows


def test_long_values_are_shortened_and_say_so() -> None:
    ((text, items),) = _shown([["x" * 5_000, list(range(2_000))]])
    assert text == "x" * CELL_CHARS + "… (5,000 characters)"
    assert items.startswith("[0, 1, 2")
    assert items.endswith(" characters)")


def test_rows_end_where_there_is_no_room() -> None:
    wide = ["x" * CELL_CHARS] * 300
    assert len(_shown([wide, wide, wide])) == 1
    narrow = ["x" * CELL_CHARS] * 20
    shown = _shown([narrow] * 100)
    assert len(shown) == PREVIEW_CHARS // (20 * CELL_CHARS)
