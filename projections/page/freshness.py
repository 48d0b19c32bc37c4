"""How fresh the figures are: ``Up to date 4 s ago · matches Stripe 2 min ago``.

The first half is about the log: whether all it holds is in the figures. The second is
about Stripe: when the figures were last compared with its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from projections.page.dates import lasting
from projections.page.document import Document

# So long a projector may take without anybody having to know.
BEHIND_FROM: Final = timedelta(seconds=10)
# The finding that a comparison leaves; see `projections.findings.of_reconciliation`.
DIFFERS: Final = "differs_from_stripe"
JUST_NOW: Final = timedelta(seconds=5)


@attrs.frozen(kw_only=True)
class Freshness:
    """What the last line of the page says.

    Attributes:
        state: ``fresh``, or ``stale`` where newer figures are known to be missing.
        age_s: How old the newest figures are, from which the page counts on; None where
            the text says it.
        differs: Whether Stripe had something else when that was last compared.
    """

    state: str
    text: str
    reconciled: str
    age_s: int | None = None
    differs: bool = False

    @property
    def ago(self) -> str:
        """The age in words."""
        return _ago(timedelta(seconds=self.age_s or 0))


def freshness(document: Document) -> Freshness:
    """Return how fresh *document* is."""
    meta = document.meta
    lag = timedelta(milliseconds=meta.lag_ms)
    age_s = None
    if meta.stale:
        state, text = "stale", "Stands still: something here could not be read"
    elif lag > BEHIND_FROM:
        state, text = "stale", f"Behind by {lasting(lag)}: newer figures are on their way"
    else:
        state, text, age_s = "fresh", "Up to date", int(lag.total_seconds())
    differs = any(each.code == DIFFERS for each in document.findings)
    if meta.reconciled_at is None:
        reconciled = "not yet compared with Stripe"
    else:
        since = _ago(meta.as_of - meta.reconciled_at)
        reconciled = (
            f"differed from Stripe {since}" if differs else f"matches Stripe {since}"
        )
    return Freshness(
        state=state, text=text, reconciled=reconciled, age_s=age_s, differs=differs
    )


def _ago(length: timedelta) -> str:
    return "just now" if length < JUST_NOW else f"{lasting(length)} ago"
