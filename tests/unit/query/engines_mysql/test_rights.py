"""What SHOW GRANTS says, in words."""

from __future__ import annotations

import pytest

from aiser_app.query.engines.mysql.rights import can_read, warnings_of

READER = (
    "GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*AB'",
    "GRANT SELECT, SHOW VIEW ON `shop`.* TO `r`@`%`",
)


def test_a_reader_causes_no_warning() -> None:
    assert not warnings_of(READER)
    assert can_read(READER)


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", "administrator"),
        ("GRANT SELECT, SUPER ON *.* TO `a`@`%`", "administrator"),
        ("GRANT SELECT ON `shop`.* TO `a`@`%` WITH GRANT OPTION", "administrator"),
        ("GRANT FILE ON *.* TO `a`@`%`", "files"),
        ("GRANT SELECT, INSERT (`a`, `b`), UPDATE ON `shop`.`t` TO `a`@`%`", "INSERT, UPDATE"),
        (
            "GRANT CREATE, DROP, ALTER, DELETE, INSERT, UPDATE, INDEX ON `shop`.* TO `a`@`%`",
            "ALTER, CREATE, DELETE, DROP, INDEX …",
        ),
    ],
)
def test_more_than_reading_is_told(grant: str, words: str) -> None:
    (warning,) = warnings_of([grant])
    assert words in warning


@pytest.mark.parametrize(
    ("grants", "can"),
    [
        (["GRANT USAGE ON *.* TO `r`@`%`"], False),
        (["GRANT ALL PRIVILEGES ON `shop`.* TO `r`@`%`"], True),
        (["GRANT SELECT (`a`) ON `shop`.`t` TO `r`@`%`"], True),
        (["GRANT `readers`@`%` TO `r`@`%`"], True),
        ([], False),
    ],
)
def test_reading_is_seen(grants: list[str], can: bool) -> None:
    assert can_read(grants) is can
