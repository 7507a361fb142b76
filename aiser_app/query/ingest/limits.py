"""What a file may be: bounds that keep one upload from taking the machine."""

from __future__ import annotations

MEGABYTE = 1024 * 1024

MAX_COLUMNS = 2_000
MAX_TABLES = 50
"""Sheets of one workbook that become tables."""
MAX_UNPACKED_BYTES = 2 * 1024 * MEGABYTE
"""Of a packed file."""
MAX_WORKBOOK_BYTES = 1024 * MEGABYTE
"""Of a workbook's XML; a sheet is held in memory while it is read."""
MAX_RATIO = 200
"""Unpacked to packed size; real tables stay below 100."""
RATIO_FROM_BYTES = 16 * MEGABYTE
"""Below this much unpacked data the ratio harms nobody."""
MAX_ARCHIVE_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 4 * MEGABYTE
"""Of an archive's table of contents, which is held in memory."""
MAX_LINE_BYTES = 2_000_000
MAX_OBJECT_BYTES = 16 * MEGABYTE
"""Of one JSON object in a list of objects."""
MAX_DOCUMENT_BYTES = 64 * MEGABYTE
"""Of a JSON file that is one single object around its list."""
MAX_REJECTS = 100_000
"""Lines that do not fit, after which a file is no table."""
SAMPLE_BYTES = MEGABYTE
"""Head of a text file that delimiter, header and types are guessed from."""
SAMPLE_ROWS = 1_000
SAMPLE_CELLS = 400_000
"""Fewer rows are looked at where there are many columns."""
SAMPLE_CHARS = 256
"""Of one value in a sample; longer ones are text in any case."""
SHOWN_REJECTS = 5
"""Examples given for each kind of thing that did not fit."""
NAME_CHARS = 60
"""Of a column or table; longer names are cut."""
PREVIEW_ROWS = 20
