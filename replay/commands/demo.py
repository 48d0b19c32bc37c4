"""Try everything on a simulated company, from the socket to the proof.

    bl demo                       200 accounts, a year; stays up until Ctrl-C
    bl demo --exit                the same, and ends at once
    bl demo --accounts 20 --months 3 --seed 7

Works on a fresh ledger of its own, with a port, a secret and test mode of its own, whatever
the settings say: nothing of yours is read or touched. Posts every delivery that Stripe
would send, some late, doubled and forged, and the product's seat changes, through the real
HTTP door; waits for the read models, verifies the log, and compares every account with what
the simulator knows. The data directory is kept while the demo is up and removed at its end.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ledger.errors import IntegrityFailureError
from replay.arguments.options import Watching
from replay.demo.run import Wish, demonstrate


def run(
    *,
    accounts: Annotated[int, Parameter(validator=Number(gte=1, lte=20_000))] = 200,
    months: Annotated[int, Parameter(validator=Number(gte=1, lte=60))] = 12,
    seed: int = 1,
    exit: Annotated[bool, Parameter(name="--exit", negative="")] = False,  # noqa: A002
    options: Watching | None = None,
) -> int:
    """Run the demo.

    Args:
        accounts: Companies that sign up.
        months: How long they are watched, up to now.
        seed: The same one tells the same story.
        exit: End after the summary instead of staying up.
    """
    style = (options or Watching()).progress
    wish = Wish(accounts=accounts, months=months, seed=seed, stays=not exit)
    if not asyncio.run(demonstrate(wish, style)):
        raise IntegrityFailureError(
            "the ledger does not say what was simulated; keep this output and report it"
        )
    return 0
