"""Make the ledger's schema, or bring it up to this release.

    bl migrate
    LEDGER_MODE=test bl migrate

Safe to run again, and from several machines at once. Appends nothing to the log. Whether
the ledger is of live or of test mode is fixed the first time. With DATABASE_URL the user
needs CREATEROLE and CREATE on the database, this once; without it, an embedded PostgreSQL
is made in LEDGER_DATA_DIR.
"""

from __future__ import annotations

import sys

from ledger import migrate
from ledger.settings import load
from replay.arguments.options import Watching
from replay.ledgers import database
from replay.report.words import say


def run(*, options: Watching | None = None) -> int:
    """Apply what is missing; name on stdout what was applied."""
    del options  # nothing is asked
    settings = load()
    with database(settings, create=True) as conninfo:
        applied = migrate.migrate(conninfo, mode=settings.mode)
    sys.stdout.writelines(f"{name}\n" for name in applied)
    if not applied:
        say("bl: the schema is up to date")
    return 0
