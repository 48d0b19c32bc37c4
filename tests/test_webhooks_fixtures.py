"""Every recorded Stripe event goes through the door and comes out as it went in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from doors import deliver, process
from ledger.database import Role, connect
from ledger.envelope import stable_digest
from ledger.events import DeliveryConflicted, StripeEvent, Verdict
from ledger.postgres import PostgresLog
from ledger.verify import verify
from projections.projector.parking import parked
from projections.projector.process import catch_up

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / os.environ.get("LEDGER_FIXTURES", "../shared/fixtures")


@pytest.fixture
def recorded() -> list[bytes]:
    if not FIXTURES.is_dir():
        pytest.skip(f"no recorded fixtures at {FIXTURES}: set LEDGER_FIXTURES")
    return list(_envelopes())


def _envelopes() -> Iterator[bytes]:
    for path in sorted(FIXTURES.glob("*/*.json")):
        body = path.read_bytes()
        if json.loads(body).get("object") == "event":
            yield body


async def test_every_recorded_envelope_is_acknowledged_and_kept_byte_for_byte(
    ledger_database18: str, recorded: list[bytes]
) -> None:
    first = {json.loads(body)["id"]: body for body in reversed(recorded)}
    async with process(ledger_database18) as door:
        answers = [await deliver(door.port, body) for body in recorded]

    async with PostgresLog.open(ledger_database18) as log:
        events = [each.event async for page in log.read() for each in page]
    stored = {each.event_id: each for each in events if isinstance(each, StripeEvent)}
    refused = {each.refused for each in events if isinstance(each, DeliveryConflicted)}
    kept = {stable_digest(event.body) for event in stored.values()}
    versions = {name: event.api_version for name, event in stored.items()}
    lost = [
        body
        for body in recorded
        if stable_digest(body) not in kept | refused
        and json.loads(body).get("api_version") == versions[json.loads(body)["id"]]
    ]
    assert lost == []
    assert len(recorded) > 500
    assert {answer.status for answer in answers} == {200}
    assert {name: event.body for name, event in stored.items()} == first
    assert Verdict.QUARANTINED not in {event.verdict for event in stored.values()}
    assert (await verify(ledger_database18)).fault is None
    assert await parked_by_projecting(ledger_database18) == []


async def parked_by_projecting(conninfo: str) -> Sequence[object]:
    async with PostgresLog.open(conninfo, Role.PROJECTOR) as log:
        await catch_up(conninfo, log)
    async with await connect(conninfo, Role.PROJECTOR) as connection:
        return await parked(connection)
