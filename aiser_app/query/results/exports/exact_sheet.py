"""What XlsxWriter 3.3 would write differently from what was given to it."""

from __future__ import annotations

import re

from typing_extensions import override
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

_ILLEGAL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff]")
"""What XML cannot say."""
_ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class ExactNumber(float):
    """XlsxWriter writes 16 digits; the shortest text that reads as the same number may need 17."""

    @override
    def __format__(self, _: str) -> str:
        return repr(float(self))


class ExactSheet(Worksheet):  # type: ignore[misc]
    """Text as it is, also where it looks like markup of XlsxWriter or of Excel.

    With `constant_memory` XlsxWriter takes text from `<r>` to `</r>` for its own and writes it into
    the XML as it stands: values would be markup, or break the workbook. Of two escapes that share
    their underscore it sees the first one only, and Excel would show `_x0041_x0042_` as `_x0041B`.
    """

    @staticmethod
    def _escape_control_characters(data: object) -> object:
        """Excel's escape `_xHHHH_` for what XML cannot say, and for what looks like it."""
        if not isinstance(data, str):  # the value of a boolean cell
            return data
        if "_x" in data:
            data = _ESCAPE_LIKE.sub("_x005F_", data)
        data = _ILLEGAL.sub(lambda found: f"_x{ord(found[0]):04X}_", data)
        return f"_x003C_{data[1:]}" if data.startswith("<r>") else data
