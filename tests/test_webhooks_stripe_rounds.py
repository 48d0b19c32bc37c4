"""When what is served is compared with Stripe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.events import CATALOGUE, Check, Command, StripeChecked
from webhooks.stripe_rounds import comparison_due

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "ok", "due"),
    [
        (1, True, False),
        (5, True, False),
        (6, True, True),
        (1, False, True),
        (0, False, True),
    ],
)
def test_what_differed_is_compared_at_the_next_round_the_rest_every_six_hours(
    hours: int, *, ok: bool, due: bool
) -> None:
    begun_at = NOW - timedelta(hours=hours)
    last = StripeChecked(
        command=Command.identify(
            account=CATALOGUE, route=Check.RECONCILE, key="1", fingerprint=""
        ),
        check=Check.RECONCILE,
        begun_at=begun_at,
        ended_at=begun_at,
        ok=ok,
        counts=(),
    )

    assert comparison_due(last, NOW) is due


def test_a_ledger_that_was_never_compared_is_compared_at_once() -> None:
    assert comparison_due(None, NOW)
