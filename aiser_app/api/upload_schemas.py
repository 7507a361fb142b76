"""Shapes of uploads, as in the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import IngestMode
from aiser_app.services.uploads import UploadForm

_FIELDS = frozenset({"name", "source", "mode", "types", "wait"})
MAX_WAIT_SECONDS = 120.0
_TEXT = {"type": "string"}
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV, TSV, JSON, NDJSON, Parquet or XLSX; "
                            "CSV and JSON also as .gz or .zip.",
                        },
                        "name": {**_TEXT, "description": "Of the table, and of a new source."},
                        "source": {**_TEXT, "description": "A source of files to add it to."},
                        "mode": {"enum": [mode.value for mode in IngestMode]},
                        "types": {**_TEXT, "description": "JSON: types by name of the column."},
                        "wait": {"type": "number", "description": "Seconds to wait for the end."},
                    },
                }
            }
        },
    }
}


class UploadQueued(BaseModel):
    run_id: str
    upload_id: str
    source: str
    source_id: str
    status: str


class SniffedColumnView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    """In the table."""
    original: str
    """In the file."""
    type: str
    """text, integer, decimal, number, boolean, date, timestamp or json; all but json can be asked
    for in `types`."""
    note: str


class SniffedTableView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    columns: list[SniffedColumnView]
    rows: list[list[str | None]]
    """The first 20, as text."""
    has_header: bool


class PreviewView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    kind: str
    tables: list[SniffedTableView]
    encoding: str
    delimiter: str
    packed: str
    notes: list[str]


def as_upload_form(file_name: str, fields: dict[str, str]) -> tuple[UploadForm, float]:
    """The form's fields, and how many seconds to wait.

    Raises:
        InvalidInput: an unknown field, or a value that makes no sense.
    """
    unknown = sorted(set(fields) - _FIELDS)
    if unknown:
        raise InvalidInput(
            "The form has a field that is not known.", hint=", ".join(sorted(_FIELDS))
        )
    mode = fields.get("mode") or IngestMode.CREATE
    if mode not in list(IngestMode):
        raise InvalidInput("The mode is create, append or replace.")
    form = UploadForm(
        file_name=file_name,
        name=fields.get("name", ""),
        source=fields.get("source") or None,
        mode=IngestMode(mode),
        types=_types(fields.get("types", "")),
    )
    return form, _wait(fields.get("wait", ""))


def _types(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        types = json.loads(text)
    except (ValueError, RecursionError):
        types = None
    if not isinstance(types, dict) or not all(isinstance(item, str) for item in types.values()):
        raise InvalidInput(
            "`types` is not a JSON object of texts.", hint='{"zip": "text", "day": "date:dmy"}'
        )
    return types


def _wait(text: str) -> float:
    try:
        wait = float(text or 0)
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= MAX_WAIT_SECONDS:
        raise InvalidInput(f"`wait` is 0 to {MAX_WAIT_SECONDS:.0f} seconds.")
    return wait
