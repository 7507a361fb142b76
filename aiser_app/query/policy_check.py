"""Whether a policy could be injected, asked when it is written instead of at the first query."""

from __future__ import annotations

from aiser_app.domain.policy import GrantedTable, Policies
from aiser_app.errors import InvalidInput
from aiser_app.query.guard import condition_problem


def check_policies(policies: Policies, table: GrantedTable, dialect: str) -> None:
    """Compare conditions and masked columns with the table.

    Raises:
        InvalidInput: a condition is no expression over the table's columns, or a mask names a
            column that is not there.
    """
    for policy in policies.rows:
        problem = condition_problem(policy.condition, dialect=dialect, table=table)
        if problem is not None:
            raise InvalidInput(f"This condition cannot be used: {problem}")
    known = {column.casefold() for column in table.columns}
    for mask in policies.masks:
        if mask.column.casefold() not in known:
            raise InvalidInput(
                f"“{table.name}” has no column “{mask.column[:80]}”.",
                hint="Synchronize the source if the column is new.",
            )
