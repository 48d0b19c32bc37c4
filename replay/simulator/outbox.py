"""Events on their way out, and what each object looked like when last told of."""

from __future__ import annotations

import attrs

from replay.simulator.chances import Chance
from replay.simulator.envelope import AUTOMATIC, Envelope, Request, previous_attributes
from replay.simulator.identities import Identities
from replay.simulator.occurrences import Occurrence, StripeOccurrence
from replay.simulator.shapes import Shape

_PENDING_MAX = 2


@attrs.define(kw_only=True)
class Outbox:
    """Renders events of one customer, in the order they are told.

    Attributes:
        account: The customer (``cus_…``); None for events that are nobody's.
        waiting: Told, and not yet taken.
        hidden: By object id, what no event shows of it: keys that an answer of the API
            holds only when asked to expand them.
    """

    shape: Shape
    account: str | None
    ids: Identities
    chance: Chance
    waiting: list[Occurrence] = attrs.field(factory=list)
    hidden: dict[str, dict[str, object]] = attrs.field(factory=dict)
    _latest: dict[object, dict[str, object]] = attrs.field(factory=dict)
    _at: int = 0
    _request: Request = AUTOMATIC

    def begin(self, at: int, *, requested: bool) -> None:
        """Start a group of events of one second, by one API request or by Stripe itself."""
        self._at = at
        self._request = (
            Request(self.ids.short("req"), self.ids.uuid()) if requested else AUTOMATIC
        )

    @property
    def at(self) -> int:
        """The second of the group of events that was begun last."""
        return self._at

    def tell(
        self,
        kind: str,
        rendered: dict[str, object],
        *,
        previous: dict[str, object] | None = None,
        late_s: int = 0,
    ) -> None:
        """Add the event *kind* about an object; an update that changed nothing is none.

        Ids are drawn for what is not sent, too: the same life has the same ids in each
        version.

        Args:
            kind: Stripe's type.
            rendered: The object; kept, if it may be updated.
            previous: What changed, for the few types that say so without an update.
            late_s: By how much Stripe's first attempt is late.
        """
        event_id = self.ids.dated("evt", self._at)
        pending = self.chance.between(1, _PENDING_MAX)
        if kind in self.shape.traits.unsent:
            return
        if kind.endswith("updated"):
            previous = previous_attributes(self._latest[rendered["id"]], rendered)
            if not previous:
                return
        if kind.endswith(("updated", ".created", ".attached")):
            self._latest[rendered["id"]] = rendered
        envelope = Envelope(
            event_id=event_id,
            type=kind,
            shape=self.shape,
            created=self._at,
            subject=rendered,
            previous=previous,
            request=self._request,
            pending_webhooks=pending,
        )
        self.waiting.append(
            StripeOccurrence(
                event_id=event_id,
                type=kind,
                created=self._at,
                sent=self._at + late_s,
                account=self.account,
                body=envelope.to_bytes(),
            )
        )

    def remember(self, rendered: dict[str, object]) -> None:
        """Know what an object looks like of whose making no event tells."""
        self._latest[rendered["id"]] = rendered

    def forget(self, object_id: str | None) -> None:
        """Drop what is known of an object that will not change any more."""
        self._latest.pop(object_id, None)

    def take(self) -> list[Occurrence]:
        """Return what waits, and wait for more."""
        taken, self.waiting = self.waiting, []
        return taken
