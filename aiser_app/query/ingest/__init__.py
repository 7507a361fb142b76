"""Files become tables: looked at, converted, and put into a DuckDB file of their source."""

from aiser_app.query.ingest.apart import ingest_apart, scratch_folder, sniff_apart
from aiser_app.query.ingest.columns import check_types
from aiser_app.query.ingest.ingesting import ingest
from aiser_app.query.ingest.naming import plain_name
from aiser_app.query.ingest.report import (
    IngestMode,
    IngestOrder,
    IngestReport,
    Progress,
    Sniffed,
    Upload,
)

__all__ = [
    "IngestMode",
    "IngestOrder",
    "IngestReport",
    "Progress",
    "Sniffed",
    "Upload",
    "check_types",
    "ingest",
    "ingest_apart",
    "plain_name",
    "scratch_folder",
    "sniff_apart",
]
