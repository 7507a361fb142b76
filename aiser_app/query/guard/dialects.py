"""How the dialects differ in what the guard must know: names, schemas, functions, oddities."""

from __future__ import annotations

import string
from dataclasses import dataclass
from enum import Enum

from sqlglot import exp

from aiser_app.query.guard.functions import NAMED_FUNCTIONS, ROW_FUNCTIONS
from aiser_app.query.guard.refusal import Refused

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


class NameCase(Enum):
    """What a database makes of capital and small letters in names of tables."""

    LOWERED = "lowered"
    """Names without quotes become small, names in quotes stay."""
    UPPERED = "uppered"
    """Names without quotes become capital, names in quotes stay."""
    IGNORED = "ignored"
    """Names that differ in capitals only are the same."""
    KEPT = "kept"
    """Names that differ in capitals only are different."""
    SERVER = "server"
    """It depends on the server's settings, so names are rewritten as the allow-list has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DialectRules:
    """`name` is sqlglot's name of the dialect."""

    name: str
    case: NameCase
    schemas: tuple[str, ...] = ()
    """The schema of plain names; a source may have another one."""
    has_catalogs: bool = False
    """Whether a granted name may have three parts; names with a dot in a part are refused then."""
    at_parameters: bool = False
    """Whether `@name` is a parameter, besides `:name`."""
    recursion_is_implicit: bool = False
    """Whether a common table expression sees itself without the word RECURSIVE."""
    in_takes_lists: bool = False
    """Whether `x IN name` means a column with lists; elsewhere it can be a table."""
    has_sequences: bool = False
    """Whether `name.nextval` draws from a sequence."""
    missing: frozenset[type[exp.Expr]] = frozenset()
    """What the parser reads although the dialect has no such thing: `{…}`."""
    calls_on_values: bool = False
    """Whether `value.function()` is a way to write `function(value)`."""

    @property
    def functions(self) -> frozenset[str]:
        return NAMED_FUNCTIONS[self.name]

    @property
    def row_functions(self) -> frozenset[str]:
        return ROW_FUNCTIONS.get(self.name, frozenset())

    @property
    def ignores_case(self) -> bool:
        return self.case in (NameCase.IGNORED, NameCase.SERVER)

    def spelled(self, name: object) -> str:
        """The text that the database compares; of names where capitals do not count, small."""
        if not isinstance(name, exp.Identifier):
            return ""
        text = str(name.this)
        if self.case is NameCase.IGNORED:
            return small(text)
        if name.args.get("quoted"):
            return text
        if self.case is NameCase.LOWERED:
            return small(text)
        return text.translate(_UPPER) if self.case is NameCase.UPPERED else text


def small(text: str) -> str:
    """Small ASCII letters: what databases do to names; other letters they treat differently."""
    return text.translate(_LOWER)


_NO_STRUCTS = frozenset({exp.Struct})

_RULES = (
    DialectRules(name="duckdb", case=NameCase.IGNORED, schemas=("main",), in_takes_lists=True),
    DialectRules(name="postgres", case=NameCase.LOWERED, schemas=("public",), missing=_NO_STRUCTS),
    DialectRules(name="mysql", case=NameCase.SERVER, missing=_NO_STRUCTS),
    DialectRules(
        name="sqlite",
        case=NameCase.IGNORED,
        schemas=("main",),
        recursion_is_implicit=True,
        missing=_NO_STRUCTS,
    ),
    DialectRules(name="clickhouse", case=NameCase.KEPT, schemas=("default",)),
    DialectRules(
        name="snowflake",
        case=NameCase.UPPERED,
        schemas=("PUBLIC",),
        has_catalogs=True,
        has_sequences=True,
    ),
    DialectRules(name="bigquery", case=NameCase.KEPT, has_catalogs=True, at_parameters=True),
    DialectRules(
        name="tsql",
        case=NameCase.SERVER,
        schemas=("dbo",),
        at_parameters=True,
        recursion_is_implicit=True,
        missing=_NO_STRUCTS,
    ),
    DialectRules(name="trino", case=NameCase.IGNORED, has_catalogs=True),
    DialectRules(name="databricks", case=NameCase.IGNORED, schemas=("default",), has_catalogs=True),
    DialectRules(name="spark", case=NameCase.IGNORED, schemas=("default",), has_catalogs=True),
)
_BY_NAME = {rules.name: rules for rules in _RULES}
_BY_NAME["mariadb"] = _BY_NAME["mysql"]

DIALECTS = tuple(rules.name for rules in _RULES)
"""Dialects that the guard can judge, by sqlglot's names."""


def rules_of(dialect: str) -> DialectRules:
    """What must be known of a dialect.

    Raises:
        Refused: the guard does not know it, so nothing may run.
    """
    found = _BY_NAME.get(dialect.casefold())
    if found is None:
        raise Refused(f"Queries in {dialect[:40]} SQL cannot be checked, so they cannot run.")
    return found
