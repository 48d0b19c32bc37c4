"""An account whose invoices are not paid, told event by event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import attrs

from ledger.envelope import stripe_event
from ledger.events import Event
from ledger.log import Recorded
from projections.answer import Account, Billing, answer
from projections.assembly import as_of
from projections.models.links import Linked
from projections.models.ties import TIES
from projections.projector.folding import fold
from projections.translation.translate import translation

ACCOUNT: Final = "cus_1"
SUBSCRIPTION: Final = "sub_1"
INVOICE: Final = "in_1SRzqtKXBGcbgpbZhpdF1KCd"
DAY_0: Final = datetime(2026, 4, 1, 1, tzinfo=UTC)
_TIES: Final = translation(TIES.handlers)


@attrs.define
class Unpaid:
    """What Stripe told; times are days after *day_0*."""

    day_0: datetime = DAY_0
    version: str = "2026-02-25.clover"
    events: list[Event] = attrs.Factory(list)
    status: str = "incomplete"
    numbers: Any = attrs.Factory(lambda: count(1))

    def at(self, days: float, seconds: int = 0) -> datetime:
        return self.day_0 + timedelta(days=days, seconds=seconds)

    def tell(
        self,
        kind: str,
        shown: dict[str, Any],
        days: float,
        seconds: int = 0,
        before: dict[str, Any] | None = None,
    ) -> None:
        data = {"object": shown} | (
            {} if before is None else {"previous_attributes": before}
        )
        body = {
            "id": f"evt_{next(self.numbers):04}",
            "object": "event",
            "api_version": self.version,
            "created": int(self.at(days, seconds).timestamp()),
            "type": kind,
            "livemode": False,
            "data": data,
        }
        event = stripe_event(json.dumps(body).encode(), ledger_livemode=False)
        self.events.append(event)

    def subscription(self, status: str, days: float, seconds: int = 0, **more: Any) -> None:  # noqa: ANN401
        kind = "deleted" if status == "canceled" else "updated"
        shown = {
            "id": SUBSCRIPTION,
            "object": "subscription",
            "customer": ACCOUNT,
            "status": status,
            "created": int(self.at(-60).timestamp()),
            "currency": "usd",
            "items": {"object": "list", "data": [{"id": "si_1", "quantity": 1}]},
            **more,
        }
        before = {"status": self.status} if kind == "updated" else None
        self.status = status
        self.tell(f"customer.subscription.{kind}", shown, days, seconds, before)

    def invoice(
        self,
        kind: str,
        days: float,
        seconds: int = 0,
        *,
        name: str = INVOICE,
        **more: Any,  # noqa: ANN401 - any field
    ) -> None:
        shown = {
            "id": name,
            "object": "invoice",
            "customer": ACCOUNT,
            "subscription": SUBSCRIPTION,
            "billing_reason": "subscription_cycle",
            "collection_method": "charge_automatically",
            "created": int(self.at(0).timestamp()),
            "currency": "usd",
            "status": "open",
            "total": 9200,
            "amount_due": 9200,
            "amount_paid": 0,
            "amount_remaining": 9200,
            "attempted": True,
            **more,
        }
        self.tell(f"invoice.{kind}", shown, days, seconds)

    def failed(self, *days: float, name: str = INVOICE, again: bool = False) -> None:
        """Fail on each of *days*; Stripe announces the next where *again*."""
        for place, day in enumerate(days):
            last = place + 1 == len(days)
            announced = None if last else int(self.at(days[place + 1]).timestamp())
            self.invoice(
                "payment_failed",
                day,
                name=name,
                attempt_count=place + 1,
                next_payment_attempt=announced if again else None,
            )
            self.subscription("past_due", day)

    def paid(self, days: float, seconds: int = 0, *, name: str = INVOICE) -> None:
        at = int(self.at(days, seconds).timestamp())
        self.invoice(
            "paid",
            days,
            seconds,
            name=name,
            status="paid",
            amount_paid=9200,
            amount_remaining=0,
            status_transitions={"paid_at": at},
        )
        self.subscription("active", days, seconds)

    def billing(self, days: float, seconds: int = 0) -> Billing:
        """Return what the account is *days* after day 0."""
        return told(self.events, self.at(days, seconds))

    def stage(self, days: float, seconds: int = 0) -> str | None:
        foremost = self.billing(days, seconds).foremost
        return None if foremost is None else str(foremost.stage)


def told(events: Iterable[Event], now: datetime) -> Billing:
    """Return what *events* make of the account at *now*, in whatever order."""
    return answer(account_of(events), now)


def account_of(events: Iterable[Event]) -> Account:
    recorded = [
        Recorded(position=place, recorded_at=DAY_0, event=event)
        for place, event in enumerate(events, start=1)
    ]
    account = as_of(Linked(customer=ACCOUNT, product=None), recorded, None)
    facts = [(fact.position, fact) for fact in _TIES.facts(recorded)]
    ties = {key[1]: state for key, state in fold(TIES, facts).items()}
    return attrs.evolve(account, ties=ties)
