from __future__ import annotations

import asyncio
import sys
import threading
import time

import pytest

from projections.aside import OBJECTS_INLINE_MAX, TURN_S, answering


async def test_an_answer_of_few_objects_is_worked_out_where_it_is_asked_for() -> None:
    here = await answering(OBJECTS_INLINE_MAX, threading.current_thread)

    assert here is threading.current_thread()


async def test_while_a_long_answer_is_worked_out_others_are_answered() -> None:
    turns = 0

    def long() -> int:
        assert sys.getswitchinterval() == pytest.approx(TURN_S)
        end = time.perf_counter() + 5
        while turns < 3 and time.perf_counter() < end:
            pass
        return turns

    async def others() -> None:
        nonlocal turns
        while turns < 3:
            await asyncio.sleep(0)
            turns += 1

    usual = sys.getswitchinterval()
    seen, _ = await asyncio.gather(answering(OBJECTS_INLINE_MAX + 1, long), others())

    assert seen == 3
    assert sys.getswitchinterval() == usual


async def test_what_goes_wrong_with_a_long_answer_is_told_to_who_asked() -> None:
    usual = sys.getswitchinterval()

    with pytest.raises(ZeroDivisionError):
        await answering(OBJECTS_INLINE_MAX + 1, lambda: 1 // 0)

    assert sys.getswitchinterval() == usual
