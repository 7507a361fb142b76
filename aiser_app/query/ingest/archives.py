"""Unpacks .gz and .zip, and looks into workbooks, without believing what archives say of themselves.

Everything is counted while it is unpacked. Names inside are checked, and never used as paths.
"""

from __future__ import annotations

import gzip
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from aiser_app.errors import InvalidInput, PayloadTooLarge
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.kinds import Packing, is_nested_archive, packing_of
from aiser_app.query.ingest.report import Upload

_CHUNK = limits.MEGABYTE
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_COMMENT_BYTES = 65_535
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.[^/]*$|Thumbs\.db$)")
"""What systems add to archives by themselves."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpack(upload: Upload, folder: Path) -> tuple[Upload, Packing]:
    """The file itself, unpacked into `folder` if it came packed.

    Raises:
        InvalidInput: a damaged archive, several files in it, archives in it, hostile names.
        PayloadTooLarge: it unpacks to more than any table would.
    """
    packing = packing_of(upload.path, upload.file_name)
    if packing is Packing.NONE:
        return upload, packing
    target = folder / "unpacked"
    if packing is Packing.GZIP:
        name = re.sub(r"\.gz$", "", upload.file_name, flags=re.IGNORECASE)
        with _archive_errors(), gzip.open(upload.path) as source:
            _copy(source, target, upload.path.stat().st_size)
    else:
        with _archive_errors(), _opened(upload.path) as archive:
            entry = _only_entry(archive)
            name = entry.filename
            with archive.open(entry) as source:
                _copy(source, target, max(entry.compress_size, 1))
    if is_nested_archive(target):
        raise InvalidInput(
            "The archive contains another archive.", hint="Pack the CSV or JSON file itself."
        )
    return Upload(path=target, file_name=name), packing


def check_workbook(path: Path) -> None:
    """Refuse workbooks that are no workbooks, or that unpack to too much.

    Raises:
        InvalidInput, PayloadTooLarge: as `unpack`.
    """
    with _archive_errors(), _opened(path) as archive:
        entries = _checked_entries(archive)
        names = {entry.filename for entry in entries}
        if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
            raise InvalidInput(
                "The file is named like a workbook, but is none.",
                hint="Save it as .xlsx; packed CSV and JSON files end in .zip.",
            )
        total, packed = 0, max(path.stat().st_size, 1)
        for entry in entries:
            with archive.open(entry) as source:
                for chunk in _chunks(source):
                    total += len(chunk)
                    _check_size(total, packed, limits.MAX_WORKBOOK_BYTES)


def _copy(source: _Readable, target: Path, packed: int) -> None:
    total = 0
    with target.open("wb") as sink:
        for chunk in _chunks(source):
            total += len(chunk)
            _check_size(total, packed, limits.MAX_UNPACKED_BYTES)
            sink.write(chunk)


def _chunks(source: _Readable) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _check_size(total: int, packed: int, most: int) -> None:
    if total > most:
        raise PayloadTooLarge(
            f"The file unpacks to more than {most // limits.MEGABYTE:,} MB.",
            hint="Split it into several files.",
        )
    if total > limits.RATIO_FROM_BYTES and total > packed * limits.MAX_RATIO:
        raise InvalidInput(
            f"The file unpacks to more than {limits.MAX_RATIO} times its size; such archives are refused.",
            hint="Upload the data unpacked.",
        )


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        yield archive


def _check_directory(path: Path) -> None:
    """Python reads an archive's whole directory into memory, so its size is looked at before."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_OF_DIRECTORY.size - _COMMENT_BYTES))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_OF_DIRECTORY.size:
        raise zipfile.BadZipFile
    *_, entries, directory_bytes, _offset, _comment = _END_OF_DIRECTORY.unpack_from(tail, at)
    if entries > limits.MAX_ARCHIVE_ENTRIES or directory_bytes > limits.MAX_DIRECTORY_BYTES:
        raise InvalidInput("The archive contains too many files.", hint="Pack one file.")


def _only_entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [
        entry
        for entry in _checked_entries(archive)
        if not entry.is_dir() and not _JUNK.search(entry.filename)
    ]
    if len(files) != 1:
        raise InvalidInput(
            f"The archive contains {len(files)} files; it must be exactly one.",
            hint="Pack one CSV or JSON file, or upload the files one by one.",
        )
    return files[0]


def _checked_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    for entry in entries:
        if _leads_outside(entry):
            raise InvalidInput("The archive contains names that lead out of it; it is refused.")
        if entry.flag_bits & _ENCRYPTED:
            raise InvalidInput("The archive has a password.", hint="Pack it without one.")
        if entry.compress_type not in _METHODS:
            raise InvalidInput(
                "The archive is packed by a method that is not read.", hint="Pack it as plain zip."
            )
    return entries


def _leads_outside(entry: zipfile.ZipInfo) -> bool:
    """Absolute names, `..`, drives, links: nothing here follows them, and nobody means well by them."""
    name = entry.orig_filename
    path = PurePosixPath(name.replace("\\", "/"))
    return (
        "\0" in name
        or path.is_absolute()
        or ".." in path.parts
        or re.match(r"[A-Za-z]:", name) is not None
        or stat.S_ISLNK(entry.external_attr >> 16)
    )


@contextmanager
def _archive_errors() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise InvalidInput(
            "The archive is damaged, or not complete.", hint="Pack it again."
        ) from error
