"""The columns that DuckDB gets to see in order to sort and filter: keys that compare right.

They are called k0, t0 …, whatever the result's columns are called: no name of a result is ever part
of a query.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from aiser_app.errors import InvalidInput
from aiser_app.query.results.columns import compares_as_long_number
from aiser_app.query.results.number_order import number_keys
from aiser_app.query.results.values import has_text_form, texts

Making: TypeAlias = Callable[[pa.Array], pa.Array]


class KeyColumns:
    """Collects the columns that a query needs, and makes them out of stored batches."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._positions = {name: number for number, name in enumerate(schema.names)}
        self._made: dict[str, tuple[int, pa.DataType, Making]] = {}

    @property
    def indices(self) -> list[int]:
        """Positions of the stored columns that are needed, ascending."""
        return sorted({index for index, _, _ in self._made.values()})

    def field(self, name: str) -> pa.Field:
        """Raises `InvalidInput` for a column that the result does not have."""
        if name not in self._positions:
            raise InvalidInput(
                f"The result has no column “{name[:80]}”.",
                hint=f"It has: {', '.join(self._positions)[:400]}.",
            )
        return self._schema.field(self._positions[name])

    def key(self, name: str) -> exp.Expr:
        """The column in a form that sorts and compares like its values."""
        field = self.field(name)
        kind, make = _key(field)
        return self._add(f"k{self._positions[name]}", name, kind, make)

    def presence(self, name: str) -> exp.Expr:
        """The column in a form that is null where it is."""
        self.field(name)
        return self._add(f"p{self._positions[name]}", name, pa.bool_(), _presence)

    def text(self, name: str) -> exp.Expr:
        """The column as the text that people see."""
        field = self.field(name)
        if pa.types.is_nested(field.type):
            column = self._add(f"n{self._positions[name]}", name, field.type, _as_it_is)
            return exp.cast(column, "text")
        return self._add(f"t{self._positions[name]}", name, pa.string(), _text)

    def schema(self) -> list[pa.Field]:
        return [pa.field(name, kind) for name, (_, kind, _) in self._made.items()]

    def arrays(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """Made out of a batch that has the columns at `indices`."""
        places = {index: place for place, index in enumerate(self.indices)}
        return [make(batch.column(places[index])) for index, _, make in self._made.values()]

    def _add(self, alias: str, name: str, kind: pa.DataType, make: Making) -> exp.Expr:
        self._made[alias] = (self._positions[name], kind, make)
        return exp.column(alias)


def _key(field: pa.Field) -> tuple[pa.DataType, Making]:
    kind = field.type
    if compares_as_long_number(field):
        return pa.string(), lambda array: number_keys(_text(array))
    if pa.types.is_timestamp(kind):
        return pa.int64(), lambda array: pc.cast(array, pa.int64())
    if pa.types.is_date(kind):
        return pa.int32(), lambda array: pc.cast(array, pa.int32())
    return kind, _as_it_is


def _as_it_is(array: pa.Array) -> pa.Array:
    return array


def _presence(array: pa.Array) -> pa.Array:
    return pc.if_else(array.is_valid(), True, None)


def _text(array: pa.Array) -> pa.Array:
    if not has_text_form(array.type):
        return pc.cast(array, pa.string())
    written = texts(pa.chunked_array([array]))
    return written.combine_chunks() if isinstance(written, pa.ChunkedArray) else written
