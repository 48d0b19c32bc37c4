"""Companies' lives as the log gets them: some late, with what the operator does between."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.envelope import stripe_event
from ledger.events import (
    AccountLinked,
    Check,
    Command,
    Event,
    PolicySet,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    StripeChecked,
    StripeEvent,
    TermsSet,
)
from ledger.policy import Policy
from replay.simulator.habits import Breadth
from replay.simulator.occurrences import (
    LinkOccurrence,
    Occurrence,
    SeatOccurrence,
    SeatSetOccurrence,
    StripeOccurrence,
)
from replay.simulator.simulation import Simulation

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
# What is nobody's by itself often comes when nothing else does.
ALONE: Final = ("charge.dispute", "refund", "invoice_payment", "product.updated")


def happenings(chance: random.Random, steps: int) -> Iterator[list[Event]]:
    """Yield companies' lives: much of it at once, the rest little by little, some late."""
    run = Simulation(
        seed=chance.randint(1, 10_000),
        accounts=3,
        months=3,
        start=START,
        breadth=Breadth.WHOLE,
    )
    lives = [event for one in run.occurrences() if (event := event_of(one)) is not None]
    late = {at: _late(event, chance) for at, event in enumerate(lives)}
    lives = [lives[at] for at in sorted(late, key=lambda at: at + late[at])]
    own = _own(lives, chance)
    begun = chance.randint(len(lives) // 4, len(lives) - 2 * steps)
    yield lives[:begun]
    for number in range(begun, begun + 2 * steps, 2):
        few = lives[number : number + chance.choice([0, 1, 2])]
        yield [*few, next(own)] if chance.random() < 0.7 else few


def _late(event: Event, chance: random.Random) -> float:
    """Return how many events later *event* comes than it happened."""
    alone = isinstance(event, StripeEvent) and (event.stripe_type or "").startswith(ALONE)
    return chance.expovariate(1 / 200 if alone else 1 / 20)


def _own(lives: list[Event], chance: random.Random) -> Iterator[Event]:
    """Yield what the product and its operator do, and what is sold under another name."""
    customers = sorted({name for one in lives if (name := one.account or "")[:4] == "cus_"})
    shown = [one for one in lives if isinstance(one, StripeEvent)]
    prices = sorted({one.object_id or "" for one in shown if _is(one, "price.created")})
    products = [one for one in shown if _is(one, "product.created")]
    charges = [one for one in shown if _is(one, "charge.succeeded")] or products
    for number in range(1_000):
        command = Command(id=f"cmd:own:{number}", fingerprint="")
        shop, customer = f"shop-{chance.randint(1, 3)}", chance.choice(customers)
        policy = Policy(retry_days=(1,), pause_day=chance.randint(2, 4), cancel_day=9)
        yield chance.choice(
            [
                AccountLinked(account=shop, command=command, customer=customer),
                PolicySet(command=command, policy=policy, effective_at=START),
                TermsSet(command=command, price=chance.choice(prices), included=number),
                StripeChecked(
                    command=command,
                    check=Check.RECONCILE,
                    begun_at=START,
                    ended_at=START + timedelta(days=number),
                    ok=True,
                ),
                *[_renamed(chance.choice(products), number) for _ in range(5)],
                *[_disputed(chance.choice(charges), number) for _ in range(3)],
            ]
        )


def _renamed(product: StripeEvent, number: int) -> Event:
    body = json.loads(product.body)
    body["id"], body["type"] = f"evt_renamed{number}", "product.updated"
    body["created"] += number
    body["data"]["object"]["name"] = f"Name {number}"
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


def _disputed(charge: StripeEvent, number: int) -> Event:
    """Return a dispute of *charge*, which names no customer."""
    body = json.loads(charge.body)
    body["id"], body["type"] = f"evt_disputed{number}", "charge.dispute.created"
    body["created"] += number
    body["data"]["object"] = {
        "id": f"dp_{number}",
        "object": "dispute",
        "charge": charge.object_id,
        "amount": 100,
        "currency": "usd",
        "status": "needs_response",
        "reason": "fraudulent",
    }
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


def _is(event: StripeEvent, kind: str) -> bool:
    return event.stripe_type == kind


def event_of(one: Occurrence) -> Event | None:
    """Return what the log takes of an occurrence."""
    if isinstance(one, StripeOccurrence):
        return stripe_event(one.body, ledger_livemode=False)
    if isinstance(one, LinkOccurrence):
        command = Command(id=f"cmd:{one.key}", fingerprint="")
        return AccountLinked(
            account=one.product_account, command=command, customer=one.account
        )
    command = Command(id=f"cmd:{one.key}", fingerprint="")
    at = one.effective_at
    if isinstance(one, SeatOccurrence):
        kind = SeatAssigned if one.active else SeatReleased
        return kind(account=one.account, command=command, user=one.user, effective_at=at)
    if isinstance(one, SeatSetOccurrence):
        return SeatsCounted(
            account=one.account, command=command, users=one.users, effective_at=at
        )
    return None
