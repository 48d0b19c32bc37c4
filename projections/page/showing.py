"""What a visitor is shown of an account: as it is kept, or with all that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import msgspec
from aiohttp import web

from ledger.moments import rfc3339
from ledger.problems import Problem, unknown_account
from ledger.tokens import Grant, Scope
from projections import rendering
from projections.answer import Billing
from projections.api.accounts import BEFORE_ALL
from projections.api.billings import Beside
from projections.api.kept_answers import Kept, KeptAnswers, Watch
from projections.api.questions import Question
from projections.api.responses import Written, meta
from projections.dunning.timelines import Timeline
from projections.page.document import Document
from projections.page.sessions import Session
from projections.page.visits import now_of
from projections.pulse import Beat
from projections.views import View, Views

TAG_CHARS: Final = 16
_DOCUMENT: Final = msgspec.json.Decoder(Document)


@attrs.frozen(kw_only=True)
class Shown:
    """An account as its page shows it.

    Attributes:
        tag: Changes whenever anything but ``meta`` does.
        view: None where nothing is known of it yet.
        billing: What it is made of, where that was asked for.
        dunning: All timelines of unpaid invoices, the oldest first.
        kept: The kept answer that it was taken from, if it was.
    """

    document: Document
    tag: str
    view: View | None = None
    billing: Billing | None = None
    dunning: Sequence[Timeline] = ()
    kept: Kept[Beside] | None = None


@attrs.frozen(kw_only=True)
class Showing:
    """Finds what is shown."""

    views: Views
    watch: Watch
    billings: KeptAnswers[str, Beside]

    async def kept(self, request: web.Request, session: Session) -> Shown:
        """Return what is shown to *session*, without what it is made of."""
        beat = await self.watch.pulse.take()
        now = max(self.views.clock(), beat.head_at or BEFORE_ALL)
        kept = await self.billings.find(session.account, now)
        if kept is None:
            return await self.whole(request, session, beat)
        view = kept.view(beat, _grant(session), now)
        return Shown(
            document=_DOCUMENT.decode(kept.written.with_meta(meta(view))),
            tag=_tag(kept.written),
            view=view,
            dunning=kept.answer.dunning,
            kept=kept,
        )

    async def whole(
        self, request: web.Request, session: Session, beat: Beat | None = None
    ) -> Shown:
        """Return what is shown to *session*, and what it is made of."""
        try:
            view = await self.views.view(session.account, Question(), _grant(session), beat)
        except Problem as error:
            if error.status != unknown_account().status:
                raise
            # The product knows it, we do not yet: there is a subscription to start.
            now = rfc3339(now_of(request))
            body: dict[str, Any] = {"account": session.account, "meta": {"as_of": now}}
            return Shown(document=msgspec.convert(body, Document), tag="")
        billing = await view.answered()
        told = Written.of(rendering.billing(billing))
        return Shown(
            document=_DOCUMENT.decode(told.with_meta(meta(view))),
            tag=_tag(told),
            view=view,
            billing=billing,
            dunning=billing.dunning,
        )


def _grant(session: Session) -> Grant:
    return Grant(scopes=frozenset({Scope.READ}), account=session.account)


def _tag(told: Written) -> str:
    return told.tag.strip('"')[:TAG_CHARS]
