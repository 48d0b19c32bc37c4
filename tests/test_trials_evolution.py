"""Trials of time passing over the program: what was stored once is read for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ledger.acts import Act, ActDone, ActFailed, ActRequested
from ledger.encoding import Encodings
from ledger.events import (
    TOPICS,
    Check,
    Command,
    MonthClosed,
    PolicySet,
    Source,
    StripeChecked,
    StripeObject,
    TermsSet,
)
from ledger.mapper import Mapper
from ledger.policy import Policy
from ledger.row import Row
from samples import EVERY_KIND

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOLDEN: Final = Path(__file__).parent / "golden" / "operator.json"
# What the rows of the file were written from; those of golden/log.bin are EVERY_KIND.
WRITTEN: Final = [
    TermsSet(
        command=Command(id="cmd:golden", fingerprint="f"),
        price="price_1",
        role="seats",
        included=3,
        counts="extra",
        increase="full",
        actor="finance",
        effective_at=NOON,
    ),
    PolicySet(
        command=Command(id="cmd:golden2", fingerprint="g"),
        policy=Policy(retry_days=(0, 3, 5, 7), pause_day=7, cancel_day=30),
    ),
    StripeObject(
        id="object:00ff",
        version=2,
        body=b'{"id": "in_1",  "object": "invoice", "customer": "cus_1"}',
        source=Source.RECONCILE,
        kind="invoice",
        object_id="in_1",
        account="cus_1",
        occurred_at=NOON,
        api_version="2026-10-28.endive",
        livemode=False,
        stripe_account="acct_1",
    ),
    StripeChecked(
        command=Command(id="cmd:golden3", fingerprint="h"),
        check=Check.RECONCILE,
        begun_at=NOON,
        ended_at=NOON.replace(minute=1),
        ok=False,
        counts=(("amount", 1), ("in_flight", 2)),
        differing=("cus_1",),
        stripe_account="acct_1",
    ),
    ActRequested(
        account="shop-17",
        command=Command(id="cmd:golden4", fingerprint="i"),
        act=Act.CHECKOUT_SESSION,
        key="bl-1",
        asked=(("price", "price_1"), ("quantity", "3")),
        actor="u_0",
    ),
    ActDone(
        account="shop-17",
        command=Command(id="cmd:golden4", version=2, fingerprint="i"),
        act=Act.CHECKOUT_SESSION,
        object_id="cs_1",
    ),
    ActFailed(
        account="cus_1",
        command=Command(id="cmd:golden5", version=2, fingerprint="j"),
        act=Act.PORTAL_SESSION,
        status=400,
        code="resource_missing",
        message="No such customer",
    ),
    MonthClosed(
        command=Command(id="cmd:golden6", fingerprint="k"),
        month="2026-02",
        zone="Europe/Vienna",
        position=8,
        hash="00ff",
        digest="ab12",
        totals=(("invoice usd", 9200),),
        program="0.1.0",
        actor="u_0",
    ),
]


def stored(fields: dict[str, Any]) -> Row:
    moments = {
        name: datetime.fromisoformat(value)
        for name, value in fields.items()
        if name.endswith("_at") and value is not None
    }
    return Row(**{**fields, **moments, "body": bytes.fromhex(fields["body"])})


def test_L12_every_topic_ever_written_is_read_as_what_was_written() -> None:
    mapper = Mapper(Encodings.shipped())
    rows = [stored(fields) for fields in json.loads(GOLDEN.read_text("utf-8"))]

    assert [mapper.recorded(row).event for row in rows] == WRITTEN
    assert {type(each) for each in [*EVERY_KIND, *WRITTEN]} == set(TOPICS.values())
