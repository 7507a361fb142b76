"""Values beside the text: every place of a parameter becomes a token that a driver fills.

The tokens are drawn by chance, so nobody can write text that looks like one, and all of the same
length, so that none is the beginning of another and equal queries are laid out alike.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import TokenType

from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.query.guard.dialects import DialectRules
from aiser_app.query.guard.refusal import Refused

MAX_VALUES = 9_999
"""Most values that one statement may bind, as their tokens have four digits."""

_TOKEN = re.compile(r"aiser_p_[0-9a-f]{16}_[0-9]{4}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NO_PLACES = (
    exp.Limit,
    exp.Offset,
    exp.Fetch,
    exp.Interval,
    exp.Table,
    exp.TableSample,
    exp.DataTypeParam,
    exp.DataType,
    exp.WindowSpec,
    exp.JSONPath,
)


def is_token(name: str) -> bool:
    """Whether a name in written SQL stands for a bound value."""
    return _TOKEN.fullmatch(name) is not None


def without_tokens(sql: str) -> str:
    """The text with every token replaced by the same word, for comparing shapes."""
    return _TOKEN.sub("aiser_p", sql)


def readable(sql: str, rules: DialectRules) -> str:
    """The text with `SELECT :name` as `SELECT $name` where the parser takes the colon for an alias.

    Both mean the same, and nothing moves. What comes out is read and judged like any text.
    """
    if rules.name != "duckdb" or ":" not in sql:
        return sql
    letters = list(sql)
    for before, token in pairwise(Dialect.get_or_raise(rules.name).tokenize(sql)):
        if before.token_type is TokenType.SELECT and token.token_type is TokenType.COLON:
            letters[token.start] = "$"
    return "".join(letters)


class Binder:
    """Hands out the places of one statement."""

    def __init__(self) -> None:
        self._tag = secrets.token_hex(8)
        self._bound: dict[str, BoundParameter] = {}

    def place(self, name: str, value: ParameterValue) -> exp.Column:
        """A place for one value, to be put into the tree once.

        Raises:
            Refused: there are too many.
        """
        number = len(self._bound) + 1
        if number > MAX_VALUES:
            raise Refused(f"A query can bind at most {MAX_VALUES:,} values.")
        token = f"aiser_p_{self._tag}_{number:04d}"
        self._bound[token] = BoundParameter(token=token, name=name, value=value)
        return exp.Column(this=exp.Identifier(this=token, quoted=False))

    def statement(self, sql: str) -> Statement:
        """The written text with its values in order.

        Raises:
            Refused: a place was lost or doubled on the way.
        """
        found = _TOKEN.findall(sql)
        if len(found) != len(self._bound) or set(found) != set(self._bound):
            raise Refused("The query could not be rewritten safely.")
        return Statement(sql=sql, parameters=tuple(self._bound[token] for token in found))


def bind(
    nodes: Collection[exp.Expr],
    parameters: Mapping[str, ParameterValue | Sequence[ParameterValue]],
    binder: Binder,
    rules: DialectRules,
) -> bool:
    """Put a place where one of the nodes says `:name`; returns whether one does.

    Raises:
        Refused: a name has no value, a value no place, or a value cannot stand there.
    """
    used: set[str] = set()
    for node in nodes:
        if not isinstance(node, exp.Placeholder | exp.Parameter):
            continue
        name = parameter_name(node, rules)
        if name not in parameters:
            raise Refused(f"The query needs a value for the parameter :{name}.", node.parent)
        used.add(name)
        value = parameters[name]
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
            _bind_list(node, name, value, binder)
        else:
            node.replace(_typed(node, binder.place(name, checked(name, value))))
    unused = sorted(str(name) for name in parameters if name not in used)
    if unused:
        raise Refused(f"The query has no parameter :{unused[0][:60]}, but there is a value for it.")
    return bool(used)


def parameter_name(node: exp.Expr, rules: DialectRules) -> str:
    """The name of a parameter in a query.

    Raises:
        Refused: it has none, or stands where no value can be bound.
    """
    if isinstance(node, exp.Parameter) and not rules.at_parameters:
        raise Refused("Variables are not allowed: write parameters as :name.", node.parent)
    name = node.name
    if not _NAME.fullmatch(name) or isinstance(node.this, exp.Parameter):
        raise Refused("Write parameters with a name, as :name, or write the values.", node.parent)
    if isinstance(node.parent, _NO_PLACES):
        raise Refused(f"The parameter :{name} cannot stand here: write the value.", node.parent)
    return name


def checked(name: str, value: object) -> ParameterValue:
    """The value, if it is of a kind that can be bound.

    Raises:
        Refused: it is not.
    """
    if value is None or isinstance(value, str | int | float | bool | Decimal | date):
        return value
    raise Refused(f"The value of :{name} must be text, a number, true or false, a date or empty.")


def _typed(node: exp.Expr, place: exp.Expr) -> exp.Expr:
    """ClickHouse says the type of a parameter at its place: `{name:Date}`."""
    kind = node.args.get("kind")
    return exp.Cast(this=place, to=kind.copy()) if isinstance(kind, exp.DataType) else place


def _bind_list(node: exp.Expr, name: str, values: Sequence[ParameterValue], binder: Binder) -> None:
    """A list becomes the values of `IN`; an empty one is never true."""
    around = node.parent
    if not isinstance(around, exp.In) or node.arg_key != "expressions":
        raise Refused(f"The parameter :{name} is a list: write IN (:{name}).", around)
    places = [_typed(node, binder.place(name, checked(name, value))) for value in values]
    inside = around.args["expressions"]
    position = next(index for index, found in enumerate(inside) if found is node)
    left = [*inside[:position], *places, *inside[position + 1 :]]
    if left:
        around.set("expressions", left)
    else:
        never = exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
        around.replace(exp.Paren(this=never))
