"""Deliveries: nothing is lost unless dropped, and only forgeries fail the check."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from replay.simulator.delivery import (
    Delivery,
    Forgery,
    Kind,
    deliver,
    signature_header,
)
from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.simulation import simulate

SECRET: Final = "whsec_simulated"


@cache
def told() -> tuple[Occurrence, ...]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return tuple(simulate(seed=1, accounts=12, months=4, start=start))


def sent() -> dict[str, StripeOccurrence]:
    return {o.event_id: o for o in told() if isinstance(o, StripeOccurrence)}


def delivered(
    reorder: timedelta = timedelta(seconds=30), **shares: float
) -> list[Delivery]:
    return list(deliver(told(), seed=5, reorder=reorder, **shares))


def test_every_event_that_is_not_dropped_arrives_first_once() -> None:
    arrived = delivered(duplicate=0.2, delay=0.1, forge=0.1)

    first = Counter(d.event_id for d in arrived if d.kind in {Kind.ORIGINAL, Kind.RETRY})
    assert first == Counter(sent().keys())


def test_drops_are_lost_with_all_their_duplicates() -> None:
    arrived = {d.event_id for d in delivered(duplicate=0.5, drop=0.2)}

    lost = len(sent()) - len(arrived)
    assert 0.1 * len(sent()) < lost < 0.3 * len(sent())


def test_deliveries_arrive_in_order_of_due_and_repeat() -> None:
    arrived = delivered(duplicate=0.2, delay=0.1, forge=0.1, drop=0.1)

    assert [d.due for d in arrived] == sorted(d.due for d in arrived)
    assert arrived == delivered(duplicate=0.2, delay=0.1, forge=0.1, drop=0.1)
    assert {d.kind for d in arrived} == set(Kind)


def test_reordering_stays_within_its_window() -> None:
    window = timedelta(minutes=2)
    created = {event_id: o.created for event_id, o in sent().items()}
    arrived = delivered(reorder=window, duplicate=0, delay=0)

    order = [created[d.event_id] for d in arrived]
    assert order != sorted(order)
    for delivery in arrived:
        late = delivery.due - datetime.fromtimestamp(created[delivery.event_id], tz=UTC)
        assert timedelta(0) <= late <= window


def test_retries_come_within_three_days() -> None:
    created = {event_id: o.created for event_id, o in sent().items()}
    late = [
        d.due - datetime.fromtimestamp(created[d.event_id], tz=UTC)
        for d in delivered(delay=0.3)
        if d.kind is Kind.RETRY
    ]

    assert max(late) <= timedelta(days=3)
    assert min(late) >= timedelta(hours=1)
    assert max(late) > timedelta(days=2)


def test_a_duplicate_has_the_same_data_in_other_bytes() -> None:
    originals = sent()
    again = [d for d in delivered(duplicate=0.3) if d.kind is Kind.DUPLICATE]

    assert again
    for delivery in again:
        original = originals[delivery.event_id].body
        assert delivery.body != original
        first, second = json.loads(original), json.loads(delivery.body)
        assert second.pop("pending_webhooks") != first.pop("pending_webhooks")
        assert first == second


def verified(header: str, body: bytes, now: datetime) -> bool:
    """Check a signature by the published rule, five minutes of tolerance."""
    parts = dict(part.split("=") for part in header.split(","))
    signed = parts["t"].encode() + b"." + body
    right = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    fresh = abs(now.timestamp() - int(parts["t"])) <= 300
    return fresh and hmac.compare_digest(right, parts["v1"])


def test_only_forgeries_fail_the_signature_check() -> None:
    events, forgeries = sent(), set()
    for delivery in delivered(duplicate=0.1, forge=0.2):
        now = delivery.due
        header = signature_header(delivery, SECRET, now)
        assert re.fullmatch(r"t=\d+,v1=[0-9a-f]{64},v0=[0-9a-f]{64}", header)
        genuine = delivery.kind is not Kind.FORGED
        assert verified(header, delivery.body, now) is genuine
        assert (delivery.event_id in events) is genuine
        forgeries.add(delivery.forgery)

    assert forgeries == {None, *Forgery}


def test_the_simulator_imports_nothing_of_what_it_tests() -> None:
    code = """
import sys
import replay.simulator.__main__, replay.simulator.delivery
print(*sorted({"ledger", "projections", "webhooks", "stripe"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )

    assert done.stdout.split() == []
