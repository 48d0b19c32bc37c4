"""How the collection of an invoice will go, drawn before it begins."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from replay.simulator.account import Account
from replay.simulator.chances import PER_MILLE

RETRY_DAYS: Final = (3, 5, 7)
ATTEMPTS_MAX: Final = len(RETRY_DAYS) + 1


class Ending(StrEnum):
    """What becomes of a subscription whose invoice is never paid."""

    UNPAID = "unpaid"
    CANCELED = "canceled"
    PAUSED = "paused"


@attrs.frozen(kw_only=True)
class Fate:
    """How the collection of an invoice will go.

    Attributes:
        failures: Attempts that fail; all of them when it is never paid.
        new_card_after: Days until another card pays it, if one does.
        ending: What follows when every attempt fails.
        tries: Attempts made before the ending.
        confirms_after: Days until the customer confirms what the bank asks to; None
            when the attempt fails outright.
    """

    failures: int = 0
    new_card_after: int | None = None
    ending: Ending = Ending.UNPAID
    tries: int = ATTEMPTS_MAX
    confirms_after: int | None = None


# Per mille; the rest is paid at once.
_FATES: Final = (
    (22, Fate(failures=1)),
    (14, Fate(failures=2)),
    (8, Fate(failures=3)),
    (14, Fate(failures=2, new_card_after=4)),
    (12, Fate(failures=ATTEMPTS_MAX, ending=Ending.CANCELED)),
    (8, Fate(failures=ATTEMPTS_MAX, ending=Ending.UNPAID)),
)
_WHOLE_FATES: Final = (
    *_FATES,
    (8, Fate(failures=1, tries=1, ending=Ending.PAUSED, new_card_after=9)),
    (5, Fate(failures=1, tries=1, ending=Ending.PAUSED)),
    (6, Fate(failures=ATTEMPTS_MAX, ending=Ending.PAUSED, new_card_after=12)),
    (4, Fate(failures=ATTEMPTS_MAX, ending=Ending.PAUSED)),
    (14, Fate(failures=2, confirms_after=2)),
    (6, Fate(failures=ATTEMPTS_MAX, confirms_after=4)),
    (4, Fate(failures=ATTEMPTS_MAX, confirms_after=90, ending=Ending.CANCELED)),
)


def choose_fate(account: Account) -> Fate:
    """Draw how the next collection will go."""
    drawn = account.chance.between(1, PER_MILLE)
    for weight, fate in _WHOLE_FATES if account.habits.whole else _FATES:
        drawn -= weight
        if drawn <= 0:
            return fate
    return Fate()
