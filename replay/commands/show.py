"""Show one thing: an account, an object of Stripe, or an event with its body.

    bl show cus_JT01              an account: status, seats, subscriptions
    bl show shop-17               the same, by the product's own id
    bl show sub_1QaB              an object, as the log last heard of it
    bl show evt_1QaB              an event, its columns and its body
    bl show '#48213'              the event at that position

Exit 4 if the log knows nothing of that name.
"""

from __future__ import annotations

from ledger.errors import NotFoundError
from replay.ledgers import reading, state
from replay.options import Reporting
from replay.output import write
from replay.portraits import account_report, event_report, object_report
from replay.stamping import stamp_of
from replay.subjects import Kind, kind_of


def run(subject: str, /, *, options: Reporting | None = None) -> int:
    """Show a subject.

    Args:
        subject: cus_…, the product's id, sub_…, in_…, evt_…, or a position.
    """
    with reading() as connection:
        state(connection)
        kind = kind_of(subject)
        painters = {
            Kind.POSITION: (event_report,),
            Kind.EVENT: (event_report,),
            Kind.OBJECT: (object_report, account_report),
            Kind.ACCOUNT: (account_report, object_report),
        }
        for painter in painters[kind]:
            report = painter(connection, subject, stamp_of(connection))
            if report is not None:
                write(report, options or Reporting())
                return 0
    raise NotFoundError(f"the log knows nothing of {subject}; see bl log")
