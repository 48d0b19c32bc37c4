"""Which payments are for which invoice, and which of them a bank refused.

    charge.invoice, intent.invoice             until basil
    charge → intent → order_reference          equal, or the first 25 characters at least
    charge or intent ← invoice payment         where Stripe tells of those
    the same amount, currency and hour         a guess, and marked as one

The invoice's own events carry no reason since basil; joined this way they find it, in
whichever order the two arrive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from projections.history import Current
from projections.models.traces import ACTION_REQUIRED, FAILED
from projections.objects import Invoice
from projections.payment_objects import Payment, Tie
from projections.shapes.payments import CHARGE

PREFIX_CHARS_MIN: Final = 25
NEAR: Final = timedelta(hours=1)

# They fail days after they were tried.
DEBITS: Final = frozenset(
    {
        "sepa_debit",
        "bacs_debit",
        "us_bank_account",
        "au_becs_debit",
        "acss_debit",
        "ach_debit",
    }
)

Invoices = Mapping[str, Current[Invoice]]
Payments = Mapping[str, Current[Payment]]
Ties = Mapping[str, Current[Tie]]


@attrs.frozen(kw_only=True)
class Try:
    """A payment that a bank refused, or wants confirmed by its owner.

    Attributes:
        id: Of the charge where one was made, else of the intent and when.
        at: When we were told; a debit was tried days before.
        what: ``failed`` or ``action_required``.
        reason: The bank's own code where there is one, else Stripe's.
        guess: Whether only amount and time say that it was for this invoice.
        tried: Whether *at* is when a debit was tried, since nobody told when it failed.
    """

    id: str
    at: datetime
    what: str
    reason: str | None
    message: str | None
    position: int
    guess: bool = False
    tried: bool = False


@attrs.frozen(kw_only=True)
class Paying:
    """What was paid, or tried, on one invoice.

    Attributes:
        charges: By id, without guesses.
    """

    tries: tuple[Try, ...] = ()
    charges: Mapping[str, Current[Payment]] = attrs.Factory(dict)

    @property
    def refunded(self) -> int:
        """What was given back of its charges, minor units."""
        return sum(each.value.refunded or 0 for each in self.charges.values())

    @property
    def receipt_url(self) -> str | None:
        """The receipt of its latest charge that has one."""
        dated = [
            (each.value.created or each.first_at, each.value.receipt_url)
            for each in self.charges.values()
            if each.value.receipt_url is not None and each.value.status == "succeeded"
        ]
        return max(dated, default=(None, None))[1]


def paying(invoices: Invoices, payments: Payments, ties: Ties) -> dict[str, Paying]:
    """Return, by invoice, what the payments of an account were for."""
    owners = _owners(invoices, payments, ties)
    charges: defaultdict[str, dict[str, Current[Payment]]] = defaultdict(dict)
    tries: defaultdict[str, dict[str, Try]] = defaultdict(dict)
    for name, current in payments.items():
        found = list(_tries(name, current))
        owner, guess = owners.get(name), False
        if owner is None and found:
            owner, guess = _guessed(current, found[0].at, invoices), True
        if owner is None:
            continue
        if current.value.kind == CHARGE and not guess:
            charges[owner][name] = current
        for one in found:
            _note(tries[owner], attrs.evolve(one, guess=guess))
    return {
        name: Paying(
            tries=tuple(sorted(tries[name].values(), key=_when)), charges=charges[name]
        )
        for name in invoices
        if name in tries or name in charges
    }


def _owners(invoices: Invoices, payments: Payments, ties: Ties) -> dict[str, str]:
    """Return the invoice of each payment that says so, or that something else ties."""
    tied: dict[str, str] = {}
    for _, tie in sorted(ties.items()):
        shown = tie.value
        for name in (shown.payment_intent, shown.charge):
            if shown.invoice is not None and name is not None:
                tied[name] = shown.invoice
    owners: dict[str, str] = {}
    for name, current in payments.items():
        shown_payment = current.value
        owner = shown_payment.invoice or tied.get(name)
        owner = owner or _referred(shown_payment.order_reference, invoices)
        if owner is not None and owner in invoices:
            owners[name] = owner
    for name, current in payments.items():
        through = owners.get(current.value.payment_intent or "")
        if through is not None:
            owners.setdefault(name, through)
    for name, current in sorted(payments.items()):
        owner, charge = owners.get(name), current.value.charge
        if owner is not None and charge is not None:
            owners.setdefault(charge, owner)
    return owners


def _referred(reference: str | None, invoices: Invoices) -> str | None:
    """Return the invoice that *reference* is, or the only one that it begins."""
    if reference is None or reference in invoices:
        return reference
    if len(reference) < PREFIX_CHARS_MIN:
        return None
    begun = [name for name in invoices if name.startswith(reference)]
    return begun[0] if len(begun) == 1 else None


def _guessed(current: Current[Payment], at: datetime, invoices: Invoices) -> str | None:
    """Return the only invoice of that amount which failed within the hour."""
    shown = current.value
    near = [
        name
        for name, invoice in invoices.items()
        if (invoice.value.amount_due, invoice.value.currency)
        == (shown.amount, shown.currency)
        and any(_failed_near(at, trace.what, trace.at) for trace in invoice.traces)
    ]
    return near[0] if len(near) == 1 else None


def _failed_near(at: datetime, what: str, failed_at: datetime) -> bool:
    return what in (FAILED, ACTION_REQUIRED) and abs(failed_at - at) <= NEAR


def _tries(name: str, current: Current[Payment]) -> Iterator[Try]:
    shown = current.value
    if shown.kind == CHARGE:
        if shown.status == "failed":
            yield Try(
                id=name,
                at=current.since,
                what=FAILED,
                reason=shown.decline_code or shown.code,
                message=shown.message,
                position=current.position,
                tried=shown.method_type in DEBITS and current.since == shown.created,
            )
        return
    for trace in current.traces:
        yield Try(
            id=trace.charge or f"{name} {trace.at:%Y%m%dT%H%M%S}",
            at=trace.at,
            what=trace.what,
            reason=trace.decline_code or trace.code,
            message=trace.message,
            position=trace.position,
        )


def _note(tries: dict[str, Try], one: Try) -> None:
    """Keep one try for each charge: its intent's words complete its own."""
    known = tries.get(one.id)
    if known is None:
        tries[one.id] = one
        return
    first, second = sorted((known, one), key=_when)
    tries[one.id] = attrs.evolve(
        first,
        what=FAILED if FAILED in (first.what, second.what) else first.what,
        reason=first.reason or second.reason,
        message=first.message or second.message,
        guess=first.guess and second.guess,
    )


def _when(one: Try) -> tuple[datetime, str, str, str]:
    return one.at, one.id, one.reason or "", one.message or ""


def evidence(tries: Iterable[Try]) -> tuple[int, ...]:
    """Return the positions of the events that told of *tries*."""
    return tuple(sorted({one.position for one in tries}))
