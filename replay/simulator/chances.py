"""Chance, seeded: the same name always tells the same story."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

import attrs

PER_MILLE: Final = 1000

_T = TypeVar("_T")


@attrs.frozen
class Chance:
    """Choices drawn from one seeded source."""

    source: Random

    @classmethod
    def named(cls, name: str) -> Chance:
        """Return the source called *name*; the hash seed of the process plays no part."""
        return cls(Random(name))  # noqa: S311 -- repeatable on purpose, keeps no secret

    def happens(self, per_mille: int) -> bool:
        """Tell whether something happens that does so *per_mille* times in 1000."""
        return self.source.randrange(PER_MILLE) < per_mille

    def between(self, lowest: int, highest: int) -> int:
        """Return a whole number, both ends included."""
        return self.source.randint(lowest, highest)

    def pick(self, choices: Sequence[_T]) -> _T:
        """Return one of *choices*, each as likely."""
        return choices[self.source.randrange(len(choices))]

    def letters(self, alphabet: str, length: int) -> str:
        """Return *length* letters of *alphabet*."""
        return "".join(self.source.choices(alphabet, k=length))
