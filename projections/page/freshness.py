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
JUST_NOW: Final = timedelta(seconds=5)


@attrs.frozen(kw_only=True)
class Freshness:
    """What the last line of the page says.

    Attributes:
        state: ``fresh``, or ``stale`` where newer figures are known to be missing.
    """

    state: str
    text: str
    reconciled: str


def freshness(document: Document) -> Freshness:
    """Return how fresh *document* is."""
    meta = document.meta
    lag = timedelta(milliseconds=meta.lag_ms)
    if meta.stale:
        state, text = "stale", "Stands still: something here could not be read"
    elif lag > BEHIND_FROM:
        state, text = "stale", f"Behind by {lasting(lag)}: newer figures are on their way"
    else:
        seconds = lasting(lag)
        state, text = (
            "fresh",
            "Up to date" if seconds == "0 s" else f"Up to date {seconds} ago",
        )
    if meta.reconciled_at is None:
        reconciled = "not yet compared with Stripe"
    elif document.findings and any(each.severity == "error" for each in document.findings):
        since = _ago(meta.as_of - meta.reconciled_at)
        reconciled = f"differs from Stripe, compared {since}"
    else:
        reconciled = f"matches Stripe {_ago(meta.as_of - meta.reconciled_at)}"
    return Freshness(state=state, text=text, reconciled=reconciled)


def _ago(length: timedelta) -> str:
    return "just now" if length < JUST_NOW else f"{lasting(length)} ago"
