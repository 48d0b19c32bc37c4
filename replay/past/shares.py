"""Work shared out among processes, one for each core, with its results in order.

    shares   1  2  3  4  5  …     each goes to the next worker in turn
    workers  a  b  a  b  a        one share each, at any time
    results  1  2  3  4  5        as if one process had done it

A worker is a Python of its own: what it is told to do is found there by its name.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final, TypeVar

from ledger.errors import UnavailableError

S = TypeVar("S")
R = TypeVar("R")

WORKERS_MAX: Final = 8


def cores() -> int:
    """Return how many processes can work at once here."""
    return min(os.cpu_count() or 1, WORKERS_MAX)


def shared_out(work: Callable[[S], R], shares: Sequence[S], workers: int) -> Iterator[R]:
    """Yield what *work* makes of each of *shares*, in their order.

    Args:
        work: A function of a module; with one worker it is called here.

    Raises:
        UnavailableError: A worker ended before its work did.
    """
    if min(workers, len(shares)) < 2:  # noqa: PLR2004, nobody to share with
        yield from map(work, shares)
        return
    with _workers(work, min(workers, len(shares))) as pipes:
        for pipe, share in zip(pipes, shares, strict=False):
            pipe.send(share)
        for number in range(len(shares)):
            pipe = pipes[number % len(pipes)]
            made = _received(pipe)
            if number + len(pipes) < len(shares):
                pipe.send(shares[number + len(pipes)])
            yield made


@contextmanager
def _workers(work: Callable[[Any], Any], count: int) -> Iterator[Sequence[Pipe]]:
    """Yield the ways to *count* processes; they end with the block, whatever they do."""
    context = multiprocessing.get_context("spawn")
    # Started with the first process, it would let Ctrl-C through to that one.
    resource_tracker.ensure_running()
    with ExitStack() as ending:
        pipes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            ending.callback(ours.close)
            process = context.Process(target=_serve, args=(theirs, work), daemon=True)
            with _uninterruptible():
                process.start()
            ending.callback(process.join)
            ending.callback(process.terminate)
            theirs.close()
            pipes.append(ours)
        yield pipes


@contextmanager
def _uninterruptible() -> Iterator[None]:
    """Let what is started in the block never hear of Ctrl-C: who started it does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Pipe, work: Callable[[Any], Any]) -> None:
    """Do what comes through *pipe* until the other end is gone."""
    while True:
        try:
            share = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((work(share), None))
        except Exception as error:  # noqa: BLE001 -- raised again where it is waited for
            pipe.send((None, error))


def _received(pipe: Pipe) -> Any:  # noqa: ANN401, whatever the work makes
    try:
        made, error = pipe.recv()
    except EOFError:
        raise UnavailableError(
            "a process that shared the work has ended before it; try again"
        ) from None
    if error is not None:
        raise error
    return made
