"""Which tables are about people, and which words name somebody's part in something."""

from __future__ import annotations

from enum import IntEnum

from aiser_app.domain.catalog import TableProfile, name_words

_STAFF_NAMES = (
    "employee emp staff worker personnel operator oper technician driver courier agent nurse doctor "
    "physician teacher instructor crew associate rep salesperson colleague mitarbeiter personal "
    "angestellter empleado trabajador employe funcionario dipendente"
)
_PERSON_NAMES = (
    "person people user usr member customer client contact account party individual patient student "
    "guest kunde nutzer benutzer cliente usuario utilisateur utente persona"
)
_ROLE_NAMES = (
    "manager mgr supervisor supv sup boss lead leader head chief owner approver approved reviewer "
    "reviewed author creator created assignee assigned agent rep representative salesperson seller "
    "inspector inspected driver courier picker packer technician operator handler handled recruiter "
    "recruited interviewer mentor coach trainer instructor teacher requester requested submitter "
    "submitted reporter reported editor modified updated closed opened processed performed verified "
    "issuer issued signer signed buyer planner dispatcher responsible engineer consultant doctor "
    "physician nurse surgeon host cleaner cashier clerk accountant auditor caller holder "
    "sender recipient receiver payer payee referrer referred tenant borrower delegate deputy "
    "backup substitute chef leiter pruefer betreuer vorgesetzter jefe responsable gerente"
)
_STAFF = frozenset(_STAFF_NAMES.split())
_PERSONS = frozenset(_PERSON_NAMES.split())
ROLES = frozenset(_ROLE_NAMES.split())
"""Words of columns that say what somebody did or is, and not which table knows them."""
_PERSONAL_FACTS = frozenset(("hire", "hired", "firstname", "lastname", "surname", "birth", "dob"))


class People(IntEnum):
    """How surely the rows of a table are people; those who work here before all others."""

    NONE = 0
    SOME = 1
    """Its name says so."""
    NAMED = 2
    """Its columns say so: first and last names, dates of birth or of hiring."""
    STAFF = 3


def people_of(table: TableProfile, entity: tuple[str, ...]) -> People:
    """`entity` are the words of the table's name, the last one in the singular."""
    last = entity[-1:]
    if set(last) & _STAFF:
        return People.STAFF
    words = [set(name_words(column.name)) for column in table.columns]
    all_words = set().union(*words)
    has_names = any({"first", "name"} <= item for item in words) or "firstname" in all_words
    has_facts = has_names or bool(all_words & _PERSONAL_FACTS and {"name", "nm"} & all_words)
    if has_facts and all_words & {"hire", "hired"}:
        return People.STAFF
    if has_facts:
        return People.NAMED
    return People.SOME if set(last) & _PERSONS else People.NONE
