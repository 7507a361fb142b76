"""Reads a multipart form with one file as it arrives: the file goes to disk, piece by piece.

Starlette's own parser keeps files in temporary ones wherever the system puts them, memory included,
and looks at their size when they are complete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import BinaryIO

import anyio
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from aiser_app.errors import InvalidInput, PayloadTooLarge

BUFFER_BYTES = 1024 * 1024
"""Written to disk at once; a thread per network packet would be too many."""
FIELD_BYTES = 256 * 1024
FIELDS = 20
_FILE_FIELD = "file"


@dataclass(slots=True)
class ReadForm:
    """What came besides the file's bytes."""

    file_name: str | None = None
    size: int = 0
    fields: dict[str, str] = field(default_factory=dict)


async def read_upload_form(
    chunks: AsyncIterator[bytes], content_type: str, sink: BinaryIO, max_bytes: int
) -> ReadForm:
    """Read to the end, or raise at once.

    Raises:
        InvalidInput: no form, no file, more than one.
        PayloadTooLarge: the file is larger than allowed, before all of it has come.
        OSError: the disk does not take it.
    """
    reader = _Reader(content_type, max_bytes)
    try:
        async for chunk in chunks:
            reader.feed(chunk)
            if len(reader.buffer) >= BUFFER_BYTES:
                await anyio.to_thread.run_sync(_write, sink, reader.take())
    except ClientDisconnect as error:
        raise InvalidInput("The upload broke off.", hint="Send the file again.") from error
    await anyio.to_thread.run_sync(_write, sink, reader.take())
    return reader.finish()


def _write(sink: BinaryIO, data: bytes) -> None:
    """All of it: an unbuffered file may take a part."""
    left = memoryview(data)
    while left:
        left = left[sink.write(left) :]


class _Reader:
    """Callbacks of the parser, and what they gathered."""

    def __init__(self, content_type: str, max_bytes: int) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise _no_form()
        self.buffer = bytearray()
        self._form = ReadForm()
        self._max_bytes = max_bytes
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name = ""
        self._value = bytearray()
        self._is_complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _no_form() from error

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _no_form() from error

    def take(self) -> bytes:
        data, self.buffer = bytes(self.buffer), bytearray()
        return data

    def finish(self) -> ReadForm:
        if not self._is_complete:
            raise InvalidInput("The upload broke off.", hint="Send the file again.")
        if self._form.file_name is None:
            raise InvalidInput("There is no file in the form.", hint="Send it as field `file`.")
        return self._form

    def _on_part_begin(self) -> None:
        self._disposition, self._name, self._value = b"", "", bytearray()
        self._header = (bytearray(), bytearray())

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        if bytes(name).lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        is_file = b"filename" in options
        if is_file != (self._name == _FILE_FIELD):
            raise InvalidInput("The file must be sent as field `file`, as a file.")
        if is_file:
            if self._form.file_name is not None:
                raise InvalidInput("There are two files in the form.", hint="Send them one by one.")
            self._form.file_name = options[b"filename"].decode("utf-8", "replace")
        elif not self._name or len(self._form.fields) >= FIELDS:
            raise _no_form()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name != _FILE_FIELD:
            self._value.extend(data[start:end])
            if len(self._value) > FIELD_BYTES:
                raise PayloadTooLarge("A field of the form is too large.")
            return
        self._form.size += end - start
        if self._form.size > self._max_bytes:
            raise file_too_large(self._max_bytes)
        self.buffer.extend(data[start:end])

    def _on_part_end(self) -> None:
        if self._name != _FILE_FIELD:
            try:
                self._form.fields[self._name] = self._value.decode()
            except UnicodeDecodeError as error:
                raise InvalidInput(
                    f"A field of the form is not text: {self._name[:40]}."
                ) from error

    def _on_end(self) -> None:
        self._is_complete = True


def file_too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The file is larger than {max_bytes // 1024**2:,} MB.",
        hint="Pack it as .gz or .zip, save it as Parquet, or split it.",
    )


def _no_form() -> InvalidInput:
    return InvalidInput(
        "The request is not a form with a file.",
        hint="Send multipart/form-data with a field `file`.",
    )
