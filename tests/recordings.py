"""Recorded Stripe events, and what an account is after them."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from ledger.envelope import stripe_event
from ledger.events import Event, StripeEvent
from ledger.log import Recorded
from projections.facts import Fact
from projections.models.registry import PROJECTIONS
from projections.projector.folding import Key, fold
from projections.translation.translate import translation

ROOT: Final = Path(__file__).parent.parent
FIXTURES: Final = ROOT / os.environ.get("LEDGER_FIXTURES", "../shared/fixtures")
AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL: Final = translation(fact for each in PROJECTIONS for fact in each.handlers)
_SECOND: Final = len("evt_1K2Oap")
FLOW: Final = re.compile(r"events_from_Event.list__(.+)--(\d+)-(\d+)--")


def recorded_bodies() -> Iterator[tuple[Path, bytes]]:
    """Yield every recorded event, with its file."""
    if not FIXTURES.is_dir():
        pytest.skip(f"no recorded fixtures at {FIXTURES}: set LEDGER_FIXTURES")
    for path in sorted(FIXTURES.glob("*/*.json")):
        body = path.read_bytes()
        if json.loads(body).get("object") == "event":
            yield path, body


def flows() -> Mapping[str, list[bytes]]:
    """Return the recorded flows, each in the order in which it happened."""
    found: defaultdict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
    for path, body in recorded_bodies():
        name = FLOW.match(path.name)
        if name is not None:
            # Each listing is newest first, and later ones go on where the last ended.
            found[name[1]].append((int(name[2]), -int(name[3]), body))
    return {flow: [body for *_, body in sorted(each)] for flow, each in found.items()}


def accepted(body: bytes) -> StripeEvent:
    """Return the event of *body* as a ledger of its own mode and account takes it."""
    shown = json.loads(body)
    return stripe_event(
        body,
        ledger_livemode=bool(shown.get("livemode")),
        stripe_account=shown.get("account"),
    )


def dated(bodies: Iterable[bytes]) -> list[StripeEvent]:
    """Return the events of *bodies*, each in the second that its id tells.

    The dates of these recordings were replaced and no longer rise; of an id the first
    characters still are the second in which Stripe gave it.
    """
    events = [accepted(body) for body in bodies]
    seconds = sorted({event.event_id[:_SECOND] for event in events})
    return [
        attrs.evolve(
            event,
            body=event.body,
            occurred_at=AT + timedelta(seconds=seconds.index(event.event_id[:_SECOND])),
        )
        for event in events
    ]


def facts_of(events: Iterable[Event]) -> list[Fact]:
    """Translate *events* as if the log took them in this order."""
    return ALL.facts(
        Recorded(position=place, recorded_at=AT, event=event)
        for place, event in enumerate(events, start=1)
    )


def folded(events: Iterable[Event]) -> dict[str, Mapping[Key, Any]]:
    """Return the states of every projection after *events*."""
    placed = [(fact.position, fact) for fact in facts_of(events)]
    return {each.name: fold(each, placed) for each in PROJECTIONS}
