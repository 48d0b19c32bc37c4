"""A process that appends under load and names what was acknowledged, until it is killed.

python log_writer.py CONNINFO load WRITERS     forks a writing child at every input line
python log_writer.py CONNINFO same COUNT ID    appends one id COUNT times at once

Prints the child's process id or "ready", then each acknowledged id or receipt, one a line.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from ledger.database import Role
from ledger.errors import UnavailableError
from ledger.events import StripeEvent
from ledger.postgres import PostgresLog


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # a line this short is never torn


async def load(conninfo: str, writers: int) -> None:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        await asyncio.gather(*[write(log, f"{os.getpid()}_{n}") for n in range(writers)])


async def write(log: PostgresLog, name: str) -> None:
    for number in itertools.count():
        event = StripeEvent(event_id=f"evt_{name}_{number}", body=b"{}" * 100)
        while True:
            try:
                await log.append([event])
            except UnavailableError:
                await asyncio.sleep(0.02)
            else:
                break
        say(event.event_id)


async def same(conninfo: str, count: int, event_id: str) -> None:
    async with PostgresLog.open(conninfo, Role.APPENDER) as log:
        say("ready")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        event = StripeEvent(event_id=event_id, body=b"{}")
        receipts = await asyncio.gather(*[log.append([event]) for _ in range(count)])
        for (receipt,) in receipts:
            say(f"{receipt.position} {'duplicate' if receipt.duplicate else 'appended'}")


def main() -> None:
    conninfo, kind, count, *event_id = sys.argv[1:]
    if kind == "same":
        asyncio.run(same(conninfo, int(count), event_id[0]))
        return
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            asyncio.run(load(conninfo, int(count)))
        say(f"child {child}")


if __name__ == "__main__":
    main()
