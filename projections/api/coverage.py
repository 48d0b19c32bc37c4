"""Whether the read models have what the caller has seen, and waiting until they do.

?at_least=48213   Prefer: wait=2     503, Retry-After, and where they are, if not in time
"""

from __future__ import annotations

import asyncio
from typing import Final

from ledger.problems import Problem
from projections.api.questions import Question
from projections.pulse import Beat, Pulse

PAUSES_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1)


async def covered(pulse: Pulse[Beat], asked: Question) -> Beat:
    """Return where all is, once the read models have what the caller has seen.

    Raises:
        Problem: They do not come to it in the time that the caller has (503).
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + asked.wait_s
    tries = 0
    while True:
        beat = await pulse.take()
        if beat.least >= asked.at_least:
            return beat
        left = end - loop.time()
        if left <= 0:
            raise _not_there_yet(beat.least)
        await asyncio.sleep(min(PAUSES_S[min(tries, len(PAUSES_S) - 1)], left))
        tries += 1


def _not_there_yet(position: int) -> Problem:
    return Problem(
        status=503,
        slug="not-there-yet",
        detail=f"the read models are at {position}; try again",
        extra={"current": position, "position": position},
        headers={"Retry-After": "1", "Ledger-Position": str(position)},
    )
