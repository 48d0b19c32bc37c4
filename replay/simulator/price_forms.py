"""The ways a price may be written: by unit, steps, volume, packs, or in parts of a cent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Final

import attrs

from replay.simulator.prices import Packs, Price, Tier, TiersMode

_VOLUME_FROM: Final = 5
_VOLUME_LESS: Final = 7
_WHOLE: Final = 100
_PACK: Final = 5
_PART_OF_A_CENT: Final = Decimal("0.5")


class Form(StrEnum):
    """How a seat price is written down."""

    UNIT = "unit"
    STEPS = "steps"
    VOLUME = "volume"
    PACKS = "packs"
    DECIMAL = "decimal"


@attrs.frozen(kw_only=True)
class Included:
    """Seats that come with a flat amount, in minor units for the whole interval."""

    seats: int
    amount: int


def written(plain: Price, form: Form, included: Included) -> Price:
    """Return *plain*, whose unit amount is known, as it is written in *form*."""
    return _FORMS[form](plain, included)


def _by_unit(plain: Price, _included: Included) -> Price:
    return plain


def _by_steps(plain: Price, included: Included) -> Price:
    """Return a price with a flat tier for included seats, and one for those above."""
    tiers = (
        Tier(up_to=included.seats, flat=included.amount, unit=0),
        Tier(up_to=None, flat=0, unit=plain.unit_amount or 0),
    )
    return attrs.evolve(plain, unit_amount=None, tiers=tiers)


def _by_volume(plain: Price, _included: Included) -> Price:
    """Return a price that is less for all units once there are many."""
    unit = plain.unit_amount or 0
    less = unit - unit * _VOLUME_LESS // _WHOLE
    tiers = (
        Tier(up_to=_VOLUME_FROM, flat=0, unit=unit),
        Tier(up_to=None, flat=0, unit=less),
    )
    return attrs.evolve(plain, unit_amount=None, tiers=tiers, tiers_mode=TiersMode.VOLUME)


def _by_packs(plain: Price, _included: Included) -> Price:
    return attrs.evolve(plain, packs=Packs(divide_by=_PACK))


def _by_decimal(plain: Price, _included: Included) -> Price:
    exact = (plain.unit_amount or 0) + _PART_OF_A_CENT
    return attrs.evolve(plain, unit_amount=None, unit_decimal=exact)


_FORMS: Final[dict[Form, Callable[[Price, Included], Price]]] = {
    Form.UNIT: _by_unit,
    Form.STEPS: _by_steps,
    Form.VOLUME: _by_volume,
    Form.PACKS: _by_packs,
    Form.DECIMAL: _by_decimal,
}
