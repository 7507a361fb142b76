"""Multipart forms read as they come, and the gate in front of them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from aiser_app.api import upload_form
from aiser_app.api.request_gate import (
    MAX_BODY_BYTES,
    RequestGate,
    UnsupportedMediaType,
    check_request,
)
from aiser_app.api.upload_form import ReadForm, read_upload_form
from aiser_app.errors import InvalidInput, PayloadTooLarge

TYPE = "multipart/form-data; boundary=cut"


def part(disposition: str, content: bytes, extra: str = "") -> bytes:
    head = f"--cut\r\nContent-Disposition: form-data; {disposition}\r\n{extra}\r\n"
    return head.encode() + content + b"\r\n"


FILE = part('name="file"; filename="f.csv"', b"a,b\n1,2\n", "Content-Type: text/csv\r\n")
NAME = part('name="name"', "Köln".encode())
END = b"--cut--\r\n"


class Chunks:
    """A body in pieces; knows how many were taken."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.taken += 1
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


async def read(
    *chunks: bytes | Exception, kind: str = TYPE, max_bytes: int = 1_000
) -> tuple[ReadForm, bytes]:
    sink = io.BytesIO()
    form = await read_upload_form(Chunks(*chunks), kind, sink, max_bytes)  # type: ignore[arg-type]
    return form, sink.getvalue()


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_a_form_in_pieces_of_any_size(size: int) -> None:
    body = NAME + FILE + part('name="mode"', b"append") + END
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    form, content = await read(*pieces)
    assert content == b"a,b\n1,2\n"
    assert (form.file_name, form.size) == ("f.csv", 8)
    assert form.fields == {"name": "Köln", "mode": "append"}


async def test_it_is_written_while_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_form, "BUFFER_BYTES", 10)
    written: list[int] = []

    class Sink:
        """Takes three bytes at a time, as an unbuffered file may."""

        def write(self, data: memoryview) -> int:
            written.append(min(3, len(data)))
            return written[-1]

    head = part('name="file"; filename="f"', b"")[:-2]
    chunks = Chunks(head, *([b"0123456789"] * 5), b"\r\n" + END)
    form = await read_upload_form(chunks, TYPE, Sink(), 1_000)  # type: ignore[arg-type]
    assert (sum(written), form.size, max(written)) == (50, 50, 3)


async def test_reading_ends_where_the_file_is_too_large() -> None:
    head = part('name="file"; filename="f"', b"")[:-2]
    chunks = Chunks(head, *([b"x" * 100] * 50), b"\r\n" + END)
    with pytest.raises(PayloadTooLarge, match="larger than"):
        await read_upload_form(chunks, TYPE, io.BytesIO(), 1_000)  # type: ignore[arg-type]
    assert chunks.taken == 12


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ((NAME + END,), "no file"),
        ((FILE,), "broke off"),
        ((FILE[:-10],), "broke off"),
        ((b"",), "broke off"),
        ((FILE, ClientDisconnect()), "broke off"),
        ((b"garbage that is no form",), "not a form"),
        ((FILE + FILE + END,), "two files"),
        ((part('name="file"', b"text") + END,), "as a file"),
        ((part('name="other"; filename="f"', b"x") + END,), "as a file"),
        ((part('filename="f"', b"x") + END,), "as a file"),
        ((part("", b"x") + END,), "not a form"),
        ((FILE + part('name="name"', b"\xff\xfe") + END,), "not text"),
        ((b"".join(part(f'name="n{i}"', b"x") for i in range(21)) + END,), "not a form"),
        ((b"--cut\r\n" + b"X: " + b"y" * 10_000 + b"\r\n\r\n",), "not a form"),
    ],
    ids=range(14),
)
async def test_forms_that_are_none(chunks: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        await read(*chunks)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=cut",
        f"multipart/form-data; boundary={'x' * 300}",
    ],
)
async def test_types_that_are_no_form(kind: str) -> None:
    with pytest.raises(InvalidInput, match="not a form"):
        await read(FILE + END, kind=kind)


async def test_a_field_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_form, "FIELD_BYTES", 3)
    with pytest.raises(PayloadTooLarge, match="field"):
        await read(NAME + FILE + END)


async def test_names_of_files_are_text_whatever_they_are() -> None:
    form, _ = await read(
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="\xff../x.csv"\r\n\r\na\r\n'
        + END
    )
    assert form.file_name == "\ufffd../x.csv"


# The gate


def test_only_uploads_may_be_large() -> None:
    large = {"content-length": str(5 * MAX_BODY_BYTES), "content-type": TYPE}
    check_request("POST", Headers(large), max_bytes=10 * MAX_BODY_BYTES)
    with pytest.raises(PayloadTooLarge, match="request is too large"):
        check_request("POST", Headers(large))
    with pytest.raises(PayloadTooLarge, match="larger than 3 MB"):
        check_request("POST", Headers(large), max_bytes=5 * MAX_BODY_BYTES - 1)
    for kind in ("application/json", ""):
        with pytest.raises(UnsupportedMediaType, match="not a form"):
            check_request("POST", Headers({"content-type": kind}), max_bytes=10 * MAX_BODY_BYTES)


def gate_over(path: str) -> TestClient:
    async def size(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route(path, size, methods=["POST"])])
    return TestClient(RequestGate(app, upload_bytes=2 * MAX_BODY_BYTES))


def test_bodies_that_do_not_say_their_length() -> None:
    def pieces(count: int) -> Any:
        return iter([b"x" * 1024] * count)

    headers = {"Content-Type": TYPE}
    path = "/api/v1/uploads"
    client = gate_over(path)
    assert client.post(path, content=pieces(2_500), headers=headers).text == str(2_500 * 1024)
    assert client.post(path, content=pieces(3_500), headers=headers).status_code == 413
    path = "/api/v1/ask"
    json_type = {"Content-Type": "application/json"}
    assert gate_over(path).post(path, content=pieces(1_500), headers=json_type).status_code == 413
