"""Exports of stored rows, with the memory of a few thousand rows, whatever their number."""

from aiser_app.query.results.exports.export import (
    EXPORT_FORMATS,
    MAX_EXPORT_ROWS,
    Export,
    ExportFormat,
    export,
)
from aiser_app.query.results.exports.slots import ExportSlots, HeldChunks

__all__ = [
    "EXPORT_FORMATS",
    "MAX_EXPORT_ROWS",
    "Export",
    "ExportFormat",
    "ExportSlots",
    "HeldChunks",
    "export",
]
