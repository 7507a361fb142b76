"""Delimited text, read by DuckDB with every option given: nothing is left for it to guess."""

from __future__ import annotations

from pathlib import Path

from aiser_app.query.ingest import limits
from aiser_app.query.ingest.dialects import Dialect, find_dialect
from aiser_app.query.ingest.encodings import TextFile, as_utf8, head_of
from aiser_app.query.ingest.naming import literal
from aiser_app.query.ingest.text_tables import TextSource


def read_csv_file(path: Path, folder: Path, *, is_tsv: bool) -> tuple[TextFile, Dialect]:
    """The file as UTF-8, and how it separates its values.

    Raises:
        InvalidInput: not text, empty, no rows, too many columns.
    """
    text = as_utf8(path, folder)
    head, is_whole = head_of(text.path)
    return text, find_dialect(head, is_whole=is_whole, prefer_tab=is_tsv)


def csv_source(path: Path, dialect: Dialect) -> TextSource:
    """The file as rows of text, under names of our own: those of the file never get into SQL here."""
    texts = tuple(f"c{position}" for position in range(dialect.width))
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in texts)
    options = {
        "auto_detect": "false",
        "delim": literal(dialect.delimiter),
        "quote": literal(dialect.quote),
        "escape": literal(dialect.escape),
        "header": str(dialect.has_header).lower(),
        "skip": str(dialect.skip),
        "columns": f"{{{columns}}}",
        "max_line_size": str(limits.MAX_LINE_BYTES),
        "ignore_errors": "true",
        "store_rejects": "true",
        "rejects_limit": str(limits.MAX_REJECTS),
    }
    listed = ", ".join(f"{name} = {value}" for name, value in options.items())
    return TextSource(
        from_sql=f"read_csv(?, {listed})",
        parameters=(str(path),),
        texts=texts,
        originals=dialect.header or ("",) * dialect.width,
        samples=tuple(zip(*dialect.rows, strict=True)) or ((),) * dialect.width,
        delimiter=dialect.delimiter,
        has_rejects=True,
        may_be_padded=True,
        notes=dialect.notes,
    )
