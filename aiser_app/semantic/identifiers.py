"""Names in SQL that people read: quoted where they must be, plain where they may be."""

from __future__ import annotations

import re

from sqlglot import exp

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED_WORDS = """
all alter analyse analyze and any array as asc asymmetric at authorization between binary both by case cast
check collate column concurrently constraint create cross current_catalog current_date current_role
current_schema current_time current_timestamp current_user database default deferrable delete desc
describe distinct do drop else end except exclude exists explain extract false fetch filter first for force
foreign freeze from full function glob grant group grouping having if ilike in index initially inner
insert install intersect interval into is isnull join key lambda last lateral leading left like limit
localtime localtimestamp map natural not notnull null offset on only or order outer over overlaps
partition pivot pivot_longer pivot_wider placing positional primary qualify range references
returning revoke right rollback rollup row rows select semi session_user set show similar some summarize symmetric
table tablesample then to top trailing trigger true try_cast union unique unnest unpivot update user
using values variadic verbose view when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
"""Words with a meaning of their own in one of the dialects; quoting one too many does no harm."""


def identifier(name: str) -> exp.Identifier:
    """`name` as an identifier; anything but a plain lower-case word is quoted."""
    plain = _PLAIN.fullmatch(name) is not None and name not in RESERVED
    return exp.to_identifier(name, quoted=not plain)


def column(name: str, table: str = "") -> exp.Column:
    return exp.column(identifier(name), table=identifier(table) if table else None)


def table(name: str, alias: str) -> exp.Table:
    """A table of the model (`schema.table` outside the default schema) under its alias."""
    schema, dot, plain = name.partition(".")
    if dot:
        found = exp.Table(this=identifier(plain), db=identifier(schema))
    else:
        found = exp.Table(this=identifier(name))
    if dot or alias != name:
        found.set("alias", exp.TableAlias(this=identifier(alias)))
    return found


def named(name: str) -> exp.Table:
    """A WITH query of this query."""
    return exp.Table(this=identifier(name))
