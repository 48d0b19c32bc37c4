"""The OS user that the embedded PostgreSQL runs as."""

from __future__ import annotations

import os
import pwd
from typing import Final

import attrs

from ledger.errors import NotConfiguredError

# PostgreSQL refuses to run as root: the first of these that exists takes its place.
PLACES_OF_ROOT: Final = ("postgres", "nobody")


class ServerAccountError(NotConfiguredError):
    """No OS user can run PostgreSQL here; add one, or set DATABASE_URL."""


@attrs.frozen(kw_only=True)
class ServerAccount:
    """An OS user by name and ids.

    Attributes:
        change_to: uid and gid that a child has to change to; None: it has them already.
    """

    name: str
    uid: int
    gid: int
    change_to: tuple[int, int] | None


def server_account() -> ServerAccount:
    """Find who runs the server: this user, or for root ``postgres``, else ``nobody``.

    Raises:
        ServerAccountError: There is no such user, or this user has no name.
    """
    uid = os.geteuid()
    if uid != 0:
        found = _by_id(uid)
        return ServerAccount(name=found.pw_name, uid=uid, gid=os.getegid(), change_to=None)
    for name in PLACES_OF_ROOT:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        ids = (found.pw_uid, found.pw_gid)
        return ServerAccount(name=name, uid=ids[0], gid=ids[1], change_to=ids)
    raise ServerAccountError(
        "PostgreSQL does not run as root, and there is no OS user postgres or nobody to "
        "run it: add one, run as an ordinary user, or set DATABASE_URL"
    )


def user_name(uid: int) -> str:
    """Return the name of *uid*, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _by_id(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise ServerAccountError(
            f"the OS user id {uid} has no name, and PostgreSQL needs one: give it an entry "
            f"in /etc/passwd, run as a user that has one, or set DATABASE_URL"
        ) from None
