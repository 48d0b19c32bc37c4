"""What waits for its account is counted until anything that it names has been seen."""

from __future__ import annotations

import json
from typing import Any, Final

from command_line import bl, on
from ledger.database import Role
from ledger.envelope import stripe_event
from ledger.events import StripeEvent
from ledger.postgres import PostgresLog
from ledger.twin import MemoryLog
from projections.projector import process
from projections.reading import Reader


def event(name: str, kind: str, value: dict[str, Any]) -> StripeEvent:
    body = {"id": name, "type": kind, "created": 1_772_366_400, "data": {"object": value}}
    return stripe_event(json.dumps(body).encode(), ledger_livemode=False)


NAMED: Final = {"id": "re_1", "charge": "ch_9", "payment_intent": "pi_9"}
REFUND: Final = event("evt_1", "refund.created", NAMED)
DISPUTE: Final = event("evt_2", "charge.dispute.created", {"id": "dp_1", "charge": "ch_1"})
PAID: Final = event("evt_3", "invoice_payment.paid", {"id": "inpay_1", "invoice": "in_1"})
CHARGE: Final = event("evt_4", "charge.succeeded", {"id": "ch_1", "customer": "cus_1"})
INTENT: Final = event(
    "evt_5", "payment_intent.succeeded", {"id": "pi_9", "customer": "cus_2"}
)
NOT_READ: Final = event("evt_6", "account.updated", {"id": "acct_1"})


async def test_what_waits_and_what_is_not_read_is_counted_by_api_and_command(
    ledger_database18: str,
) -> None:
    reader = Reader(ledger_database18, size=1)
    await reader.open()
    counts = []
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        for one in (REFUND, DISPUTE, PAID, CHARGE, INTENT, NOT_READ):
            await log.append([one])
            await process.catch_up(ledger_database18, log)
            counts.append(await reader.waiting())
    await reader.close()
    said = json.loads(bl("status", "-O", "json", env=on(ledger_database18)).out)

    assert counts == [1, 2, 3, 2, 1, 1]
    assert (said["waiting"], sum(said["untranslated"].values())) == (1, 1)


async def test_a_page_of_an_accounts_events_is_the_same_from_both_logs(
    ledger_database18: str,
) -> None:
    events = [
        event(f"evt_{n}", "charge.succeeded", {"id": f"ch_{n}", "customer": f"cus_{n % 3}"})
        for n in range(40)
    ]
    twin = MemoryLog()
    await twin.append(events)
    async with PostgresLog.open(ledger_database18, Role.APPENDER) as log:
        await log.append(events)
        for before, limit in ((41, 5), (20, 100), (1, 5), (8, 1)):
            pages = [
                await each.newest(accounts=["cus_0", "cus_2"], before=before, limit=limit)
                for each in (log, twin)
            ]
            found = [[one.position for one in each] for each in pages]
            expected = [n + 1 for n in range(39, -1, -1) if n % 3 != 1 and n + 1 < before]
            assert found == [expected[:limit]] * 2
