"""The place of an event's type in the life of its object, low is early.

    created 0 · updated 5 · finalized 6 · attempt 7 · paid 8 · deleted 9
    observed, or gone when it was looked for 10

It decides only within one second, and only what the earlier values leave open. What is
inferred from a date that an object keeps comes before all that was told.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ledger.order import INFERRED as INFERRED_RANK
from ledger.order import OBSERVED as OBSERVED_RANK

INFERRED: Final = "inferred"
OBSERVED: Final = "observed"
GONE: Final = "gone"
"""It was asked for, and Stripe has it no more; what it was last is not said."""
SHOWN: Final = (f".{OBSERVED}", f".{GONE}")
RENEWED: Final = "renewed"
LIKELY: Final = f"{INFERRED}.{RENEWED}"
"""The one that is not certain: it counts only where no event told what was before."""
_BETWEEN: Final = 5
_RANKS: Final = {
    "created": 0,
    "attached": 0,
    "finalized": 6,
    "sent": 6,
    "payment_action_required": 7,
    "payment_attempt_required": 7,
    "payment_failed": 7,
    "overdue": 7,
    "paid": 8,
    "payment_succeeded": 8,
    "marked_uncollectible": 8,
    "voided": 8,
    "released": 8,
    "completed": 8,
    "canceled": 8,
    "aborted": 8,
    "detached": 9,
    "deleted": 9,
    OBSERVED: OBSERVED_RANK,
    GONE: OBSERVED_RANK,
}


@lru_cache(maxsize=1024)
def rank(stripe_type: str) -> int:
    """Return the place of *stripe_type*; what tells nothing of it lies in between."""
    if is_inferred(stripe_type):
        return INFERRED_RANK
    return _RANKS.get(stripe_type.rpartition(".")[2], _BETWEEN)


@lru_cache(maxsize=1024)
def is_inferred(stripe_type: str) -> bool:
    """Tell whether a date that an object keeps tells it, and no event of Stripe's."""
    return stripe_type.startswith(f"{INFERRED}.")


def is_shown(stripe_type: str) -> bool:
    """Tell whether no event tells it, but what Stripe answered when it was asked."""
    return stripe_type.endswith(SHOWN)
