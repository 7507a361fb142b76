"""Packed files, and archives that nobody packed in good faith."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile

import pytest

from aiser_app.errors import InvalidInput, PayloadTooLarge
from aiser_app.query.ingest import limits
from tests.unit.query.ingest.desk import Desk

CSV = b"a,b\n1,x\n2,y\n"


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv.gz", gzip.compress(CSV)),
        ("f.gz", gzip.compress(CSV)),
        ("F.CSV.GZ", gzip.compress(CSV)),
        ("f.json.gz", gzip.compress(b'[{"a":1,"b":"x"},{"a":2,"b":"y"}]')),
        ("f.zip", zipped({"data/f.csv": CSV})),
        ("f.zip", zipped({"f.ndjson": b'{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'})),
        ("f.zip", zipped({"f.csv": CSV}, zipfile.ZIP_STORED)),
        ("f.zip", zipped({"f.csv": CSV, "__MACOSX/._f.csv": b"x", ".DS_Store": b"x", "d/": b""})),
    ],
    ids=["csv.gz", "gz", "upper", "json.gz", "zip", "ndjson", "stored", "junk"],
)
def test_packed_files(desk: Desk, name: str, content: bytes) -> None:
    desk.ingest(name, content)
    assert desk.rows() == [(1, "x"), (2, "y")]
    assert desk.sniff(name, content).packed == ("zip" if name == "f.zip" else "gz")


def hostile(name: str, mode: int = 0) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        entry = zipfile.ZipInfo("x" * len(name))
        entry.external_attr = mode << 16
        archive.writestr(entry, CSV)
    # Written by hand: the library would make the name harmless.
    return sink.getvalue().replace(b"x" * len(name), name.encode())


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.csv",
        "/etc/passwd.csv",
        "a/../../b.csv",
        "..\\..\\b.csv",
        "C:\\windows\\b.csv",
        "good.csv\0/../x",
    ],
    ids=repr,
)
def test_names_that_lead_outside(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidInput, match="lead out of it"):
        desk.ingest("f.zip", hostile(name))
    assert not (desk.folder / "etc").exists()


def test_a_link_in_an_archive(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="lead out of it"):
        desk.ingest("f.zip", hostile("passwd.csv", stat.S_IFLNK | 0o777))


def with_flag(content: bytes, flag: int, method: int | None = None) -> bytes:
    """Changes general flags, or the method, in the directory."""
    at = content.index(b"PK\x01\x02")
    changed = bytearray(content)
    struct.pack_into("<H", changed, at + 8, flag)
    if method is not None:
        struct.pack_into("<H", changed, at + 10, method)
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"a.csv": CSV, "b.csv": CSV}), "contains 2 files"),
        (zipped({}), "damaged|contains 0 files|not a zip"),
        (zipped({"d/": b""}), "contains 0 files"),
        (zipped({"f.zip": zipped({"f.csv": CSV})}), "another archive"),
        (zipped({"f.gz": gzip.compress(CSV)}), "another archive"),
        (with_flag(zipped({"f.csv": CSV}), 1), "password"),
        (with_flag(zipped({"f.csv": CSV}), 0, 12), "method"),
        (zipped({"f.csv": CSV})[:-10], "damaged"),
        (zipped({"f.csv": CSV})[:40] + b"\xff" * 20 + zipped({"f.csv": CSV})[60:], "damaged"),
        (b"PK\x03\x04" + b"x" * 100, "damaged"),
        (b"PK\x03\x04" + b"x" * 50 + b"PK\x05\x06", "damaged"),
    ],
    ids=["two", "none", "folder", "zip", "gz", "password", "method", "cut", "data", "no", "end"],
)
def test_archives_that_are_refused(desk: Desk, content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        desk.ingest("f.zip", content)
    assert not desk.target.exists()


def test_a_directory_that_is_too_long(desk: Desk) -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 2**31, 0, 0)
    with pytest.raises(InvalidInput, match="too many files"):
        desk.ingest("f.zip", b"PK\x03\x04" + b"x" * 100 + end)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20_000, 20_000, 100, 0, 0)
    with pytest.raises(InvalidInput, match="too many files"):
        desk.ingest("f.zip", b"PK\x03\x04" + b"x" * 100 + end)


def test_bombs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = b"0" * (64 * limits.MEGABYTE)
    for name, content in (
        ("f.csv.gz", gzip.compress(zeros)),
        ("f.zip", zipped({"f.csv": zeros})),
    ):
        with pytest.raises(InvalidInput, match="200 times"):
            desk.ingest(name, content)
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(PayloadTooLarge, match="unpacks to more"):
        desk.ingest("f.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 200_000))
    assert not desk.target.exists()


def test_a_directory_that_lies_about_sizes(desk: Desk) -> None:
    content = bytearray(zipped({"f.csv": CSV * 1_000}))
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, 10)
    with pytest.raises(InvalidInput, match="damaged"):
        desk.ingest("f.zip", bytes(content))


def test_damaged_gzip(desk: Desk) -> None:
    packed = gzip.compress(CSV * 1_000)
    for content in (packed[:-20], packed[:20] + b"\xff" * 10 + packed[30:], b"\x1f\x8bgarbage"):
        with pytest.raises(InvalidInput, match="damaged"):
            desk.ingest("f.csv.gz", content)
    with pytest.raises(InvalidInput, match="another archive"):
        desk.ingest("f.gz.gz", gzip.compress(packed))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.parquet", CSV, r"named \.parquet"),
        ("f.xlsx", CSV, r"named \.xlsx"),
        ("f.json", CSV, r"named \.json"),
        ("f.ndjson", CSV, r"named \.ndjson"),
        ("f.csv", b"PAR1" + b"x" * 20, r"named \.csv"),
        ("f.gz", CSV, r"named \.gz"),
        ("f.zip", CSV, r"named \.zip"),
        ("f.pdf", b"%PDF-1.7 ...", "a PDF"),
        ("f.csv", b"\x89PNG\r\n\x1a\n\0\0", "an image"),
        ("f", b"SQLite format 3\0", "an SQLite database"),
        ("f.exe", b"MZ\x90\0\x03", "a program"),
        ("f.csv", b"BZh91AY&SY\0\0", "a bzip2 archive"),
        ("f.zip", zipped({"f.parquet": b"PAR1" + b"x" * 30}), r"named \.parquet"),
    ],
)
def test_names_and_contents_that_disagree(
    desk: Desk, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        desk.ingest(name, content)
    assert not desk.target.exists()


def test_short_magic_words_may_begin_a_text(desk: Desk) -> None:
    desk.ingest("f.csv", "MZ,ORC\n1,2\n")
    assert list(desk.types()) == ["mz", "orc"]
    desk.ingest("f.csv", "[a],{b}\n1,2\n", table="u")
    assert list(desk.types("u")) == ["a", "b"]
