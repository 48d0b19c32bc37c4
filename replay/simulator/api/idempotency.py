"""Answers kept by idempotency key, so that a request made twice is done once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from replay.simulator.api import errors


@attrs.frozen
class Answer:
    """What a request is answered.

    Attributes:
        replayed: Whether it is the answer to an earlier request with the same key.
    """

    status: int
    body: bytes
    replayed: bool = False


@attrs.define
class KeptAnswers:
    """The first answer to each key, errors of ours included.

    Attributes:
        under_way: Keys of requests that have no answer yet.
    """

    under_way: set[str] = attrs.field(factory=set)
    _answers: dict[str, tuple[object, Answer]] = attrs.field(factory=dict)

    async def once(
        self, key: str | None, request: object, do: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Return the answer kept for *key*, or else that of *do*.

        Args:
            key: None asks for no such care.
            request: Compared with the first one; all of what makes it the same.
            do: Answers it; what it raises is no answer, and is not kept.

        Raises:
            StripeError: The key came with another request, or the first is under way.
        """
        if key is None:
            return await do()
        if key in self._answers:
            first, answer = self._answers[key]
            if first != request:
                raise errors.key_used_otherwise(key)
            return attrs.evolve(answer, replayed=True)
        if key in self.under_way:
            raise errors.key_in_use(key)
        self.under_way.add(key)
        try:
            answer = await do()
        finally:
            self.under_way.discard(key)
        self._answers[key] = request, answer
        return answer
