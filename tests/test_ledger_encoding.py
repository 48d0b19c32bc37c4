"""Stored bodies: small, exact, and readable for as long as their dictionary is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import (
    CURRENT,
    PLAIN,
    SHIPPED,
    Encodings,
    UnknownEncodingError,
    dictionary_digest,
    shipped_dictionaries,
)
from ledger.errors import IntegrityFailureError

SHIPPED_DIGESTS = {1: "14ae31c2f8dab4bd774450cda2ece4fc31fb86e6810d80719a2f33d435a047b2"}
ENCODINGS = Encodings.shipped()


def test_a_shipped_dictionary_is_never_changed() -> None:
    digests = {
        number: dictionary_digest(dictionary)
        for number, dictionary in shipped_dictionaries().items()
    }

    assert digests == SHIPPED_DIGESTS
    assert set(SHIPPED) == set(SHIPPED_DIGESTS)


@given(st.binary(max_size=3000) | st.binary(max_size=9).map(lambda part: part * 500))
def test_every_body_comes_back_byte_for_byte(body: bytes) -> None:
    encoding_id, stored = ENCODINGS.encode(body)

    assert ENCODINGS.decode(encoding_id, stored) == body
    assert len(stored) <= len(body)


def test_what_gets_no_smaller_is_stored_plain() -> None:
    assert ENCODINGS.encode(b"") == (PLAIN, b"")
    assert ENCODINGS.encode(b"\x00\xff\x17") == (PLAIN, b"\x00\xff\x17")


def test_the_dictionary_makes_a_stripe_event_far_smaller() -> None:
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "customer.subscription.updated",
        "data": {"object": {"id": "sub_1", "object": "subscription", "currency": "usd"}},
        "livemode": False,
        "pending_webhooks": 1,
    }
    body = json.dumps(event, indent=2).encode()

    encoding_id, stored = ENCODINGS.encode(body)

    assert encoding_id == CURRENT
    assert len(stored) < len(body) / 2


def test_equal_bodies_are_stored_as_equal_bytes() -> None:
    body = b'{"object": "event"}' * 9

    assert ENCODINGS.encode(body) == Encodings.shipped().encode(body)


def test_a_body_in_an_encoding_that_is_not_there_says_what_to_restore() -> None:
    with pytest.raises(UnknownEncodingError, match=r"encoding 7.*ledger\.encodings"):
        ENCODINGS.decode(7, b"")


@pytest.mark.parametrize("damage", [b"", b"\x00", b"no frame at all"])
def test_a_body_that_was_not_stored_so_is_an_integrity_failure(damage: bytes) -> None:
    with pytest.raises(IntegrityFailureError):
        ENCODINGS.decode(CURRENT, damage)
    stored = ENCODINGS.encode(b'{"object": "event"}' * 99)[1]
    with pytest.raises(IntegrityFailureError):
        ENCODINGS.decode(CURRENT, stored[:-3])
