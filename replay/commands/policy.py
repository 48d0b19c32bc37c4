"""Show or set what follows a failed payment: retries, pause, cancellation.

    bl policy show
    bl policy show --as-of 2026-11-01
    bl policy set --retries 0,3,5,7 --pause 7 --cancel 30
    bl policy set --cancel 45 --effective-at 2027-01-01 --yes

Days are counted from the first failure, which is day 0; a day is 86,400 seconds. The
policy in force on that day governs that failure to its end. What is set is an event of the
log, in force from --effective-at, else from now on. Options that are left out stay as they
are. Setting what is in force already appends nothing. Nothing here changes how Stripe
itself retries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Final

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from ledger.clock import utc_now
from ledger.events import PolicySet
from ledger.moments import rfc3339
from ledger.policy import DEFAULT, Policy
from projections import facts
from projections.models.catalogue import Catalogue
from replay.arguments.moments import later
from replay.arguments.options import Asking, Reporting, UsageError
from replay.asking import question
from replay.decisions import DECLINED, append, command, confirm, decided, require_names
from replay.ledgers import connected, database, state
from replay.past.log_then import then
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of

DAYS_MAX: Final = 3650
_DAY: Final = re.compile(r"[0-9]{1,4}")
SAID: Final = (
    Column("position", "#", fixed=True),
    Column("effective_at", "in force from", fixed=True),
    Column("recorded_at", "set", fixed=True),
    Column("retries", "retries on days"),
    Column("pause", "pause on day", fixed=True),
    Column("cancel", "cancel on day", fixed=True),
    Column("actor", "by"),
)
Days = Annotated[int | None, Parameter(validator=Number(gte=0, lte=DAYS_MAX))]


def show(*, options: Asking | None = None) -> int:
    """Show the policy in force, and all that was ever set."""
    options = options or Asking()
    with database() as conninfo:
        with connected(conninfo) as connection:
            head, _ = state(connection)
            asked = then(connection, head, question(options))
            stamp = stamp_of(connection)
        found = attrs.evolve(decided(conninfo), known=asked.head.position)
    last = found.policy_set(asked.now)
    policy = found.policy(asked.now)
    said = [each for each in _said(found) if each.position <= asked.head.position]
    source = "default" if last is None else "as set here"
    report = Report(
        columns=SAID,
        records=[_record(each) for each in said],
        records_name="set",
        facts={**_days(policy), "source": source},
        card=(("", "after a failed payment"), *_card(policy), ("from", source)),
        stamp=stamp,
    )
    write(report, options)
    return 0


def store(
    *,
    retries: str | None = None,
    pause: Days = None,
    cancel: Days = None,
    effective_at: str | None = None,
    actor: str | None = None,
    options: Reporting | None = None,
) -> int:
    """Set what follows a failed payment.

    Args:
        retries: Days on which the payment is expected to be tried, such as 0,3,5,7.
        pause: From which day on the account may only read.
        cancel: From which day on the subscription counts as canceled.
        effective_at: From when: 2027-01-01, a time, or 30d ahead; without, from now on.
        actor: Who decided, by the name the product knows.
    """
    options = options or Reporting()
    if retries is None and pause is None and cancel is None:
        raise UsageError("give at least one of --retries, --pause, --cancel")
    days = None if retries is None else _retries(retries)
    require_names(actor)
    now = utc_now()
    at = None if effective_at is None else later(effective_at, now)
    with database() as conninfo:
        with connected(conninfo) as connection:
            state(connection)
        found = decided(conninfo)
        before = found.policy(at or now)
        policy = Policy(
            retry_days=before.retry_days if days is None else days,
            pause_day=before.pause_day if pause is None else pause,
            cancel_day=before.cancel_day if cancel is None else cancel,
        )
        if policy.cancel_day < max(policy.pause_day, *policy.retry_days):
            raise UsageError("the cancellation comes last: no retry or pause is after it")
        event = PolicySet(
            command=command("policy"), policy=policy, actor=actor, effective_at=at
        )
        position = None
        if policy != before:
            if not confirm(_sentence(event), options):
                return DECLINED
            position = append(conninfo, event)
        with connected(conninfo) as connection:
            stamp = stamp_of(connection)
        stands = position or _in_force(found, at or now)
        write(_stored(event, stands, position is not None, stamp), options)
    return 0


def _retries(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(
        part.isascii() and part.isdigit() and int(part) <= DAYS_MAX for part in parts
    ):
        raise UsageError(f"--retries is days such as 0,3,5,7, not {text!r}")
    days = tuple(int(part) for part in parts)
    if days[0] != 0 or any(after <= before for before, after in pairwise(days)):
        raise UsageError("--retries begins with 0, the day of the failure, and goes up")
    return days


def _said(found: Catalogue) -> tuple[facts.PolicySet, ...]:
    entry = found.entries.get("policy")
    return () if entry is None else entry.policies


def _days(policy: Policy) -> dict[str, object]:
    return {
        "retries": list(policy.retry_days),
        "pause": policy.pause_day,
        "cancel": policy.cancel_day,
    }


def _card(policy: Policy) -> tuple[tuple[str, object], ...]:
    return (
        ("retries", f"on days {', '.join(map(str, policy.retry_days))}"),
        ("pause", f"on day {policy.pause_day}: the account may only read"),
        ("cancel", f"on day {policy.cancel_day}: the subscription counts as canceled"),
    )


def _record(said: facts.PolicySet) -> Record:
    return {
        "position": said.position,
        "effective_at": said.occurred_at,
        "recorded_at": said.recorded_at,
        **_days(said.policy),
        "actor": said.actor,
    }


def _in_force(found: Catalogue, moment: datetime) -> int | None:
    """Return the position of what is in force; None is the default."""
    said = [each.position for each in _said(found) if each.occurred_at <= moment]
    return said[-1] if said else None


def _stored(
    event: PolicySet,
    position: int | None,
    changed: bool,  # noqa: FBT001, private
    stamp: Callable[[int], Stamp],
) -> Report:
    where = "" if position is None else f", #{position:,}"
    words = f"{'appended' if changed else 'nothing changes'}{where}"
    return Report(
        facts={
            "ok": True,
            "changed": changed,
            "position": position,
            **_days(event.policy),
            "effective_at": event.effective_at,
            "default": event.policy == DEFAULT,
        },
        card=(("", words), *_card(event.policy)),
        stamp=stamp,
    )


def _sentence(event: PolicySet) -> str:
    policy = event.policy
    start = "now on" if event.effective_at is None else rfc3339(event.effective_at)
    days = ", ".join(map(str, policy.retry_days))
    return (
        f"retries on days {days}; pause on day {policy.pause_day}; "
        f"cancel on day {policy.cancel_day}; from {start}"
    )
