"""Show who holds a seat, since when and by whom, and what the seats come to.

    bl seats cus_JT01                       now: figures, and each holder
    bl seats shop-17 --at 2026-10-14        who held a seat then
    bl seats cus_JT01 --history             every change, oldest first
    bl seats cus_JT01 --known-at '#48213'   as it was known at that position

Billed is the most seats active at any moment since the period began: a seat added counts
at once, a seat freed counts until the next cycle. Wanted is what Stripe's quantity should
be; drift is what it lacks. Users are shown by the product's own ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from cyclopts import Parameter

from ledger.clock import utc_now
from ledger.moments import rfc3339
from projections import rendering
from projections.answer import Billing
from projections.seating.history import held, steps
from projections.story.phrases import in_order
from replay.arguments.moments import earlier
from replay.arguments.options import Asking, UsageError
from replay.asking import Asked, need, question
from replay.ledgers import connected, database
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of
from replay.shown.seat_words import BASELINE_CODE, card

HOLDERS = (
    Column("user", "user"),
    Column("since", "since", fixed=True),
    Column("by", "assigned by"),
    Column("position", "#", fixed=True, spare=1),
)
HISTORY = (
    Column("position", "#", fixed=True),
    Column("at", "when", fixed=True),
    Column("text", "what"),
    Column("active", "active", fixed=True),
    Column("user", ""),
    Column("change", ""),
    Column("by", ""),
    Column("joined", ""),
    Column("left", ""),
)
CHANGES: Final = {
    "assigned": "{user} was given a seat",
    "released": "{user}'s seat was freed",
    "set": "all active users were named",
    "counted": "the active users were counted",
}


def run(
    subject: str,
    /,
    *,
    at: str | None = None,
    history: Annotated[bool, Parameter(negative="")] = False,
    options: Asking | None = None,
) -> int:
    """Show the seats of an account.

    Args:
        subject: cus_…, or the product's own id.
        at: Who held a seat then: 2026-10-14, a time, or 30d ago.
        history: Every change instead of the holders.
    """
    options = options or Asking()
    if at is not None and history:
        raise UsageError("--at and --history ask for two things; give one of them")
    then = None if at is None else earlier(at, utc_now())
    with database() as conninfo, connected(conninfo) as connection:
        asked = need(conninfo, subject, question(options))
        stamp = stamp_of(connection)
        write(_report(asked, then, stamp, history=history), options)
    return 0


def _report(
    asked: Asked,
    at: datetime | None,
    stamp: Callable[[int], Stamp],
    *,
    history: bool,
) -> Report:
    if at is not None:
        return _held_at(asked, at, stamp)
    view = asked.view
    body = rendering.seats(view.answer())
    facts = {name: body[name] for name in body if name not in {"users", "history"}}
    title = (("", f"seats of {view.linked.account}"), *asked.clocks)
    findings = [
        ("finding", each["message"])
        for each in body["findings"]
        if each["code"] != BASELINE_CODE
    ]
    if history:
        told = steps(view.account.registers, view.now)
        records: Sequence[Record] = [_change(rendering.step(each)) for each in told]
    else:
        records = _holders(body["users"])
    return Report(
        columns=HISTORY if history else HOLDERS,
        records=records,
        records_name="history" if history else "users",
        facts={**facts, "meta": asked.meta},
        card=(*title, *card(body["seats"]), *findings),
        stamp=stamp,
    )


def _held_at(asked: Asked, at: datetime, stamp: Callable[[int], Stamp]) -> Report:
    view = asked.view
    then = held(view.account.registers, at)
    return Report(
        columns=HOLDERS,
        records=_holders(rendering.users(then)),
        records_name="users",
        facts={
            "account": view.linked.account,
            "at": rfc3339(at),
            "active": then.active,
            "meta": asked.meta,
        },
        card=(
            ("", f"seats of {view.linked.account}"),
            *asked.clocks,
            ("held at", at),
            ("active", _active(then.active, len(then.seats))),
            *(("not known", each) for each in _unfounded(view.answer())),
        ),
        stamp=stamp,
    )


def _unfounded(told: Billing) -> list[str]:
    """Return why those who are known by name may not be all."""
    return [each.message for each in told.findings if each.code == BASELINE_CODE]


def _active(active: int, named: int) -> str:
    return f"{active:,}" if active == named else f"{active:,}, {named:,} known by name"


def _holders(users: Sequence[dict[str, Any]]) -> list[Record]:
    """Return the holders, u_2 before u_10."""
    return [_holder(each) for each in sorted(users, key=_place)]


def _place(user: dict[str, Any]) -> list[tuple[int, str]]:
    return in_order(user["user"])


def _holder(user: dict[str, Any]) -> Record:
    return {
        "user": user["user"],
        "since": datetime.fromisoformat(user["since"]),
        "by": user["by"],
        "position": user["evidence"][0],
    }


def _change(step: dict[str, Any]) -> Record:
    said = CHANGES.get(step["change"], step["change"]).format(user=step["user"])
    for users, verb in ((step["joined"], "in"), (step["left"], "out")):
        said += f"; {verb}: {', '.join(users)}" if users else ""
    by = f" by {step['by']}" if step["by"] else ""
    return {
        **{name: step[name] for name in ("user", "change", "by", "joined", "left")},
        "position": step["evidence"][0],
        "at": datetime.fromisoformat(step["at"]),
        "text": f"{said}{by}",
        "active": step["active"],
    }
