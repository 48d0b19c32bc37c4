"""What a doctor looks at: settings, database, schema, roles, durability, clocks.

Each check answers with what it saw and, where that is not as it should be, what to do.
"""

from __future__ import annotations

import asyncio
import os
import tomllib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import attrs
import psycopg

from ledger import migrate
from ledger.clock import utc_now
from ledger.database import Role, prove_durable
from ledger.errors import LedgerError
from ledger.notation import Secret
from ledger.settings import FILE_SETTING, SETTINGS, Mode, Settings
from replay.ledgers import connected, state
from replay.models import read_models

SKEW_MAX: Final = timedelta(seconds=5)
LOCK_WAIT: Final = "500ms"
CLOCKS: Final = "SELECT clock_timestamp(), recorded_at FROM ledger.head"

FORBIDDEN: Final[dict[Role, tuple[str, ...]]] = {
    Role.APPENDER: (
        "UPDATE ledger.log SET verdict = verdict WHERE false",
        "DELETE FROM ledger.log WHERE false",
        "TRUNCATE ledger.log",
        "ALTER TABLE ledger.log DISABLE TRIGGER ALL",
        "UPDATE ledger.identity SET mode = mode WHERE false",
        "DELETE FROM ledger.head WHERE false",
    ),
    Role.PROJECTOR: (
        "INSERT INTO ledger.log SELECT * FROM ledger.log WHERE false",
        "UPDATE ledger.log SET verdict = verdict WHERE false",
        "DELETE FROM ledger.log WHERE false",
        "TRUNCATE ledger.log",
        "UPDATE ledger.head SET position = position WHERE false",
    ),
    Role.READER: (
        "INSERT INTO ledger.log SELECT * FROM ledger.log WHERE false",
        "UPDATE ledger.log SET verdict = verdict WHERE false",
        "DELETE FROM ledger.log WHERE false",
        "UPDATE ledger.head SET position = position WHERE false",
        "CREATE TABLE read_models.intruder ()",
    ),
}


@attrs.frozen(kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        detail: What was seen, or what is wrong and what to do.
        source: Where a setting comes from; empty for other checks.
    """

    name: str
    ok: bool = True
    detail: str
    source: str = ""


def settings_checks(settings: Settings) -> Iterator[Check]:
    """Yield every setting with its value, secrets only as set or not."""
    for name, setting in SETTINGS.items():
        value = getattr(settings, setting.field)
        yield Check(name=name, detail=_shown(value), source=_source(name))
    yield _secrets(settings)


def database_checks(conninfo: str) -> Iterator[Check]:
    """Yield what the database is like; stop where it makes no sense to go on."""
    try:
        lacking = migrate.pending(conninfo)
    except LedgerError as error:
        yield Check(name="schema", ok=False, detail=str(error))
        return
    if lacking:
        yield Check(name="schema", ok=False, detail=f"run bl migrate: {', '.join(lacking)}")
        return
    yield Check(name="schema", detail=f"{len(migrate.shipped())} migrations, all applied")
    for name, check in DATABASE_CHECKS.items():
        try:
            yield check(name, conninfo)
        except LedgerError as error:
            yield Check(name=name, ok=False, detail=str(error))


def _shown(value: object) -> str:
    if isinstance(value, Secret):
        return "set, not shown"
    if value is None or value == ():
        return "not set"
    if isinstance(value, tuple):
        plain = [one for one in value if isinstance(one, str)]
        return ", ".join(plain) or f"{len(value)} set, not shown"
    return str(value)


def _source(name: str) -> str:
    if name in os.environ:
        return "environment"
    path = os.environ.get(FILE_SETTING)
    if path is None:
        return "default"
    written = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    return "file" if name.lower() in written else "default"


def _secrets(settings: Settings) -> Check:
    now = utc_now()
    known = settings.webhook_secrets
    if not known:
        return Check(
            name="webhook secrets",
            ok=False,
            detail="none: every delivery is refused; set STRIPE_WEBHOOK_SECRETS",
        )
    live = [one for one in known if one.valid_to is None or one.valid_to > now]
    if not live:
        return Check(
            name="webhook secrets",
            ok=False,
            detail="all have expired: every delivery is refused; set the new one",
        )
    wanted = settings.mode is Mode.LIVE
    if all(one.livemode not in (None, wanted) for one in live):
        return Check(
            name="webhook secrets",
            ok=False,
            detail=f"none is for {settings.mode} mode: all would be kept as foreign",
        )
    return Check(name="webhook secrets", detail=f"{len(live)} of {len(known)} in use")


def _identity(name: str, conninfo: str) -> Check:
    with connected(conninfo) as connection:
        head, mode = state(connection)
        version = connection.info.server_version // 10_000
    return Check(
        name=name,
        detail=f"{head.ledger_id}, {mode} mode, position {head.position:,}, "
        f"PostgreSQL {version}",
    )


def _clock(name: str, conninfo: str) -> Check:
    with connected(conninfo) as connection:
        asked = utc_now()
        row = connection.execute(CLOCKS).fetchone()
        answered = utc_now()
    moment, last = (asked, None) if row is None else row
    skew = max(asked - moment, moment - answered, timedelta())
    if skew > SKEW_MAX:
        return Check(
            name=name,
            ok=False,
            detail=f"{skew.total_seconds():.0f} s apart from the database: set both by NTP",
        )
    if last is not None and last - moment > SKEW_MAX:
        return Check(
            name=name,
            ok=False,
            detail=f"clock_regression: the log's last time is {last - moment} ahead of the "
            "database's clock, and is kept for all that is appended until the clock is "
            "beyond it; set the clock by NTP",
        )
    return Check(name=name, detail="the database's agrees with ours")


def _durability(name: str, conninfo: str) -> Check:
    asyncio.run(prove_durable(conninfo))
    return Check(name=name, detail="200 commits, each synced to the disk")


def _role(name: str, conninfo: str) -> Check:
    """Try what a role may not do; nothing of it is ever committed."""
    role = Role(f"ledger_{name.removeprefix('role ')}")
    tried = FORBIDDEN[role]
    allowed = [each for each in tried if not _is_refused(conninfo, role, each)]
    if allowed:
        detail = f"may, and must not: {'; '.join(allowed)}"
        return Check(name=name, ok=False, detail=detail)
    return Check(name=name, detail=f"refused all {len(tried)} statements it may not run")


def _is_refused(conninfo: str, role: Role, statement: str) -> bool:
    with connected(conninfo, role, lock_timeout=LOCK_WAIT) as connection:
        connection.autocommit = False
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
        finally:
            connection.rollback()
    return False


def _models(name: str, conninfo: str) -> Check:
    with connected(conninfo) as connection:
        head, _ = state(connection)
        models = read_models(connection, head.position)
    behind = [f"{one.name} by {one.lag:,}" for one in models if one.lag]
    if behind:
        return Check(
            name=name,
            ok=False,
            detail=f"behind: {', '.join(behind)}; bl serve brings them up",
        )
    parked = sum(one.parked for one in models)
    return Check(name=name, detail=f"{len(models)} at the head, {parked} accounts parked")


DATABASE_CHECKS: Final[dict[str, Callable[[str, str], Check]]] = {
    "ledger": _identity,
    "clock": _clock,
    "durability": _durability,
    "role appender": _role,
    "role projector": _role,
    "role reader": _role,
    "read models": _models,
}
