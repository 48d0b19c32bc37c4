"""Addresses, and what a bank checked of them."""

from __future__ import annotations

from replay.simulator.customers import Address


def address(known: Address | None) -> dict[str, object]:
    """Render an address; all of it is null when none is known."""
    return {
        "city": known.city if known else None,
        "country": known.country if known else None,
        "line1": known.line1 if known else None,
        "line2": None,
        "postal_code": known.postal_code if known else None,
        "state": None,
    }


def checks() -> dict[str, object]:
    """Render what the bank checked when the card was entered."""
    return {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": "pass",
    }
