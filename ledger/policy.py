"""What follows a failed payment, unless a `ledger.events.PolicySet` says otherwise."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Policy:
    """Days after the first failure, of 86,400 s each.

    Attributes:
        retry_days: When the payment is expected to be tried; the first is day 0.
        pause_day: From when the account may only read.
        cancel_day: From when the subscription counts as canceled.
    """

    retry_days: tuple[int, ...] = (0, 3, 5, 7)
    pause_day: int = 7
    cancel_day: int = 30


DEFAULT: Final = Policy()
