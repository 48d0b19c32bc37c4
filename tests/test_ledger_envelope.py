"""What the log reads of a Stripe event on its way in, and what it makes of the rest."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.envelope import Envelope, inner_event, read, stable_digest, stripe_event
from ledger.events import Verdict

ROOT: Final = Path(__file__).parent.parent
FIXTURES: Final = ROOT / os.environ.get("LEDGER_FIXTURES", "../shared/fixtures")
EVENT: Final[dict[str, Any]] = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "created": 1_793_523_600,
    "api_version": "2026-02-25.clover",
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": "req_1", "idempotency_key": None},
    "data": {"object": {"id": "in_1", "object": "invoice", "customer": "cus_1"}},
}
WHOLE: Final = Envelope(
    event_id="evt_1",
    type="invoice.paid",
    occurred_at=datetime.fromtimestamp(1_793_523_600, UTC),
    api_version="2026-02-25.clover",
    livemode=False,
    object_id="in_1",
    customer="cus_1",
)


def body(**changes: object) -> bytes:
    return json.dumps({**EVENT, **changes}).encode()


def holding(**stripe_object: object) -> dict[str, object]:
    return {"data": {"object": stripe_object}}


def test_the_envelope_fills_the_columns() -> None:
    assert read(body(account="acct_1")) == attrs.evolve(WHOLE, stripe_account="acct_1")


READ: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "a customer of its own": (
        holding(id="cus_9", object="customer"),
        {"object_id": "cus_9", "customer": "cus_9"},
    ),
    "an expanded customer": (
        holding(id="in_1", customer={"id": "cus_9", "object": "customer"}),
        {"customer": "cus_9"},
    ),
    "an expanded customer without id": (
        holding(id="in_1", customer={}),
        {"customer": None},
    ),
    "an object of nobody": (
        holding(id="prod_1"),
        {"object_id": "prod_1", "customer": None},
    ),
    "no customer": (holding(id="in_1", customer=None), {"customer": None}),
    "an object without id": (
        holding(object="balance"),
        {"object_id": None, "customer": None},
    ),
    "no data": ({"data": None}, {"object_id": None, "customer": None}),
    "data that is a text": ({"data": "x"}, {"object_id": None, "customer": None}),
    "an object that is a list": (
        {"data": {"object": []}},
        {"object_id": None, "customer": None},
    ),
    "a thin event": (
        {
            "object": "v2.core.event",
            "data": {},
            "related_object": {"id": "cus_7", "type": "customer", "url": "/v1/x"},
            "created": "2026-02-25T10:00:00.123Z",
        },
        {
            "object_id": "cus_7",
            "customer": None,
            "occurred_at": datetime(2026, 2, 25, 10, 0, 0, 123_000, UTC),
        },
    ),
    "a time of another zone": (
        {"created": "2026-02-25T10:00:00+05:30"},
        {"occurred_at": datetime(2026, 2, 25, 4, 30, tzinfo=UTC)},
    ),
    "no time": ({"created": None}, {"occurred_at": None}),
    "second 0": ({"created": 0}, {"occurred_at": datetime(1970, 1, 1, tzinfo=UTC)}),
    "the last second": (
        {"created": 253_370_764_799},
        {"occurred_at": datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)},
    ),
    "no mode and no version": (
        {"livemode": None, "api_version": None},
        {"livemode": None, "api_version": None},
    ),
    "the longest id": ({"id": "evt_" + "x" * 251}, {"event_id": "evt_" + "x" * 251}),
}


@pytest.mark.parametrize(("changes", "expected"), READ.values(), ids=READ)
def test_what_an_event_lacks_stays_empty(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert read(body(**changes)) == attrs.evolve(WHOLE, **expected)


FAULTS: Final[dict[str, tuple[bytes, str]]] = {
    "B09 nothing": (b"", "truncated"),
    "B09 null": (b"null", "not an object"),
    "B09 a list": (b"[]", "not an object"),
    "B09 a text": (b'"x"', "not an object"),
    "B09 a number": (b"1", "not an object"),
    "no id": (body(id=None), "neither id nor type"),
    "no type": (body(type=None), "neither id nor type"),
    "an empty id": (body(id=""), "id is not"),
    "a number as id": (body(id=7), "id is not"),
    "an id beyond ASCII": (body(id="evt_ä"), "id is not"),
    "an id with a space": (body(id="evt 1"), "id is not"),
    "an id with a line break": (body(id="evt_1\n"), "id is not"),
    "B14 an id with a NUL": (body(id="evt_\0"), "id is not"),
    "B14 an id with an escape": (body(id="evt_\x1b[2J"), "id is not"),
    "an id that is too long": (body(id="x" * 256), "id is not"),
    "the id of a command": (body(id="cmd:" + "0" * 64), "only the ledger gives"),
    "the id of a quarantined body": (body(id="body:00"), "only the ledger gives"),
    "the id of a conflict": (body(id="conflict:00"), "only the ledger gives"),
    "a type that is a list": (body(type=[]), "type is not"),
    "an account that is true": (body(account=True), "account is not"),
    "a version that is a number": (body(api_version=1), "api_version is not"),
    "an object id beyond ASCII": (body(**holding(id="ä")), "id is not"),
    "a customer with a NUL": (body(**holding(customer="cus_\0")), "customer is not"),
    "an expanded customer's id": (body(**holding(customer={"id": 1})), "id is not"),
    "a mode that is a text": (body(livemode="no"), "neither true nor false"),
    "a mode that is a number": (body(livemode=0), "neither true nor false"),
    "a time before 1970": (body(created=-1), "not a time in whole seconds"),
    "a time in fractions": (body(created=1.5), "not a time in whole seconds"),
    "a time that is true": (body(created=True), "not a time in whole seconds"),
    "a time in the year 9999": (body(created=253_370_764_800), "not a time"),
    "a text that is no time": (body(created="soon"), "not a time"),
    "a day that is none": (body(created="2026-02-30T00:00:00Z"), "not a time"),
    "a time without zone": (body(created="2026-02-25T10:00:00"), "no time zone"),
    "a day before 1970": (body(created="1969-12-31T23:59:59Z"), "not a time of Stripe's"),
    "a day in 9999": (body(created="9999-01-01T00:00:00Z"), "not a time of Stripe's"),
    "before the year 1": (body(created="0001-01-01T00:00:00+14:00"), "not a time"),
    "after the calendar": (body(created="9999-12-31T23:59:59-14:00"), "not a time"),
    "B12 NaN": (body(amount=float("nan")), "malformed"),
    "B13 two ids": (b'{"id": "evt_1", "type": "t", "id": "evt_2"}', "stands twice"),
}


@pytest.mark.parametrize(("raw", "fault"), FAULTS.values(), ids=FAULTS)
def test_what_is_no_event_goes_under_its_digest(raw: bytes, fault: str) -> None:
    envelope = read(raw)

    assert fault in (envelope.fault or "")
    assert envelope == Envelope(
        event_id=f"body:{hashlib.sha256(raw).hexdigest()}", fault=envelope.fault
    )
    assert stripe_event(raw, ledger_livemode=False).verdict is Verdict.QUARANTINED


def test_a_fault_stays_short_however_long_the_body() -> None:
    key = json.dumps("k" * 100_000)

    assert len(read(f"{{{key}: 1, {key}: 2}}".encode()).fault or "") <= 200


VERDICTS: Final = [
    (False, None, False, None, Verdict.ACCEPTED),
    (True, None, True, None, Verdict.ACCEPTED),
    (None, None, True, None, Verdict.ACCEPTED),
    (True, None, False, None, Verdict.FOREIGN),
    (False, None, True, None, Verdict.FOREIGN),
    (False, "acct_1", False, "acct_1", Verdict.ACCEPTED),
    (False, "acct_1", False, None, Verdict.FOREIGN),
    (False, None, False, "acct_1", Verdict.FOREIGN),
    (False, "acct_2", False, "acct_1", Verdict.FOREIGN),
]


@pytest.mark.parametrize(("livemode", "account", "ledger", "ours", "verdict"), VERDICTS)
def test_an_event_of_another_mode_or_account_is_foreign(
    livemode: bool | None,  # noqa: FBT001, a table
    account: str | None,
    ledger: bool,  # noqa: FBT001, a table
    ours: str | None,
    verdict: Verdict,
) -> None:
    event = stripe_event(
        body(livemode=livemode, account=account),
        ledger_livemode=ledger,
        stripe_account=ours,
    )

    assert event.verdict is verdict


def test_the_event_keeps_its_bytes_and_the_delivery() -> None:
    raw = body().replace(b":", b" :  ")
    signed_at = datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1)))

    event = stripe_event(raw, ledger_livemode=False, endpoint="3f", signed_at=signed_at)

    assert (event.body, event.endpoint, event.signed_at) == (raw, "3f", signed_at)
    assert (event.event_id, event.account, event.object_id) == ("evt_1", "cus_1", "in_1")


SAME: Final[dict[str, bytes]] = {
    "sent again": body(),
    "fewer webhooks pending": body(pending_webhooks=0),
    "another request": body(request=None),
    "white space": json.dumps(EVENT, indent=3).encode(),
    "keys in another order": json.dumps(dict(reversed(EVENT.items()))).encode(),
    "keys sorted throughout": json.dumps(EVENT, sort_keys=True).encode(),
    "escapes": body().replace(b"in_1", b"\\u0069n_1"),
    "another version of the envelope": body(api_version="2025-01-27.acacia"),
}
OTHER: Final[dict[str, bytes]] = {
    "another id": body(id="evt_2"),
    "another type": body(type="invoice.voided"),
    "another second": body(created=1_793_523_601),
    "another mode": body(livemode=True),
    "another account": body(account="acct_1"),
    "another customer": body(**holding(id="in_1", object="invoice", customer="cus_2")),
    "a field more": body(data={**EVENT["data"], "previous_attributes": {}}),
    "no data": body(data=None),
    "not JSON": body() + b"x",
}


@pytest.mark.parametrize("raw", SAME.values(), ids=SAME)
def test_another_delivery_of_one_event_has_one_digest(raw: bytes) -> None:
    assert stable_digest(raw) == stable_digest(body())


@pytest.mark.parametrize("raw", OTHER.values(), ids=OTHER)
def test_another_content_has_another_digest(raw: bytes) -> None:
    assert stable_digest(raw) != stable_digest(body())


leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text("ab\u20ac")
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner),
    max_leaves=8,
)


@given(first=trees, second=trees, webhooks=st.integers(0, 9))
def test_a_digest_sees_any_change_in_the_data_and_none_around_it(
    first: object, second: object, webhooks: int
) -> None:
    assume(json.dumps(first, sort_keys=True) != json.dumps(second, sort_keys=True))
    again = json.dumps(
        {**EVENT, "pending_webhooks": webhooks, "data": first}, sort_keys=True
    )

    assert stable_digest(again.encode()) == stable_digest(body(data=first))
    assert stable_digest(body(data=first)) != stable_digest(body(data=second))


@given(
    st.recursive(
        leaves,
        lambda inner: st.dictionaries(
            st.sampled_from(
                ["id", "type", "created", "data", "object", "customer", "livemode"]
            ),
            inner,
        ),
        max_leaves=9,
    )
    | st.binary(max_size=60)
)
def test_whatever_comes_is_read_without_an_error(anything: object) -> None:
    raw = anything if isinstance(anything, bytes) else json.dumps(anything).encode()

    event = stripe_event(raw, ledger_livemode=False)

    assert event.body == raw
    assert (event.verdict is Verdict.QUARANTINED) == event.event_id.startswith("body:")


def test_every_recorded_event_is_read_without_fault() -> None:
    if not FIXTURES.is_dir():
        pytest.skip(f"no recorded fixtures at {FIXTURES}: set LEDGER_FIXTURES")
    raws = [path.read_bytes() for path in sorted(FIXTURES.glob("*/*.json"))]

    events = [raw for raw in raws if json.loads(raw).get("object") == "event"]
    envelopes = [read(raw) for raw in events]

    assert len(events) > 500
    assert [each.fault for each in envelopes if each.fault] == []
    assert all(each.type and each.occurred_at for each in envelopes)
    assert sum(each.customer is not None for each in envelopes) > 100


@pytest.mark.parametrize(
    ("outer", "place"),
    [
        ({"detail-type": "invoice.paid", "source": "aws.partner/stripe.com/x"}, "detail"),
        ({"specversion": "1.0", "type": "com.stripe.v1.invoice.paid"}, "data"),
    ],
)
def test_the_event_is_read_inside_a_couriers_envelope(
    outer: dict[str, str], place: str
) -> None:
    inner = {
        "id": "evt_1",
        "type": "invoice.paid",
        "created": 1_772_366_400,
        "livemode": False,
        "data": {"object": {"id": "in_1", "customer": "cus_1"}},
    }
    plain = json.dumps(inner).encode()
    wrapped = json.dumps({**outer, "id": "other", place: inner}).encode()

    envelope = read(wrapped)

    assert envelope == read(plain)
    assert stable_digest(wrapped) == stable_digest(plain)
    assert json.loads(inner_event(wrapped)) == inner
    assert inner_event(plain) is plain


@pytest.mark.parametrize("inner", [b"[]", b'"x"', b"null", b"{}", b'{"id": "evt_1"}'])
def test_an_envelope_without_an_event_is_unreadable(inner: bytes) -> None:
    assert read(b'{"specversion": "1.0", "id": "a", "type": "b", "data": %s}' % inner).fault


@pytest.mark.parametrize(
    ("data", "customer"),
    [
        (
            {"object": {"customer": None}, "previous_attributes": {"customer": "cus_1"}},
            "cus_1",
        ),
        (
            {"object": {"customer": "cus_2"}, "previous_attributes": {"customer": "cus_1"}},
            "cus_2",
        ),
        ({"object": {}, "previous_attributes": {"customer": 7}}, None),
        ({"object": {}, "previous_attributes": None}, None),
        ({"object": {"customer": None, "customer_account": "acct_1"}}, "acct_1"),
    ],
)
def test_what_left_its_customer_still_belongs_to_them(
    data: dict[str, object], customer: str | None
) -> None:
    body = json.dumps({"id": "evt_1", "type": "t", "data": data}).encode()

    assert read(body).customer == customer
