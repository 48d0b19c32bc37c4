"""Recurring revenue as bars in a terminal, one for each month.

 USD
 2026-01   1,043.00  ██████████████████████████████████
 2026-02   1,120.50  ████████████████████████████████████▌

A bar is the closing of its month; all of one currency are on one scale from zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from projections.accounting.movements import Edge, Row
from projections.amounts import amount

NARROWEST: Final = 40
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FULL: Final = "█"


def bars(rows: Sequence[Row], width: int) -> str:
    """Return a chart of *rows* no wider than *width*; empty without any revenue."""
    lines: list[str] = []
    for currency in sorted({row.currency for row in rows}):
        own = [row for row in rows if row.currency == currency]
        if any(row.amounts[Edge.CLOSING] > 0 for row in own):
            lines += _chart(own, currency, max(NARROWEST, width))
    return "\n".join(lines)


def _chart(rows: Sequence[Row], currency: str, width: int) -> Iterator[str]:
    closings = [row.amounts[Edge.CLOSING] for row in rows]
    written = [
        amount(each, currency).removeprefix(f"{currency.upper()} ") for each in closings
    ]
    digits = max(len(each) for each in written)
    room = width - digits - 14
    yield f" {currency.upper()}"
    for row, closing, text in zip(rows, closings, written, strict=True):
        whole, part = divmod(max(0, closing) * room * 8 // max(closings), 8)
        bar = _FULL * whole + _EIGHTHS[part].strip()
        yield f" {row.month}  {text:>{digits}}  {bar}".rstrip()
