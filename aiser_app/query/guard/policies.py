"""Row policies and column masks, put around every base table that they are about.

`FROM t` becomes `FROM (SELECT … FROM t AS aiser_rows WHERE condition) AS t`: whatever the query does
with the table, it does with the rows and values that the actor may see. `proof` looks at the written
text again and makes sure that no such table stands anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

from sqlglot import exp

from aiser_app.domain.actor import Claims
from aiser_app.domain.policy import ColumnMask, GrantedTable, MaskKind, Policies, RowPolicy
from aiser_app.query.guard.conditions import bound_condition
from aiser_app.query.guard.dialects import DialectRules, NameCase, small
from aiser_app.query.guard.masks import masked
from aiser_app.query.guard.names import TableNames, TableUse
from aiser_app.query.guard.parameters import Binder
from aiser_app.query.guard.qualifiers import respell
from aiser_app.query.guard.refusal import Refused

INNER = "aiser_rows"
"""What a table is called inside its wrapper; no query may use the name itself."""

_STRENGTH = (MaskKind.NULL, MaskKind.CONSTANT, MaskKind.HASH, MaskKind.PARTIAL)
_FIXED = ("sample", "only", "hints", "ordinality", "pivots")


@dataclass(frozen=True, slots=True)
class TablePolicies:
    """Those of one table."""

    rows: tuple[RowPolicy, ...] = ()
    masks: tuple[ColumnMask, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.masks)

    @property
    def policy_names(self) -> tuple[str, ...]:
        return (*(row.name for row in self.rows), *(mask.name for mask in self.masks))


@dataclass(slots=True)
class Injection:
    """What was put into one query."""

    names: TableNames
    policies: Policies
    claims: Claims
    binder: Binder
    applied: dict[str, None] = field(default_factory=dict)
    """Names of policies, in order of first use."""
    wrapped: dict[str, int] = field(default_factory=dict)
    """How often each allowed table was wrapped."""
    _known: dict[str, TablePolicies] = field(default_factory=dict)

    @property
    def rules(self) -> DialectRules:
        return self.names.rules

    def apply(self, root: exp.Expr, uses: list[TableUse]) -> None:
        """Wrap every table of the query that a policy is about.

        Raises:
            Refused: a policy cannot be applied, or could be passed by.
        """
        if not self.policies.is_empty:
            _refuse_what_reaches_inside(root)
        for use in uses:
            found = self.of_table(use.granted)
            self._check_view(use, found)
            if found.is_empty:
                continue
            self._wrap(use, found)
            self.wrapped[use.granted] = self.wrapped.get(use.granted, 0) + 1
            self.applied |= dict.fromkeys(found.policy_names)

    def of_table(self, granted: str) -> TablePolicies:
        """The policies about an allowed table, however they spell its name."""
        if self.policies.is_empty:
            return TablePolicies()
        if granted not in self._known:
            self._known[granted] = TablePolicies(
                rows=tuple(p for p in self.policies.rows if self._is_about(p.table, granted)),
                masks=tuple(m for m in self.policies.masks if self._is_about(m.table, granted)),
            )
        return self._known[granted]

    def wrapper(self, table: exp.Table, granted: str, found: TablePolicies) -> exp.Select:
        """The query that stands for a table: its rows first, then the masks over them.

        The masks are a step of their own because some databases read a name in WHERE as the column
        of the result, which would be the masked one.
        """
        details = self.names.details(granted)
        inner: exp.Expr = exp.Table(
            this=table.this.copy(),
            db=_copy(table.args.get("db")),
            catalog=_copy(table.args.get("catalog")),
            alias=_table_alias(INNER),
        )
        if isinstance(table.parent, exp.Final):
            inner = exp.Final(this=inner)
        select = exp.Select(expressions=[exp.Star()], from_=exp.From(this=inner))
        if found.rows:
            conditions = [
                bound_condition(
                    policy,
                    details,
                    qualifier=INNER,
                    attributes=self.claims.attributes,
                    binder=self.binder,
                    rules=self.rules,
                )
                for policy in found.rows
            ]
            select.set("where", exp.Where(this=reduce(_both, conditions)))
        if not found.masks:
            return select
        if found.rows:
            below = exp.Subquery(this=select, alias=_table_alias(INNER))
            select = exp.Select(from_=exp.From(this=below))
        select.set("expressions", self._masked_columns(details, found.masks))
        return select

    def _wrap(self, use: TableUse, found: TablePolicies) -> None:
        table = use.node
        if any(table.args.get(name) for name in _FIXED):
            raise Refused(
                f"“{use.granted}” has rules about who sees what: read it without TABLESAMPLE, "
                "ONLY or other additions to its name.",
                table,
            )
        place: exp.Expr = table.parent if isinstance(table.parent, exp.Final) else table
        if not isinstance(place.parent, exp.From | exp.Join | exp.Subquery):
            raise Refused(f"“{use.granted}” cannot be read in this place.", table)
        alias = table.args.get("alias") or _table_alias(table.this.copy())
        respell(table, use.granted, self.rules)
        wrapper = exp.Subquery(this=self.wrapper(table, use.granted, found), alias=alias)
        for name in ("joins", "laterals"):
            if table.args.get(name):
                wrapper.set(name, table.args[name])
        place.replace(wrapper)

    def _masked_columns(
        self, details: GrantedTable, masks: tuple[ColumnMask, ...]
    ) -> list[exp.Expr]:
        if not details.columns:
            raise Refused(
                f"The columns of “{details.name}” are not known, so its column masks cannot be "
                "applied: ask an administrator to sync the data source."
            )
        kinds = _kinds(details, masks)
        found: list[exp.Expr] = []
        for name in details.columns:
            column = exp.Column(this=self._quoted(name), table=exp.Identifier(this=INNER))
            kind = kinds.get(name)
            if kind is None:
                found.append(column)
            else:
                value = masked(kind, column, self.rules.name)
                found.append(exp.Alias(this=value, alias=self._quoted(name)))
        return found

    def _quoted(self, name: str) -> exp.Identifier:
        """A column as its catalog spells it.

        Drivers of databases that make names capital show plain names small.
        """
        is_plain = self.rules.case is NameCase.UPPERED and name == small(name)
        return exp.Identifier(this=name, quoted=not (is_plain and name.isidentifier()))

    def _is_about(self, table: str, granted: str) -> bool:
        if table == granted:
            return True
        left, right = self.names.plain(table), self.names.plain(granted)
        alike = left.casefold() == right.casefold()
        return left == right or (alike and (self.rules.ignores_case or not self.names.has(table)))

    def _check_view(self, use: TableUse, own: TablePolicies) -> None:
        """A view must not show what the policies of the tables below it hide."""
        if self.policies.is_empty:
            return
        details = self.names.details(use.granted)
        if details.is_view and self._is_open(details, own):
            raise Refused(
                f"“{use.granted}” is a view over tables with rules about who sees what, and has no "
                "such rules of its own: query the tables themselves, or ask an administrator for "
                "policies on the view.",
                use.node,
            )

    def _is_open(self, view: GrantedTable, own: TablePolicies) -> bool:
        """Whether tables below the view have policies of a kind that the view itself has none of."""
        if view.depends_on is None:
            below = TablePolicies(self.policies.rows, self.policies.masks)
        else:
            found = [self.of_table(table) for table in view.depends_on]
            below = TablePolicies(
                tuple(policy for one in found for policy in one.rows),
                tuple(mask for one in found for mask in one.masks),
            )
        return bool((below.rows and not own.rows) or (below.masks and not own.masks))


def _kinds(details: GrantedTable, masks: tuple[ColumnMask, ...]) -> dict[str, MaskKind]:
    """The strongest mask of each column."""
    kinds: dict[str, MaskKind] = {}
    for mask in sorted(masks, key=lambda mask: _STRENGTH.index(mask.kind), reverse=True):
        name = _column(mask.column, details.columns)
        if name is None:
            raise Refused(
                f"The column mask “{mask.name}” is about {mask.column}, which “{details.name}” does "
                "not have: ask an administrator to correct it."
            )
        kinds[name] = mask.kind
    return kinds


def _column(wanted: str, columns: tuple[str, ...]) -> str | None:
    if wanted in columns:
        return wanted
    return next((name for name in columns if name.casefold() == wanted.casefold()), None)


def _refuse_what_reaches_inside(root: exp.Expr) -> None:
    """Names of the query that a wrapper could see: a condition must mean the table's own columns.

    ClickHouse lets names of values in WITH replace columns of the queries below.
    """
    for node in root.find_all(exp.Identifier, exp.CTE):
        if isinstance(node, exp.Identifier) and node.name.casefold() == INNER:
            raise Refused(f"The name {INNER} is reserved: take another one.", node)
        if isinstance(node, exp.CTE) and node.args.get("scalar"):
            raise Refused(
                "Values with names in WITH are not allowed where there are rules about who sees "
                "what: write the value, or a WITH query.",
                node.args.get("alias"),
            )


def _both(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.And(this=left, expression=right)


def _table_alias(name: str | exp.Expr) -> exp.TableAlias:
    return exp.TableAlias(this=exp.Identifier(this=name) if isinstance(name, str) else name)


def _copy(node: object) -> exp.Expr | None:
    return node.copy() if isinstance(node, exp.Expr) else None
