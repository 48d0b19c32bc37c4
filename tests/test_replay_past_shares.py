from __future__ import annotations

import os
import signal
import time
from operator import neg
from pathlib import Path

import pytest

from ledger.errors import NotFoundError, UnavailableError
from replay.past.shares import shared_out


def refused(share: int) -> int:
    raise NotFoundError(f"share {share}")


def ended(share: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return share


def whose(_share: int) -> tuple[int, bool]:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return os.getpid(), signal.SIGINT in blocked


def slow(share: str) -> int:
    Path(share).write_text(str(os.getpid()))
    time.sleep(60)
    return 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_shares(workers: int) -> None:
    assert list(shared_out(neg, range(7), workers)) == [0, -1, -2, -3, -4, -5, -6]


def test_shares_are_the_work_of_several_that_never_hear_of_ctrl_c() -> None:
    told = list(shared_out(whose, range(4), 2))

    assert len({pid for pid, _ in told} - {os.getpid()}) == 2
    assert all(is_deaf for _, is_deaf in told)


def test_what_goes_wrong_with_a_share_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(NotFoundError, match="share 0"):
        list(shared_out(refused, range(3), 2))


def test_a_worker_that_is_killed_is_unavailable_and_no_endless_wait() -> None:
    with pytest.raises(UnavailableError, match="has ended before it"):
        list(shared_out(ended, range(3), 2))


def test_who_has_enough_leaves_no_worker_behind(tmp_path: Path) -> None:
    shares = [str(tmp_path / name) for name in "ab"]
    told = shared_out(slow, shares, 2)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 3)
    try:
        with pytest.raises(KeyboardInterrupt):
            next(told)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    for share in map(Path, shares):
        assert not share.exists() or not Path(f"/proc/{share.read_text()}").exists()
