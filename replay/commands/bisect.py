"""Find the first event after which something is so of an account.

    bl bisect cus_JT01 --expr 'total > 9200'
    bl bisect cus_JT01 --expr 'seats.billed >= 12 and status == "active"'
    bl bisect cus_JT01 --expr 'stage == "paused"' -O json

The account is asked as it was known after an event, at the time that event was recorded,
and the log of the account is halved until one event is left: before it the expression did
not hold, after it it did. Names are paths of bl show -O json, or total, seats, stage,
access, badge, plan; amounts are minor units. Exit 4 if it does not hold at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.errors import NotFoundError
from ledger.log import Recorded
from projections.api.event_view import event_line
from projections.rendering import billing
from projections.story.authors import author
from projections.story.sentences import sentence
from replay.arguments.expression import Expression
from replay.arguments.options import Asking, UsageError
from replay.asking import question
from replay.ledgers import connected, database
from replay.past.unfolding import Unfolding, unfolding
from replay.report.output import write
from replay.report.report import Report
from replay.report.stamping import stamp_of


def run(subject: str, /, *, expr: str, options: Asking | None = None) -> int:
    """Name the event that made the difference.

    Args:
        subject: cus_…, or the product's own id.
        expr: What is to hold, such as 'total > 9200'.
    """
    options = options or Asking()
    asked = Expression(expr)
    with database() as conninfo, connected(conninfo) as connection:
        found = unfolding(conninfo, subject, question(options))
        events = found.recorded
        replays: list[int] = []

        def holds(place: int) -> bool:
            replays.append(place)
            one = events[place]
            told = billing(found.after(one.position, one.recorded_at))
            for name in asked.unknown(told):
                raise UsageError(f"an account has no {name}: see bl show {subject} -O json")
            return asked.holds(told)

        first = _first(len(events), holds)
        if first is None:
            raise NotFoundError(f"{expr} does not hold of {subject} after its last event")
        told = _told(found, events[first])
        write(
            Report(
                facts={"account": found.linked.account, "expression": expr}
                | told
                | {"events": len(events), "replays": len(replays)},
                card=(
                    ("", found.linked.account),
                    *_card(events[first], told),
                    ("looked at", f"{len(replays)} of {len(events):,} moments"),
                ),
                stamp=stamp_of(connection),
            ),
            options,
        )
    return 0


def _first(count: int, holds: Callable[[int], bool]) -> int | None:
    """Return the first place that holds, by halving; None if the last does not.

    Where it held, ceased and held again, one of the places where it began is found.
    """
    if count == 0 or not holds(count - 1):
        return None
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _told(found: Unfolding, one: Recorded) -> dict[str, object]:
    line = event_line(one)
    return {
        "position": one.position,
        "event": line["id"],
        "type": line.get("type") or line["topic"],
        "recorded_at": one.recorded_at,
        "by": author(one.event),
        "figures": billing(found.after(one.position, one.recorded_at)),
    }


def _card(one: Recorded, told: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    return (
        ("first after", f"#{one.position:,}"),
        ("event", f"{told['event']} ({told['type']})"),
        ("recorded", one.recorded_at),
        ("by", told["by"] or "nobody it names"),
        ("what", sentence(one.event)),
    )
