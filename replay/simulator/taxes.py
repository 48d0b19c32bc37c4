"""Tax rates, and what they add to the lines of an invoice or find within them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from replay.simulator.lines import Line, LineTax
from replay.simulator.money import rounded

_WHOLE: Final = 100
# Who is exempt is shown the rate and pays nothing of it.
_REASONS: Final = {
    "none": "standard_rated",
    "exempt": "customer_exempt",
    "reverse": "reverse_charge",
}


@attrs.frozen(kw_only=True, eq=False)
class TaxRate:
    """A tax of one country.

    Attributes:
        percentage: Of the amount without it.
        inclusive: Whether prices have it in them already.
    """

    rate_id: str
    created: int
    country: str
    display_name: str
    tax_type: str
    percentage: Decimal
    inclusive: bool = False
    active: bool = True


def taxed(
    lines: Sequence[Line], rates: Sequence[TaxRate], exempt: str, currency: str
) -> tuple[Line, ...]:
    """Return *lines* with their taxes, each rounded half up for each line.

    Args:
        lines: Discounts have been taken off.
        rates: All of them are put on every line.
        exempt: Stripe's word for what the customer need not pay: none, exempt, reverse.
        currency: Of all lines.
    """
    if not rates:
        return tuple(lines)
    return tuple(
        attrs.evolve(
            line, taxes=tuple(_tax(line.net, rate, exempt, currency) for rate in rates)
        )
        for line in lines
    )


def _tax(net: int, rate: TaxRate, exempt: str, currency: str) -> LineTax:
    """Return the tax of a line: a part of *net* if inclusive, else beside it."""
    percentage = Fraction(rate.percentage) if exempt == "none" else Fraction(0)
    whole = _WHOLE + percentage if rate.inclusive else Fraction(_WHOLE)
    amount = rounded(percentage * net / whole, currency)
    return LineTax(
        rate_id=rate.rate_id,
        inclusive=rate.inclusive,
        amount=amount,
        taxable=net - amount if rate.inclusive else net,
        reason=_REASONS[exempt],
    )
