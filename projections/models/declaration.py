"""What a projection is: a name, a version, an initial state, and a handler for each fact.

    LINKS = Projection(
        name="links",
        version=1,
        state=Link,
        initial=Link(),
        handlers=table(on(AccountLinked, linked)),
    )

A projection folds objects: the facts of one account that name the same object. It never
sees the log, a bookmark or a row; those are the runner's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from projections.facts import Fact

S = TypeVar("S")
F = TypeVar("F", bound=Fact)

# A handler answers None for a fact that is older than what its state still remembers:
# then the account is folded again, from its stream.
Handler = Callable[[S, F], S | None]


class HandledTwiceError(TypeError):
    """Two rows of a projection handle the same fact; keep one."""


@attrs.frozen
class On(Generic[S]):
    """One row of a projection's table."""

    fact: type[Any]
    apply: Callable[[S, Any], S | None]


def on(fact: type[F], apply: Handler[S, F]) -> On[S]:
    """Handle *fact* with *apply*, which takes exactly that kind of fact."""
    return On(fact, apply)


def table(*rows: On[S]) -> Mapping[type[Fact], Callable[[S, Any], S | None]]:
    """Return *rows* by their fact.

    Raises:
        HandledTwiceError: Two rows name the same fact.
    """
    handlers = {row.fact: row.apply for row in rows}
    if len(handlers) < len(rows):
        raise HandledTwiceError(", ".join(row.fact.__name__ for row in rows))
    return handlers


@attrs.frozen(kw_only=True)
class Projection(Generic[S]):
    """A fold over the objects of each account.

    Attributes:
        name: Names the read model; its rows stand in ``read_models.<name>``.
        version: To be raised when the same facts would give other rows: the runner then
            rebuilds by itself.
        state: The type of a state, so that a kept one can be read.
        initial: The state of an object of which nothing is known.
        handlers: See `table`; a fact without a row is passed over.
        refers: The other account that an object refers to, if any; rows can be found
            by it.
        counts: Whether its runner counts the Stripe types that no projection reads; one
            is enough.
    """

    name: str
    version: int
    state: type[S]
    initial: S
    handlers: Mapping[type[Fact], Callable[[S, Any], S | None]]
    refers: Callable[[S], str | None] | None = None
    counts: bool = False
