"""The result store: rows of queries as Arrow files, one folder per organization."""

from aiser_app.query.results.page import ResultPage
from aiser_app.query.results.selected import SelectedRows
from aiser_app.query.results.store import ResultStore, StoredRows

__all__ = ["ResultPage", "ResultStore", "SelectedRows", "StoredRows"]
