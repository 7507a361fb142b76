"""The account that a server runs as which refuses to run as root (PostgreSQL does).

As an ordinary user nothing changes. As root, an existing unprivileged account is used when it can
reach binary and data; otherwise a user namespace in which root's files belong to `nobody`, so that
neither accounts are created nor modes of folders above ours are changed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiser_app.errors import ServiceUnavailable

ACCOUNTS = ("postgres", "nobody")
NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to start a binary unprivileged; all empty means: as we are."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments for `subprocess` functions."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file, or a folder with all in it, to the account; only root can and needs to."""
        if os.geteuid() != 0:
            return
        uid, gid = (self.uid, self.gid) if self.uid is not None else (0, 0)
        assert gid is not None  # noqa: S101 - set together with uid
        if path.stat().st_uid == uid:
            return
        os.chown(path, uid, gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)

    def execute(self, command: list[str]) -> None:
        """Replace this process by the command, run as the account: the pid stays the same."""
        if self.uid is not None and self.gid is not None:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
        whole = [*self.prefix, *command]
        os.execvp(whole[0], whole)  # noqa: S606 - no shell wanted


def unprivileged(binary: Path, folder: Path) -> Account:
    """Choose the account that can run `binary --version` and enter `folder`.

    Raises:
        ServiceUnavailable: running as root and neither way works here.
    """
    if os.geteuid() != 0:
        return Account()
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(uid=entry.pw_uid, gid=entry.pw_gid)
        if _can_run(account, binary) and _can_enter(account, folder):
            return account
    account = Account(prefix=NAMESPACE)
    if shutil.which(NAMESPACE[0]) and _can_run(account, binary):
        return account
    raise ServiceUnavailable(
        f"Running as root, and no account here can run {binary.name}.",
        hint="Run Aiser as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.",
    )


def _can_run(account: Account, binary: Path) -> bool:
    return _succeeds(account, [*account.prefix, str(binary), "--version"])


def _can_enter(account: Account, folder: Path) -> bool:
    return _succeeds(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])


def _succeeds(account: Account, command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command, capture_output=True, cwd="/", check=False, **account.popen_arguments()
        )
    except OSError:
        return False
    return done.returncode == 0
