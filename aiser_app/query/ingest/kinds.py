"""Which kind of file this is: its content and its name have to agree."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path, PurePosixPath

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest.report import FileKind


class Packing(StrEnum):
    NONE = ""
    GZIP = "gz"
    ZIP = "zip"


_HEAD_BYTES = 4096
_KINDS = {
    ".csv": FileKind.CSV,
    ".tsv": FileKind.CSV,
    ".tab": FileKind.CSV,
    ".txt": FileKind.CSV,
    ".json": FileKind.JSON,
    ".ndjson": FileKind.NDJSON,
    ".jsonl": FileKind.NDJSON,
    ".parquet": FileKind.PARQUET,
    ".pq": FileKind.PARQUET,
    ".xlsx": FileKind.XLSX,
    ".xlsm": FileKind.XLSX,
}
_TEXTS = (FileKind.CSV, FileKind.JSON, FileKind.NDJSON)
_NAMES = {
    FileKind.CSV: "CSV",
    FileKind.JSON: "JSON",
    FileKind.NDJSON: "JSON",
    FileKind.PARQUET: "Parquet",
    FileKind.XLSX: "XLSX",
}
KNOWN = "CSV, TSV, JSON, NDJSON, Parquet and XLSX, also CSV and JSON as .gz or .zip"
_MARKS_AND_SPACE = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = {
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"ARROW1": "an Arrow file",
}


def packing_of(path: Path, file_name: str) -> Packing:
    """How the file is packed, by its first bytes; a workbook is a zip, and counts as not packed."""
    head = _head(path)
    extension = _extension(file_name)
    if head.startswith(b"\x1f\x8b"):
        return Packing.GZIP
    if head.startswith(b"PK\x03\x04") and _KINDS.get(extension) is not FileKind.XLSX:
        return Packing.ZIP
    if extension in (".gz", ".zip"):
        raise _mismatch(extension, f"a {extension[1:]} archive")
    return Packing.NONE


def kind_of(path: Path, file_name: str, *, packed: bool = False) -> FileKind:
    """The kind of a file that is not packed (any more).

    Raises:
        InvalidInput: empty, of a kind that is not read, or not what its name says.
    """
    head = _head(path)
    if not head.strip():
        raise InvalidInput("The file is empty.", hint="Choose a file with rows.")
    extension = _extension(file_name)
    found = _kind_of_content(head, extension, packed=packed)
    named = _KINDS.get(extension)
    if named is not None and not _agree(named, found):
        raise _mismatch(extension, _NAMES[named])
    if found is FileKind.CSV and named in (FileKind.JSON, FileKind.NDJSON):
        raise _mismatch(extension, "JSON")
    if found in _TEXTS and named is FileKind.CSV:
        return FileKind.CSV
    return FileKind.NDJSON if named is FileKind.NDJSON else found


def is_nested_archive(path: Path) -> bool:
    return _head(path).startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf"))


def _kind_of_content(head: bytes, extension: str, *, packed: bool) -> FileKind:
    if head.startswith(b"PAR1") and not packed:
        return FileKind.PARQUET
    if head.startswith(b"PK\x03\x04") and not packed:
        return FileKind.XLSX
    if head.startswith(_OLD_OFFICE):
        raise InvalidInput(
            "This is an old or a protected Excel workbook.",
            hint="Save it as .xlsx without a password.",
        )
    for magic, what in _OTHERS.items():
        # Short magic words may begin a text as well.
        if head.startswith(magic) and (len(magic) > 3 or b"\0" in head):
            raise InvalidInput(f"The file is {what}.", hint=f"Aiser reads {KNOWN}.")
    text = head.lstrip(_MARKS_AND_SPACE)
    if text.startswith((b"[", b"{")) and _KINDS.get(extension) is not FileKind.CSV:
        return FileKind.JSON
    return FileKind.CSV


def _agree(named: FileKind, found: FileKind) -> bool:
    return named is found or (named in _TEXTS and found in _TEXTS)


def _mismatch(extension: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"The file is named {extension}, but its content is not {what}.",
        hint=f"Give it the name that fits its content. Aiser reads {KNOWN}.",
    )


def _extension(file_name: str) -> str:
    return PurePosixPath(file_name.replace("\\", "/")).suffix.lower()[:10]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)
