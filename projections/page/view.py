"""What the page shows of a billing document, in the order in which it shows it.

    no subscription ever, or ended by Stripe     start, or restart
    anything else                                manage

Nothing is computed here that the document does not say: words are chosen, not figures.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import attrs

from projections.page import banners, methods
from projections.page.banners import Banner
from projections.page.document import Document, Finding, Invoice, Line
from projections.page.methods import Method
from projections.page.texts import words

INVOICES_SHOWN: Final = 6
_ENDED: Final = frozenset({"canceled", "incomplete_expired"})


class Mode(enum.StrEnum):
    """Which of the three pages it is."""

    MANAGE = "manage"
    START = "start"
    RESTART = "restart"


@attrs.frozen
class Badge:
    """The badge: words, a tone, and an icon for those who do not see the tone."""

    text: str
    tone: str
    icon: str


@attrs.frozen(kw_only=True)
class Seats:
    """The line of the seats: ``12 seats · 10 included · 2 extra``.

    Attributes:
        total: Billed for this period; None where nobody can tell.
        unit: The price of an extra one, in decimals of minor units.
    """

    total: int | None
    included: int | None
    active: int | None
    extra: int
    unit: str | None
    freed: int
    drift: int
    wanted: int | None
    stripe_quantity: int | None
    from_stripe: bool

    @property
    def unused(self) -> int:
        """How many nobody holds: of those included, or of those billed beyond them."""
        held = self.total if self.active is None else self.active
        return max(0, max(self.included or 0, self.total or 0) - (held or 0))

    @property
    def bar(self) -> list[tuple[str, int, int]]:
        """What a bar of a hundred parts shows: a kind, from where, how wide."""
        whole = max(self.included or 0, self.total or 0)
        if not whole:
            return []
        used = whole - self.unused
        within = min(used, self.included or 0)
        edge, end = within * 100 // whole, used * 100 // whole
        found = [("used", 0, edge), ("extra", edge, end - edge)]
        return [part for part in found if part[2] > 0]


@attrs.frozen(kw_only=True)
class Page:
    """All of the page but figures' and dates' spelling.

    Attributes:
        name: The product's own id of the account, else Stripe's.
        lines: Each with what it is, and which.
        dunned: Whether a failed payment is still open.
        more_invoices: Whether there are others than those shown.
        differences: What does not fit together, for all to see.
    """

    document: Document
    mode: Mode
    name: str
    badge: Badge
    access: str
    banners: tuple[Banner, ...]
    dunned: bool
    seats: Seats | None
    lines: tuple[tuple[Line, str, str | None], ...]
    invoices: tuple[Invoice, ...]
    more_invoices: bool
    methods: tuple[Method, ...]
    differences: tuple[Finding, ...]

    @property
    def sources_differ(self) -> bool:
        """Whether the total's lines do not all come from the same place."""
        return len({line.source for line, _, _ in self.lines}) > 1

    @staticmethod
    def say(finding: Finding) -> str:
        """Return what *finding* means to an admin."""
        return _FINDINGS.get(finding.code, finding.message)

    @property
    def now(self) -> datetime:
        """The moment at which dates are evaluated."""
        return self.document.meta.as_of


def page(document: Document) -> Page:
    """Return what there is to see of *document*."""
    mode = mode_of(document)
    return Page(
        document=document,
        mode=mode,
        name=document.linked_account or document.account,
        badge=badge(document),
        access=_access(document),
        banners=banners.banners(document, ended=mode is not Mode.MANAGE),
        dunned=banners.is_dunned(document) is not None,
        seats=_seats(document),
        lines=tuple((line, *line_name(line)) for line in document.period_total.lines)
        if document.period_total
        else (),
        invoices=tuple(document.invoices[:INVOICES_SHOWN]),
        more_invoices=len(document.invoices) > INVOICES_SHOWN,
        methods=methods.methods(document),
        differences=tuple(each for each in document.findings if each.severity != "info"),
    )


def mode_of(document: Document) -> Mode:
    """Return which page *document* asks for; a policy's cancellation can be taken back."""
    if document.subscription is None:
        return Mode.START
    return Mode.RESTART if document.subscription.status in _ENDED else Mode.MANAGE


def badge(document: Document) -> Badge:
    """Return the badge of *document*; there is always one."""
    if document.badge is None:
        return Badge("No subscription", "neutral", "none")
    tone = document.badge.tone if document.badge.tone in _ICONS else "neutral"
    return Badge(document.badge.text, tone, _ICONS[tone])


def line_name(line: Line) -> tuple[str, str | None]:
    """Return what *line* is, and which one it is where that says more."""
    name, told = _LINES.get(line.kind), line.description
    if name is None or (told or "").casefold().startswith(name.casefold()):
        return told or words(line.kind), None
    return name, told


def _access(document: Document) -> str:
    known = _ACCESS.get(document.access.level)
    return known or document.access.level.replace("_", " ")


def _seats(document: Document) -> Seats | None:
    seats = document.seats
    if seats is None or (seats.billed is None and seats.active is None):
        return None
    total = seats.billed if seats.billed is not None else seats.active
    return Seats(
        total=total,
        included=seats.included,
        active=seats.active,
        extra=seats.extra or 0,
        unit=_seat_price(document),
        freed=seats.freed_next_cycle or 0,
        drift=seats.drift or 0,
        wanted=seats.wanted,
        stripe_quantity=seats.stripe_quantity,
        from_stripe=seats.source == "stripe",
    )


def _seat_price(document: Document) -> str | None:
    """Return the price of a seat, where all seats of the period have the same."""
    total = document.period_total
    prices = {
        line.unit_amount_decimal
        for line in (total.lines if total else ())
        if line.kind == "seat" and line.amount > 0
    }
    return prices.pop() if len(prices) == 1 else None


_ICONS: Final = {
    "success": "check",
    "info": "clock",
    "warning": "alert",
    "danger": "stop",
    "neutral": "none",
}
_FINDINGS: Final = {
    "differs_from_stripe": "Stripe had other figures when these were last compared with "
    "its own. It is being looked into.",
    "cancel_not_executed": "The subscription was to end, as nothing was paid for so long, "
    "but Stripe has not ended it yet.",
    "gap_suspected": "A message of Stripe's may be missing; it is being asked for.",
    "ambiguous_order": "Two changes of the same second could stand in either order.",
    "several_seat_subscriptions": "More than one running subscription has seats.",
    "link_conflict": "More than one customer of Stripe's claims this account.",
    "disputed": "A payment is disputed with the bank.",
}
_LINES: Final = {"base": "Base plan", "seat": "Seats", "tax": "Tax"}
_ACCESS: Final = {
    "full": "Full access",
    "read_only": "Read-only access",
    "none": "No access",
}
