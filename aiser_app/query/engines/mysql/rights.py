"""What the signed-in user may do beyond reading, from SHOW GRANTS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_GRANT = re.compile(r"GRANT (.+?) ON (.+?) TO ", re.IGNORECASE | re.DOTALL)
_IN_BRACKETS = re.compile(r"\([^)]*\)")

_HARMLESS = frozenset(
    {
        "USAGE",
        "SELECT",
        "SHOW VIEW",
        "SHOW DATABASES",
        "PROCESS",
        "REPLICATION CLIENT",
        "BINLOG MONITOR",
        "SLAVE MONITOR",
        "LOCK TABLES",
        "EXECUTE",
    }
)
_SUPER = frozenset({"ALL PRIVILEGES", "SUPER", "SYSTEM_USER", "CREATE USER", "GRANT OPTION"})


def warnings_of(grants: Iterable[str]) -> Sequence[str]:
    """Sentences for people; empty for a user that can only read."""
    held: set[str] = set()
    for grant in grants:
        matched = _GRANT.match(grant)
        if matched:
            names = _IN_BRACKETS.sub("", matched.group(1)).split(",")
            held |= {name.strip().upper() for name in names}
        if "WITH GRANT OPTION" in grant.upper():
            held.add("GRANT OPTION")
    return _sentences(held)


def can_read(grants: Iterable[str]) -> bool:
    """Whether any grant lets the user read something; a role may, too."""
    return any(
        re.search(r"\bSELECT\b|ALL PRIVILEGES|^GRANT (?!.* ON )", grant, re.IGNORECASE)
        for grant in grants
    )


def _sentences(held: set[str]) -> Sequence[str]:
    found = []
    if held & _SUPER:
        found.append(
            "The user is an administrator of the database: "
            "create one that has nothing but SELECT on what Aiser shall see."
        )
    if "FILE" in held:
        found.append("The user may read and write files of the database's machine (FILE).")
    writing = sorted(held - _HARMLESS - _SUPER - {"FILE"})
    if writing:
        shown = ", ".join(writing[:5]) + (" …" if len(writing) > 5 else "")
        found.append(f"The user may change the database ({shown}). Aiser needs SELECT only.")
    return found
