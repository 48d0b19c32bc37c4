"""Facts folded into states: a batch in its order, or an account anew from its stream.

    events → facts → for each (account, object): state → state

What fails, fails for its account alone: nothing after it is applied there, and the
account is parked; an object that is nobody's is parked alone. What comes too late for the
kept state makes its account fold anew.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    Sequence,
)
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import attrs

from ledger.events import UNROUTED, Event, StripeEvent, UnknownEvent
from ledger.log import Recorded
from projections.facts import Fact
from projections.history import TOGETHER
from projections.models.declaration import Projection
from projections.translation.translate import Translation

Key = tuple[str, str]
"""An object: its account in the log, and its id there."""

Streams = dict[Key, list[tuple[int, Fact]]]
"""What is told of each object, in order of position."""

_NOBODYS: Final = f"{UNROUTED}/"
_place: Final = itemgetter(0)
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Failure:
    """Our code failed on an event: its account is parked there.

    Attributes:
        error: The class of the error.
        message: Its text, shortened; never a body.
    """

    account: str
    position: int
    error: str
    message: str

    @classmethod
    def of(cls, account: str, position: int, error: BaseException) -> Failure:
        """Return the failure that *error* was."""
        return cls(
            account=account,
            position=position,
            error=type(error).__name__,
            message=" ".join(str(error).split())[:200],
        )


@attrs.define(kw_only=True)
class Reading:
    """What a batch of events gives, before any of it is applied.

    Attributes:
        facts: In order of position; none of an account at or after its failure.
    """

    facts: list[tuple[int, Fact]] = attrs.Factory(list)
    failures: dict[str, Failure] = attrs.Factory(dict)


@attrs.define(kw_only=True)
class Applied:
    """What applying a batch made.

    Attributes:
        changed: The objects with a new state.
        late: Accounts to be folded anew, each with the position that asks for it.
    """

    changed: set[Key] = attrs.Factory(set)
    late: dict[str, int] = attrs.Factory(dict)
    failures: dict[str, Failure] = attrs.Factory(dict)


def parked_as(event: Event) -> str:
    """Return what is parked where our code fails on *event*: its account.

    What has none shares a stream with all that has none, so it is its object alone.
    """
    if event.account:
        return event.account
    if isinstance(event, StripeEvent):
        return parked_name(UNROUTED, event.object_id or event.event_id)
    own = event.originator_id if isinstance(event, UnknownEvent) else str(event)
    return parked_name(UNROUTED, own)


def is_nobodys(parked: str) -> bool:
    """Tell whether *parked* names an object that has no account."""
    return parked.startswith(_NOBODYS)


def parked_name(account: str, name: str) -> str:
    """Return what is parked where our code fails on the object *name* of *account*."""
    return f"{_NOBODYS}{name}" if account in {UNROUTED, ""} else account


def read(
    translation: Translation, recorded: Iterable[Recorded], parked: Collection[str] = ()
) -> Reading:
    """Translate *recorded*, but nothing of *parked* accounts."""
    reading = Reading()
    failures, facts = reading.failures, reading.facts
    for one in recorded:
        event = one.event
        translate = translation.of(event)
        if translate is None:
            continue
        account = parked_as(event)
        if account in failures or account in parked:
            continue
        try:
            facts += [(one.position, fact) for fact in translate(one)]
        except Exception as error:  # noqa: BLE001 - parks this account, stops no other
            failures[account] = Failure.of(account, one.position, error)
    return reading


def streams(projection: Projection[Any], facts: Iterable[tuple[int, Fact]]) -> Streams:
    """Return *facts*, but those that *projection* does not handle, by their object."""
    handlers = projection.handlers
    found: Streams = {}
    for placed in facts:
        fact = placed[1]
        if type(fact) in handlers:
            key = (fact.account, fact.object_id)
            stream = found.get(key)
            if stream is None:
                found[key] = [placed]
            else:
                stream.append(placed)
    return found


def apply(
    projection: Projection[Any],
    facts: Iterable[tuple[int, Fact]],
    states: MutableMapping[Key, Any],
) -> Applied:
    """Apply *facts* to *states*, in place; every state they need is there or initial."""
    return apply_streams(projection, streams(projection, facts), states)


def apply_streams(
    projection: Projection[Any], streams: Streams, states: MutableMapping[Key, Any]
) -> Applied:
    """Apply *streams* to *states*, in place; every state they need is there or initial.

    Each object takes its facts together; an account where that does not go smoothly
    takes them one by one, so that it is known where it fails.
    """
    handlers, initial = projection.handlers, projection.initial
    after: dict[Key, Any] = {}
    rough: set[str] = set()
    for key, stream in streams.items():
        before = states.get(key, initial)
        try:
            state = _taken(handlers, before, stream)
        except Exception:  # noqa: BLE001 - it will say so again, one by one
            state = None
        if state is None:
            rough.add(key[0])
        elif state is not before:
            after[key] = state
    if rough:
        after = {key: state for key, state in after.items() if key[0] not in rough}
    states.update(after)
    applied = Applied(changed=set(after))
    if rough:
        left = [stream for key, stream in streams.items() if key[0] in rough]
        in_order = sorted(chain.from_iterable(left), key=_place)
        _apply_in_order(projection, in_order, states, applied)
    return applied


def _taken(
    handlers: Mapping[type[Fact], Callable[[Any, Any], Any]],
    state: Any,  # noqa: ANN401 - of any projection
    stream: Sequence[tuple[int, Fact]],
) -> Any:  # noqa: ANN401
    """Return *state* after the facts of one object; None if one comes too late."""
    if len(stream) == 1:
        fact = stream[0][1]
        return handlers[type(fact)](state, fact)
    together: dict[Callable[[Any, Any], Any], list[Fact]] = {}
    for _, fact in stream:
        handler = handlers[type(fact)]
        if handler in TOGETHER:
            together.setdefault(handler, []).append(fact)
            continue
        state = handler(state, fact)
        if state is None:
            return None
    for handler, facts in together.items():
        state = TOGETHER[handler](state, facts)
        if state is None:
            return None
    return state


def _apply_in_order(
    projection: Projection[Any],
    facts: Iterable[tuple[int, Fact]],
    states: MutableMapping[Key, Any],
    applied: Applied,
) -> None:
    late, failures, changed = applied.late, applied.failures, applied.changed
    handlers, initial = projection.handlers, projection.initial
    for position, fact in facts:
        account = fact.account
        if account in late:
            continue
        if failures and parked_name(account, fact.object_id) in failures:
            continue
        key = (account, fact.object_id)
        before = states.get(key, initial)
        try:
            after = handlers[type(fact)](before, fact)
        except Exception as error:  # noqa: BLE001 - parks this account, stops no other
            parked = parked_name(account, fact.object_id)
            failures[parked] = Failure.of(parked, position, error)
            continue
        if after is None:
            late[account] = position
        elif after is not before:
            states[key] = after
            changed.add(key)


def keys(projection: Projection[Any], facts: Iterable[tuple[int, Fact]]) -> set[Key]:
    """Return the objects that *facts* are about."""
    handlers = projection.handlers
    return {(fact.account, fact.object_id) for _, fact in facts if type(fact) in handlers}


def fold(
    projection: Projection[Any], facts: Iterable[tuple[int, Fact]]
) -> Mapping[Key, Any]:
    """Return the states that *facts* make from nothing, whatever order they are in."""
    states: dict[Key, Any] = {}
    for _, fact in sorted(facts, key=_when):
        handler = projection.handlers.get(type(fact))
        if handler is not None:
            key = (fact.account, fact.object_id)
            before = states.get(key, projection.initial)
            after = handler(before, fact)
            if after is not before:
                states[key] = after
    return states


def fold_anew(
    projection: Projection[Any],
    translation: Translation,
    account: str,
    recorded: Sequence[Recorded],
    late: int,
) -> tuple[Mapping[Key, Any] | None, Failure | None]:
    """Fold *account* from its stream; where that fails, up to where it still works.

    Args:
        recorded: All of its events, by position.
        late: The first position that the kept states lack.

    Returns:
        The states, None if the kept ones must stay; and the failure, if any.
    """
    reading = read(translation, recorded)
    failure = next(iter(reading.failures.values()), None)
    try:
        return fold(projection, reading.facts), failure
    except Exception as error:  # noqa: BLE001 - parks this account, stops no other
        last = error
    kept: Mapping[Key, Any] | None = None
    for position in sorted({at for at, _ in reading.facts if at >= late}):
        try:
            prefix = [(at, fact) for at, fact in reading.facts if at <= position]
            kept = fold(projection, prefix)
        except Exception as error:  # noqa: BLE001 - the first prefix that fails
            return kept, Failure.of(account, position, error)
    return kept, Failure.of(account, late, last)


def _when(placed: tuple[int, Fact]) -> tuple[datetime, int]:
    position, fact = placed
    return fact.occurred_at or _BEFORE_ALL, position
