"""What XlsxWriter 3.3 would write differently from what was given to it, and rows that are XML already."""

from __future__ import annotations

import re

from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

_ILLEGAL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff]")
"""What XML cannot say."""
_ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
UNUSUAL_TEXT = r"_x|[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"
"""Text that `excel_text` may change, as Arrow writes patterns."""


def excel_text(text: str) -> str:
    """With Excel's escape `_xHHHH_` for what XML cannot say, and for what looks like it."""
    if "_x" in text:
        text = _ESCAPE_LIKE.sub("_x005F_", text)
    return _ILLEGAL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


class ExactSheet(Worksheet):  # type: ignore[misc]
    """Text as it is, also where it looks like markup of XlsxWriter or of Excel.

    With `constant_memory` XlsxWriter takes text from `<r>` to `</r>` for its own and writes it into
    the XML as it stands: values would be markup, or break the workbook. Of two escapes that share
    their underscore it sees the first one only, and Excel would show `_x0041_x0042_` as `_x0041B`.
    """

    @staticmethod
    def _escape_control_characters(data: str) -> str:
        data = excel_text(data)
        return f"_x003C_{data[1:]}" if data.startswith("<r>") else data

    def append_rows(self, xml: memoryview, first: int, count: int) -> None:
        """Rows as XML, the first one in row `first`, after all that was written before.

        The rows that XlsxWriter has written already are in the same file: it copies them into the
        sheet as they are.
        """
        self._write_single_row(first)
        self.row_data_fh.flush()
        self.row_data_fh.buffer.write(xml)
        self.dim_rowmax = self.previous_row = first + count - 1
