"""Show how far the log is, and how far each read model is behind it.

    bl status
    bl status -O json
    bl status --accounts          and how many accounts there are of each status
    bl status --as-of 2026-11-01  how many there were of each then
    bl status --known-at '#4821'  what the log told at that position

Lag is in positions. A parked account is one on whose events a read model's code failed; it
answers with the last known until a repaired release folds it again. Waiting objects name
no customer, nor anything that has been seen. Events not read are of types that no figure
depends on; they are kept all the same. Quarantined events were signed but cannot be read;
foreign ones are of the other mode, or of another Stripe account. Reconciled says when the
ledger was last compared with what Stripe has, and whether anything differed. None of these
changes the exit code. Read models keep only what is known now, so a question about the past
is answered from the log, all of it up to then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from cyclopts import Parameter

from ledger.log import Head
from projections.models.registry import PROJECTIONS
from replay.arguments.options import Asking
from replay.ledgers import Connection, connected, database, state
from replay.loose_ends import unread, waiting
from replay.models import read_models
from replay.report.output import write
from replay.report.report import Column, Report
from replay.report.stamping import stamp_of
from replay.stripe_runs import last_runs

COLUMNS = (
    Column("name", "read model", fixed=True),
    Column("version", "version", fixed=True),
    Column("position", "position", fixed=True),
    Column("lag", "lag", fixed=True),
    Column("parked", "parked", fixed=True),
)
# The index of verdicts holds only what is not accepted, so this stays quick.
VERDICTS: Final = """
SELECT count(*) FILTER (WHERE verdict = 'quarantined'),
       count(*) FILTER (WHERE verdict = 'foreign')
  FROM ledger.log
 WHERE verdict <> 'accepted' AND position <= %s
"""
LABELS: Final = (
    "ledger",
    "mode",
    "position",
    "hash",
    "recorded_at",
    "quarantined",
    "foreign",
)


def run(
    *,
    accounts: Annotated[bool, Parameter(negative="")] = False,
    options: Asking | None = None,
) -> int:
    """Report on the log and the read models.

    Args:
        accounts: Count the accounts of each status too.
    """
    options = options or Asking()
    is_past = options.as_of is not None or options.known_at is not None
    with database() as conninfo, connected(conninfo) as connection:
        report = (
            _past_report(conninfo, connection, options)
            if is_past
            else _report(connection, accounts=accounts)
        )
        write(report, options)
    return 0


def _report(connection: Connection, *, accounts: bool) -> Report:
    head, mode = state(connection)
    models = read_models(connection, head.position)
    facts = _facts(connection, head, mode)
    facts["lag"] = max((one.lag for one in models), default=head.position)
    card = _card(facts)
    if len(models) == len(PROJECTIONS):
        facts["waiting"] = waiting(connection)
        facts["untranslated"] = unread(connection)
        stripe = last_runs(connection)
        facts |= stripe.facts
        card += [
            ("waiting", _waiting(facts["waiting"])),
            ("not read", _unread(facts["untranslated"])),
            *stripe.card,
        ]
    if accounts:
        facts["accounts"] = _accounts(connection)
        card.append(("accounts", _counted(facts["accounts"])))
    if not models:
        card.append(("read models", "none yet; bl serve makes them"))
    return Report(
        columns=COLUMNS,
        records=[
            {column.key: getattr(one, column.key) for column in COLUMNS} for one in models
        ],
        records_name="projections",
        facts=facts,
        card=tuple(card),
        stamp=stamp_of(connection),
    )


def _past_report(conninfo: str, connection: Connection, options: Asking) -> Report:
    # Imported here: what folds accounts costs time that a plain status does without.
    from replay.asking import question  # noqa: PLC0415
    from replay.past.log_then import by_status, then  # noqa: PLC0415

    head, mode = state(connection)
    asked = then(connection, head, question(options))
    facts = _facts(connection, asked.head, mode)
    facts["as_of"] = asked.now
    facts["accounts"] = by_status(conninfo, asked)
    card = [
        ("as of", asked.now),
        *_card(facts),
        ("accounts", _counted(facts["accounts"])),
        ("read models", "of now only; leave the clocks out to see them"),
    ]
    return Report(
        columns=COLUMNS,
        records_name="projections",
        facts=facts,
        card=tuple(card),
        stamp=stamp_of(connection),
    )


def _facts(connection: Connection, head: Head, mode: str) -> dict[str, Any]:
    counted = connection.execute(VERDICTS, (head.position,)).fetchone() or (0, 0)
    return {
        "ledger": head.ledger_id,
        "mode": mode,
        "position": head.position,
        "hash": head.hash.hex(),
        "recorded_at": head.recorded_at,
        "quarantined": counted[0],
        "foreign": counted[1],
    }


def _card(facts: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(label.replace("_", " "), facts[label]) for label in LABELS]


def _counted(by_status: Mapping[str, int]) -> str:
    words = [f"{number:,} {status}" for status, number in by_status.items()]
    return ", ".join(words) or "none"


def _waiting(objects: int) -> str:
    return f"{objects:,} objects whose account is not known yet" if objects else "none"


def _unread(untranslated: Mapping[str, int]) -> str:
    if not untranslated:
        return "none"
    events = sum(untranslated.values())
    names = ", ".join(sorted(untranslated, key=untranslated.__getitem__)[:-4:-1])
    more = len(untranslated) - 3
    return f"{events:,} events of types that say nothing here: {names}" + (
        f" and {more:,} more" if more > 0 else ""
    )


def _accounts(connection: Connection) -> dict[str, int]:
    # Imported here: what folds accounts costs 60 ms that a plain status does without.
    from replay.accounts import by_status  # noqa: PLC0415

    return by_status(connection)
