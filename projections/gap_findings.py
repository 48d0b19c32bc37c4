"""Where something was not told of an account's objects, and what has healed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from projections.account import Account
from projections.findings import Finding, Severity, warning
from projections.history import Current


def gaps_of(account: Account) -> list[Finding]:
    """Return the gaps of its subscriptions and invoices, with their provenance."""
    histories = account.currents(account.histories)
    invoices = account.currents(account.invoices)
    currents: list[Current[Any]] = [
        *account.currents(account.customers).values(),
        *histories.values(),
        *invoices.values(),
    ]
    # Whatever was created before the first that was told of the account was never heard.
    since = min((current.first_at for current in currents), default=None)
    return _of_objects(histories, since) + _of_objects(invoices, since)


def _of_objects(
    currents: Mapping[str, Any], listening_since: datetime | None
) -> list[Finding]:
    """Return where something was not told of objects, and what has healed it.

    Args:
        currents: Objects of one kind.
        listening_since: The first that was told of their account.
    """
    found = []
    for name, current in sorted(currents.items()):
        for gap in current.gaps:
            if gap.healed:
                message = f"{name}: what Stripe showed later heals a gap ({gap.what})"
                found.append(
                    Finding(
                        code="gap_healed",
                        severity=Severity.INFO,
                        message=message,
                        evidence=(gap.position, gap.healed),
                    )
                )
            else:
                message = f"{name}: something was not told before this ({gap.what})"
                found.append(warning("gap_suspected", message, [gap.position]))
        created = getattr(current.value, "created", None)
        if current.unborn and created and listening_since and created > listening_since:
            message = f"{name}: it was created, and nothing told so (birth)"
            found.append(warning("gap_suspected", message, [current.position]))
    return found
