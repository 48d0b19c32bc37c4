"""Print the Stripe events of a simulation, one JSON object per line.

python -m replay.simulator --accounts 5 --months 2 --seed 1
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

import msgspec

from replay.simulator.habits import Breadth
from replay.simulator.occurrences import StripeOccurrence
from replay.simulator.shapes import Shape
from replay.simulator.simulation import simulate


def arguments() -> ArgumentParser:
    """Return the parser of the command line."""
    parser = ArgumentParser(prog="python -m replay.simulator", description=__doc__)
    parser.add_argument("--accounts", type=_count, default=5, metavar="N")
    parser.add_argument("--months", type=_count, default=2, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--start", type=_day, default=_day("2026-01-01"), metavar="DAY")
    shapes = {shape.name.lower(): shape for shape in Shape}
    parser.add_argument("--shape", choices=sorted(shapes), help="mixed if not given")
    parser.add_argument("--whole", action="store_true", help="everything that may happen")
    return parser


def run(args: Namespace, out: TextIO) -> None:
    """Write one line per event."""
    for occurrence in simulate(
        seed=args.seed,
        accounts=args.accounts,
        months=args.months,
        start=args.start,
        shape=Shape[args.shape.upper()] if args.shape else None,
        breadth=Breadth.WHOLE if args.whole else Breadth.PLAIN,
    ):
        if isinstance(occurrence, StripeOccurrence):
            compact = msgspec.json.format(occurrence.body, indent=-1)
            out.write(f"{compact.decode()}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; a closed pipe is not an error."""
    args = arguments().parse_args(argv)
    try:
        run(args, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python itself flushes at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _count(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _day(text: str) -> datetime:
    """Return midnight UTC of a day written ``2026-01-31``."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-01-31") from None


if __name__ == "__main__":
    raise SystemExit(main())
