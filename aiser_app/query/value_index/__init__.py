"""Values of text columns, kept beside a source so that words of a question find them in a millisecond."""

from aiser_app.query.value_index.building import build_value_index
from aiser_app.query.value_index.lookup import StoredValue, StoredValues

__all__ = ["StoredValue", "StoredValues", "build_value_index"]
