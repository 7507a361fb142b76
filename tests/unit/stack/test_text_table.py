from __future__ import annotations

from aiser_app.stack.text_table import text_table


def test_numbers_stand_right_and_text_left() -> None:
    assert text_table(["name", "n"], [["a", 1], ["long name", 1000]], limit=5) == (
        "name          n\n─────────  ────\na             1\nlong name  1000"
    )


def test_rows_that_are_not_shown_are_counted() -> None:
    assert text_table(["n"], [[i] for i in range(7)], limit=5).endswith("… and 2 more rows")


def test_data_cannot_steer_the_terminal() -> None:
    table = text_table(["x"], [["\x1b[2Jgone\n"], ["y" * 100], [None]], limit=5)
    assert "\x1b" not in table
    assert table.count("\n") == 4
    assert max(map(len, table.splitlines())) <= 40


def test_no_rows_still_show_the_names() -> None:
    assert text_table(["a", "b"], [], limit=5).splitlines()[0] == "a  b"
