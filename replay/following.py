"""The head of the log as it moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.appender import CHANNEL
from replay.ledgers import Connection

# A notification may get lost on a connection that died silently, so look now and then.
POLL_S: Final = 1.0
HEAD: Final = "SELECT position FROM ledger.head"


def new_positions(connection: Connection, position: int) -> Iterator[int]:
    """Yield each position that the head is seen to have moved to, for ever."""
    connection.execute(f"LISTEN {CHANNEL}")
    while True:
        row = connection.execute(HEAD).fetchone()
        if row is not None and row[0] > position:
            position = row[0]
            yield position
            continue
        for _ in connection.notifies(timeout=POLL_S, stop_after=1):
            pass
