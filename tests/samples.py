"""Events of every kind to append, and logs of them as PostgreSQL exports them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.events import (
    AccountLinked,
    Command,
    DeliveryConflicted,
    Event,
    SeatAssigned,
    SeatReleased,
    SeatsCounted,
    Source,
    StripeEvent,
    Verdict,
)
from ledger.row import Row, pack
from ledger.twin import MemoryLog

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPORT_START: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
EXPORT_END: Final = b"\xff\xff"


def stripe(name: object, **fields: object) -> StripeEvent:
    given = {"body": b'{"id": "evt_%d"}' % hash(name), "account": "cus_1", **fields}
    return StripeEvent(event_id=f"evt_{name}", **given)  # type: ignore[arg-type]


def command(name: object, version: int = 1) -> Command:
    return Command(id=f"cmd:{name}", version=version, fingerprint="f1")


def seat(name: object, version: int = 1, account: str = "cus_1") -> SeatAssigned:
    return SeatAssigned(account=account, command=command(name, version), user="u_1")


EVERY_KIND: Final[tuple[Event, ...]] = (
    StripeEvent(
        event_id="evt_full",
        body=b'{"id": "evt_full", "type": "invoice.paid"}' * 9,
        source=Source.WEBHOOK,
        account="cus_1",
        occurred_at=NOON,
        stripe_type="invoice.paid",
        api_version="2026-02-25.clover",
        livemode=False,
        stripe_account="acct_1",
        object_id="in_1",
        endpoint="3f2a",
        signed_at=NOON + timedelta(seconds=2),
    ),
    StripeEvent(event_id="evt_bare", body=b""),
    StripeEvent(event_id="body:00", body=b"\x00\xff{", verdict=Verdict.QUARANTINED),
    StripeEvent(event_id="evt_live", body=b"{}", livemode=True, verdict=Verdict.FOREIGN),
    SeatAssigned(
        account="Käse & Söhne 🧀",
        command=command("in"),
        user="zoë",
        actor="u_0",
        effective_at=NOON.replace(microsecond=1),
    ),
    SeatReleased(account="cus_1", command=command("out"), user="u_2"),
    SeatsCounted(account="cus_1", command=command("set"), users=("u_1", "u_2")),
    SeatsCounted(account="cus_1", command=command("none"), users=()),
    SeatsCounted(account="cus_1", command=command("bare"), count=0, actor="u_0"),
    AccountLinked(account="shop-17", command=command("link"), customer="cus_1"),
    DeliveryConflicted(
        event_id="evt_full",
        kept="aa",
        refused="bb",
        account="cus_1",
        endpoint="3f2a",
        body=b"\x00\xfe not even JSON",
    ),
)


async def twin_of(
    events: Iterable[Event], *, ledger_id: str = "led_of_tests", each: int = 3
) -> MemoryLog:
    """Append *events*, *each* of them at one moment, seconds apart."""
    moments = (NOON + timedelta(seconds=second) for second in range(10**9))
    log = MemoryLog(ledger_id, clock=lambda: next(moments))
    waiting = list(events)
    for start in range(0, len(waiting), each):
        await log.append(waiting[start : start + each])
    return log


def tuples(rows: Sequence[tuple[Row, bytes]]) -> list[bytes]:
    """Write each row with its hash as a tuple of binary COPY."""
    return [copied([*pack(row), struct.pack(">i", len(end)) + end]) for row, end in rows]


def copied(fields: Sequence[bytes]) -> bytes:
    return struct.pack(">h", len(fields)) + b"".join(fields)


def exported(copies: Iterable[bytes]) -> bytes:
    """Write the tuples as the file that binary COPY makes."""
    return EXPORT_START + b"".join(copies) + EXPORT_END
