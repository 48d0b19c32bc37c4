from __future__ import annotations

import pytest

from replay.shown.account_portrait import INVOICES


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("open", "EUR 29.00"),
        ("uncollectible", "EUR 29.00"),
        ("draft", None),
        ("void", None),
    ],
)
def test_nothing_is_open_of_what_is_a_draft_or_void(status: str, shown: str | None) -> None:
    (column,) = (each for each in INVOICES if each.title == "open")
    assert column.words is not None

    invoice = {"status": status, "amount_remaining": 2900, "currency": "eur"}
    assert column.words(invoice) == shown
