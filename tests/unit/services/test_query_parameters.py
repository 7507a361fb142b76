"""Parameters survive JSON exactly, and what no driver can bind is refused in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from aiser_app.domain.encoding import decode, encode
from aiser_app.domain.query_ask import GivenParameter
from aiser_app.errors import InvalidInput
from aiser_app.services.query_parameters import (
    MAX_LIST,
    MAX_PARAMETERS,
    bound_values,
    read_parameters,
)


def through_json(given: dict[str, Any]) -> Any:
    kept = [encode(item) for item in read_parameters(given)]
    return bound_values([decode(GivenParameter, item) for item in kept])


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ("it's 5 % of \\ “all” \U0001f600", "it's 5 % of \\ “all” \U0001f600"),
        ("", ""),
        (9007199254740993, 9007199254740993),
        (-1.5, -1.5),
        (True, True),
        (False, False),
        (None, None),
        ([1, 2], [1, 2]),
        ([1, 2.5], [1.0, 2.5]),
        (["a", "b"], ["a", "b"]),
        ([], []),
        ({"type": "date", "value": "2024-02-29"}, date(2024, 2, 29)),
        ({"type": "date", "value": ["2024-02-29"]}, [date(2024, 2, 29)]),
        (
            {"type": "timestamp", "value": "2024-02-29T10:00:00+00:00"},
            datetime(2024, 2, 29, 10, tzinfo=UTC),
        ),
        ({"type": "decimal", "value": "0.10"}, Decimal("0.10")),
        ({"type": "integer", "value": "12"}, 12),
        ({"type": "text", "value": 12}, "12"),
        ({"type": "boolean", "value": True}, True),
        ({"type": "null", "value": "whatever"}, None),
    ],
)
def test_values_keep_their_type(given: Any, bound: Any) -> None:
    found = through_json({"p": given})["p"]
    assert found == bound
    assert type(found) is type(bound)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"1p": 1}, "name of a parameter"),
        ({"p; DROP TABLE x": 1}, "name of a parameter"),
        ({"p": {"value": 1}}, "type and value"),
        ({"p": {"type": "regclass", "value": 1}}, "type and value"),
        ({"p": {"type": ["date"], "value": 1}}, "type and value"),
        ({"p": {"type": "date", "value": "2024-02-30"}}, "no date"),
        ({"p": {"type": "timestamp", "value": "now()"}}, "no timestamp"),
        ({"p": {"type": "integer", "value": "1 OR 1=1"}}, "no integer"),
        ({"p": {"type": "decimal", "value": "NaN"}}, "no decimal"),
        ({"p": {"type": "decimal", "value": "x"}}, "no decimal"),
        ({"p": {"type": "number", "value": "inf"}}, "no number"),
        ({"p": {"type": "boolean", "value": "maybe"}}, "no boolean"),
        ({"p": {"type": "date", "value": {"a": 1}}}, "text, a number"),
        ({"p": [1, "a"]}, "different types"),
        ({"p": [None]}, "cannot hold null"),
        ({"p": [[1]]}, "text, a number"),
        ({"p": "a\x00b"}, "not text"),
        ({"p": "x" * 100_001}, "too long"),
        ({"p": [1] * (MAX_LIST + 1)}, "more than"),
        ({f"p{n}": 1 for n in range(MAX_PARAMETERS + 1)}, "at most"),
    ],
)
def test_what_cannot_be_bound_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_parameters(given)
    assert words in caught.value.message
