"""What the signed-in user may do beyond reading, from SHOW GRANTS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_GRANT = re.compile(r"GRANT (.+?) ON .+? TO ", re.IGNORECASE | re.DOTALL)
_IN_BRACKETS = re.compile(r"\([^)]*\)")
_HARMLESS = re.compile(r"(?:SELECT|SHOW\b.*|CHECK|KILL QUERY|dictGet|USAGE|TABLE ENGINE)$")
_SUPER = re.compile(
    r"(?:ALL|ACCESS MANAGEMENT|CREATE USER|ALTER USER|ROLE ADMIN|SYSTEM\b.*|SET DEFINER)$"
)
_OUTSIDE = re.compile(
    r"(?:SOURCES|READ|FILE|URL|REMOTE|S3|HDFS|AZURE|MYSQL|POSTGRES|MONGO|REDIS|SQLITE|ODBC|JDBC)$"
)
_SHOWN = 5


def warnings_of(grants: Iterable[str]) -> Sequence[str]:
    """Sentences for people; empty for a user that can only read."""
    held: set[str] = set()
    for grant in grants:
        matched = _GRANT.match(grant)
        if matched:
            names = _IN_BRACKETS.sub("", matched.group(1)).split(",")
            held |= {name.strip() for name in names}
    found = []
    admin = {name for name in held if _SUPER.match(name)}
    outside = {name for name in held if _OUTSIDE.match(name)}
    if admin:
        found.append(
            "The user is an administrator of the database: "
            "create one that has nothing but SELECT on what Aiser shall see."
        )
    if outside:
        found.append(
            f"The user may read files or other servers through the database ({_list(outside)})."
        )
    writing = {name for name in held - admin - outside if not _HARMLESS.match(name)}
    if writing:
        found.append(f"The user may change the database ({_list(writing)}). Aiser needs SELECT.")
    return found


def can_read(grants: Iterable[str]) -> bool:
    """Whether any grant lets the user read something; a role may, too."""
    return any(re.search(r"\bSELECT\b|GRANT ALL\b|^GRANT (?!.* ON )", grant) for grant in grants)


def _list(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:_SHOWN]) + (" …" if len(ordered) > _SHOWN else "")
