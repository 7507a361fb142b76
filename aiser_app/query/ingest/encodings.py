"""Which characters the bytes of a text file mean, judged by the whole file."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits

UTF8 = "utf-8"
WINDOWS = "windows-1252"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = limits.MEGABYTE
_HIGH = bytes(range(0x80, 0x100))
_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_CONTROLS = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """UTF-8 without a mark, with one kind of line ends; `encoding` is what it was before."""

    path: Path
    encoding: str
    notes: tuple[str, ...] = ()


def as_utf8(path: Path, folder: Path) -> TextFile:
    """The file itself if it is plain UTF-8, else a copy in `folder`.

    Raises:
        InvalidInput: it is not text, or some bytes of it are not; names the row.
    """
    encoding = _encoding_of(path)
    if encoding == UTF8:
        damage = _first_damage(path, UTF8)
        if damage is not None:
            encoding = _instead_of_utf8(path, damage)
    notes: tuple[str, ...] = ()
    if encoding == WINDOWS:
        notes = ("The file is not UTF-8; it was read as Windows-1252. Check letters with accents.",)
    if encoding == UTF8 and not _has_mixed_line_ends(path):
        return TextFile(path=path, encoding=encoding)
    target = folder / "text"
    _transcode(path, target, encoding)
    return TextFile(path=target, encoding=encoding.removesuffix("-sig"), notes=notes)


def head_of(path: Path) -> tuple[str, bool]:
    """The beginning of the text, and whether it is all of it. Ends at a line's end if there is one."""
    with path.open("rb") as file:
        head = file.read(limits.SAMPLE_BYTES)
        while head.count(b"\n") < 3 and len(head) < 3 * limits.MAX_LINE_BYTES:
            more = file.read(limits.SAMPLE_BYTES)
            if not more:
                break
            head += more
        is_whole = not file.read(1)
    if not is_whole:
        cut = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
        head = head[:cut] if cut else head
    return head.decode("utf-8", "ignore"), is_whole


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(limits.SAMPLE_BYTES)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if odd > 0.3 * len(head) / 2 and even < 0.05 * len(head) / 2:
            return "utf-16-le"
        if even > 0.3 * len(head) / 2 and odd < 0.05 * len(head) / 2:
            return "utf-16-be"
    if len(head) - len(head.translate(None, _CONTROLS)) > 0.02 * len(head):
        raise _not_text()
    return UTF8


def _first_damage(path: Path, encoding: str) -> int | None:
    """The row, from 1, of the first byte that is not text in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    before = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            at = chunk.find(0)
            if at >= 0:
                raise InvalidInput(
                    f"Row {_row_at(path, before + at):,} has a zero byte: this is not text.",
                    hint="Export the file again as CSV or JSON in UTF-8.",
                )
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                held_back = len(error.object) - len(chunk)
                return _row_at(path, before + error.start - held_back)
            if not chunk:
                return None
            before += len(chunk)


def _row_at(path: Path, offset: int) -> int:
    rows = 1
    with path.open("rb") as file:
        while offset > 0 and (chunk := file.read(min(_CHUNK, offset))):
            rows += chunk.count(b"\n")
            offset -= len(chunk)
    return rows


def _instead_of_utf8(path: Path, row: int) -> str:
    """Windows-1252 if hardly any of it looks like UTF-8; otherwise it is damaged UTF-8."""
    high = fitting = undefined = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            high += len(chunk) - len(chunk.translate(None, _HIGH))
            fitting += sum(len(found) for found in _SEQUENCE.findall(chunk))
            undefined += len(chunk) - len(chunk.translate(None, b"\x81\x8d\x8f\x90\x9d"))
    if undefined or 2 * fitting > high:
        raise InvalidInput(
            f"Row {row:,} contains bytes that are not text in UTF-8.",
            hint="Save the file as UTF-8, or mend that row.",
        )
    return WINDOWS


def _has_mixed_line_ends(path: Path) -> bool:
    with_return = without = 0
    with path.open("rb") as file:
        last = b""
        while chunk := file.read(_CHUNK):
            joined = last + chunk
            pairs = joined.count(b"\r\n") if b"\r" in joined else 0
            with_return += pairs
            without += joined.count(b"\n") - pairs
            last = b"\r" if joined.endswith(b"\r") else b""
    return with_return > 0 and without > 0


def _transcode(source: Path, target: Path, encoding: str) -> None:
    row = 1
    try:
        with (
            source.open(encoding=encoding, newline=None) as reader,
            target.open("w", encoding="utf-8", newline="\n") as writer,
        ):
            while text := reader.read(_CHUNK):
                if "\0" in text:
                    raise _not_text()
                writer.write(text)
                row += text.count("\n")
    except UnicodeError as error:
        raise InvalidInput(
            f"The file is not valid {encoding.upper()} after row {row:,}.",
            hint="Save it as UTF-8.",
        ) from error


def _not_text() -> InvalidInput:
    return InvalidInput(
        "This is not a text file.", hint="Export the data as CSV, JSON, Parquet or XLSX."
    )
