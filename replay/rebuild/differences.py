"""How the kept rows of a read model differ from what the log makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final

import attrs
import msgspec

from projections.models.declaration import Projection
from projections.projector.folding import Failure, Key, parked_name
from projections.projector.rows import Codec, Row
from replay.rebuild.differing import Parting, parting, said

NAMED_MAX: Final = 1000


@attrs.frozen(kw_only=True)
class Difference:
    """An object whose kept row is not what the log makes of it.

    Attributes:
        object_id: Empty where nothing can be made of the whole account.
        what: ``missing``, ``extra``, ``other`` or ``unfoldable``.
        field: Where the state parts from what the log says; None for a whole row.
        expected: What the log says stands there.
        actual: What is kept.
    """

    projection: str
    account: str
    object_id: str
    what: str
    field: str | None = None
    expected: str | None = None
    actual: str | None = None


@attrs.frozen(kw_only=True)
class Compared:
    """One read model, compared.

    Attributes:
        rows: How many the log makes.
        position: The bookmark up to which it was compared.
        differing: How many objects differ.
        differences: The first of them, at most `NAMED_MAX`.
        parked: Accounts that are not compared: they wait for a repaired release.
    """

    projection: str
    rows: int
    position: int
    differing: int
    differences: tuple[Difference, ...]
    parked: tuple[str, ...] = ()


class Found:
    """Counts the objects that differ, and names the first of them.

    Args:
        parked: Accounts that are not compared: they wait for a repaired release.
        failed: What our code failed on, now; of those who are parked it is no news.
    """

    def __init__(
        self,
        projection: Projection[Any],
        parked: AbstractSet[str],
        failed: Iterable[Failure] = (),
    ) -> None:
        self.count = 0
        self.named: list[Difference] = []
        self._codec = Codec(projection)
        self._name = projection.name
        self._parked = parked
        self._passed_over = set(parked)
        for each in failed:
            if each.account not in parked:
                self._passed_over.add(each.account)
                self._name_unfoldable(each)

    def compared(self, rows: int, position: int) -> Compared:
        """Return what was found among *rows*, as of *position*."""
        return Compared(
            projection=self._name,
            rows=rows,
            position=position,
            differing=self.count,
            differences=tuple(sorted(self.named, key=_place)),
            parked=tuple(sorted(self._parked)),
        )

    def take(self, key: Key, wanted: Row | None, kept: Row | None) -> None:
        """Take note of an object, if it differs."""
        if wanted == kept or parked_name(*key) in self._passed_over:
            return
        self.count += 1
        if len(self.named) == NAMED_MAX:
            return
        what = "missing" if kept is None else "extra" if wanted is None else "other"
        difference = Difference(
            projection=self._name,
            account=key[0],
            object_id=key[1],
            what=what,
            **_where(self._codec, wanted, kept),
        )
        self.named.append(difference)

    def _name_unfoldable(self, failure: Failure) -> None:
        self.count += 1
        difference = Difference(
            projection=self._name,
            account=failure.account,
            object_id="",
            what="unfoldable",
            expected=f"#{failure.position:,}: {failure.error}",
        )
        self.named.append(difference)


def _place(difference: Difference) -> Key:
    return difference.account, difference.object_id


def _where(codec: Codec[Any], wanted: Row | None, kept: Row | None) -> dict[str, str]:
    """Return field, expected and actual of a row that both have."""
    if wanted is None or kept is None:
        return {}
    if wanted.state == kept.state:
        found: Parting | None = Parting("refers", said(wanted.refers), said(kept.refers))
    else:
        try:
            found = parting(codec.decode(wanted.state), codec.decode(kept.state))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            found = Parting("state", "what can be read", f"{type(error).__name__}: {error}")
    if found is None:  # the same values, written otherwise
        found = Parting("state", wanted.state.hex()[:40], kept.state.hex()[:40])
    return attrs.asdict(found)
