"""Moments as text: RFC 3339, in UTC, as every door writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

# Years whose dates stay dates in every zone, and with a month added or taken away.
YEARS: Final = range(1970, 9999)


def rfc3339(moment: datetime) -> str:
    """Write *moment* in UTC with ``Z``; microseconds only where there are any.

    ``2026-11-01T00:00:00Z``, ``2026-11-01T00:00:00.250000Z``
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
