"""An account's subscriptions, best first: the first one speaks for the account.

Best is the status (active, trialing, past_due, paused, unpaid, incomplete, canceled,
incomplete_expired), then the newest, then the id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from projections.facts import Subscription
from projections.models.subscriptions import Current
from projections.status import access
from projections.status.periods import ServicePeriod, current_period


@attrs.frozen(kw_only=True)
class Listed:
    """A subscription with its place among its account's.

    Attributes:
        period: The one it is in, or was in last.
    """

    id: str
    current: Current
    primary: bool
    period: ServicePeriod | None

    @property
    def subscription(self) -> Subscription:
        """What Stripe says of it."""
        return self.current.value

    @property
    def since(self) -> datetime:
        """When it came to its status, as far as is known."""
        return self.current.since


def listed(currents: Mapping[str, Current], now: datetime) -> tuple[Listed, ...]:
    """Return the best status first; of equal ones the newest, then by id."""
    names = sorted(currents)
    names.sort(key=lambda name: _began(currents[name]), reverse=True)
    names.sort(key=lambda name: access.rank(currents[name].value.status))
    return tuple(
        Listed(
            id=name,
            current=currents[name],
            primary=place == 0,
            period=current_period(currents[name], now),
        )
        for place, name in enumerate(names)
    )


def _began(current: Current) -> datetime:
    return current.value.created or current.first_at
