"""Pieces of SQL in a database's own words, with places for values."""

from __future__ import annotations

import sqlglot
from sqlglot import exp


def filled(template: str, dialect: str, **values: exp.Expr) -> exp.Expr:
    """The template as a tree; columns of it that are named as a value give way to the value.

    Templates are ours and fixed; what comes from people is only ever a tree that is put in.
    """
    tree = sqlglot.parse_one(template, dialect=dialect)
    for column in list(tree.find_all(exp.Column)):
        value = values.get(column.name)
        if value is not None:
            is_wide = isinstance(value, exp.Binary)
            column.replace(exp.paren(value.copy()) if is_wide else value.copy())
    return tree


def number(value: int) -> exp.Expr:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal
