"""What stands outside the streams of some accounts, fetched once for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import attrs

from projections.account import Account
from projections.assembly import ROAMING, Kept, Needs, named_products, surrounded
from projections.models.catalogue import CATALOGUE
from projections.projector.folding import Key
from projections.reading import Reader
from replay.past.log_then import Then, is_known

A = TypeVar("A")


@attrs.frozen
class Around:
    """What stands outside the streams of some accounts.

    Attributes:
        roaming: What names no customer, by what it names.
    """

    kept: Kept
    roaming: Mapping[str | None, Sequence[tuple[str, Key, Any]]]

    def answered(
        self,
        ask: Callable[[Account, datetime], A],
        asked: Needs,
        account: Account,
        moment: Then,
    ) -> A | None:
        """Return what *account* answers at *moment*; None if nothing was known of it."""
        if not is_known(account):
            return None
        own: defaultdict[str, dict[Key, Any]] = defaultdict(dict)
        for name in asked.referred:
            for projection, key, state in self.roaming.get(name, ()):
                own[projection][key] = state
        whole = surrounded(
            account,
            {**self.kept, **{each.name: own[each.name] for each in ROAMING}},
            known=moment.head.position,
            moment=moment.moment,
        )
        return ask(whole, moment.now)


async def around_of(reader: Reader, asked: Sequence[Needs]) -> Around:
    """Return what any of *asked* needs, and the products of the prices among it."""
    wares = frozenset().union(*(each.wares for each in asked))
    referred = frozenset().union(*(each.referred for each in asked))
    found = await reader.around(Needs(wares=wares, referred=referred))
    further = named_products(found) - wares
    if further:
        more = await reader.around(Needs(wares=further))
        both = {**found.get(CATALOGUE.name, {}), **more.get(CATALOGUE.name, {})}
        found = {**found, CATALOGUE.name: both}
    roaming: defaultdict[str | None, list[tuple[str, Key, Any]]] = defaultdict(list)
    for each in ROAMING:
        for key, state in found.get(each.name, {}).items():
            name = None if each.refers is None else each.refers(state)
            roaming[name].append((each.name, key, state))
    return Around(found, roaming)
