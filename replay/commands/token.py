"""Mint a bearer token for the HTTP doors.

    bl token --scope read
    bl token --scope read,page --account cus_JT01 --expires 12h
    TOKEN=$(bl token --scope read)
    curl -H "Authorization: Bearer $TOKEN" localhost:8080/v1/status

Scopes: read (accounts and figures), audit (events and their bodies), seats:write (seat
changes and links), page (links to the billing page), portal (Stripe's hosted pages).
Prints the token alone on stdout. Nothing is stored: a token holds until it expires, or
until the key that signed it is taken out of LEDGER_TOKEN_KEY.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from ledger.clock import utc_now
from ledger.keyring import signing_keys
from ledger.settings import load
from ledger.tokens import mint
from replay.arguments.moments import later
from replay.arguments.options import UsageError, Watching
from replay.report.text import is_name


def run(
    *,
    scope: Annotated[list[str], Parameter(negative="")],
    account: str | None = None,
    expires: str | None = None,
    options: Watching | None = None,
) -> int:
    """Print a token.

    Args:
        scope: What it may do, comma-separated.
        account: The only account it may see or touch.
        expires: When it ends: 30d, 12h, 90m, or a time such as 2026-12-01; without, never.
    """
    del options  # nothing is asked, and nothing takes time
    if account is not None and not is_name(account):
        raise UsageError(f"no account goes by the name {account!r:.80}")
    now = utc_now()
    ends_at: datetime | None = None if expires is None else later(expires, now)
    key = signing_keys(load())[0]
    scopes = [one.strip() for given in scope for one in given.split(",") if one.strip()]
    minted = mint(key=key, scopes=scopes, account=account, expires_at=ends_at, now=now)
    sys.stdout.write(f"{minted}\n")
    return 0
