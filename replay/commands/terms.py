"""Show or set what a price means: base, seats, how many are included, how they are charged.

    bl terms show                        every price, and who said so
    bl terms show price_team             one, with all that was ever set
    bl terms show --as-of 2026-11-01     what held then
    bl terms set price_team --role base --included 3
    bl terms set price_seat --role seat --quantity extra
    bl terms set price_seat --increase full --effective-at 2027-01-01
    bl terms set price_seat --forget     leave it to Stripe again

Where nothing is set, Stripe's metadata counts (billing_role, included_seats,
seat_quantity, seat_increase on the price, else on its product); where that says nothing
either, the terms are inferred from the prices. What is set is an event of the log, in
force from --effective-at, else from now on, and corrects the past if it is dated there.
Options that are left out stay as they were set before. Setting what is in force already
appends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

import attrs
from cyclopts import Parameter

from ledger.clock import utc_now
from ledger.errors import NotFoundError
from ledger.events import TermsSet
from ledger.masking import masked
from projections import facts
from projections.account import Account
from projections.models.catalogue import Catalogue
from projections.models.subscriptions import SUBSCRIPTIONS
from replay.accounts import catalogue_of
from replay.arguments.moments import later
from replay.arguments.options import Asking, Reporting, UsageError
from replay.arguments.terms_given import COUNTS, INCREASES, PARTS, Given, said_by, sentence
from replay.decisions import DECLINED, append, confirm, decided, require_names
from replay.everyone import Asking as Everyone
from replay.everyone_asked import asked_of_all, moment_asked
from replay.ledgers import connected, database, state
from replay.report.output import write
from replay.report.report import Column, Record, Report
from replay.report.stamp import Stamp
from replay.report.stamping import stamp_of
from replay.report.words import say
from replay.shown.price_terms import PriceTerms, price_terms

SOURCES: Final = {
    "set": "set here",
    "metadata": "metadata in Stripe",
    "inferred": "inferred",
}


def _itself(account: Account, _: object) -> Sequence[Account]:
    return [account]


_SUBSCRIBED: Final = Everyone(ask=_itself, of=(SUBSCRIPTIONS,))


def _counts(record: Record) -> object:
    return COUNTS.get(str(record["counts"]) if record["counts"] else None)


def _increase(record: Record) -> object:
    return INCREASES.get(str(record["increase"]) if record["increase"] else None)


def _source(record: Record) -> object:
    said = SOURCES[str(record["source"])]
    return f"{said}; differs by subscription" if record["varies"] else said


PRICES = (
    Column("price", "price"),
    Column("name", "name", spare=2),
    Column("role", "role", fixed=True),
    Column("included", "included", fixed=True),
    Column("counts", "quantity counts", fixed=True, spare=3, words=_counts),
    Column("increase", "an added seat is charged", fixed=True, spare=4, words=_increase),
    Column("source", "from", words=_source),
    Column("subscriptions", "subscriptions", fixed=True, spare=1),
    Column("varies", ""),
    Column("evidence", ""),
)
SAID = (
    Column("position", "#", fixed=True),
    Column("effective_at", "in force from", fixed=True),
    Column("recorded_at", "set", fixed=True),
    Column("role", "role"),
    Column("included", "included"),
    Column("counts", "quantity counts"),
    Column("increase", "increase"),
    Column("actor", "by"),
)


def show(price: str | None = None, /, *, options: Asking | None = None) -> int:
    """Show what each price means, and where that comes from.

    Args:
        price: Only this price, with all that was ever set for it.
    """
    options = options or Asking()
    with database() as conninfo, connected(conninfo) as connection:
        moment = moment_asked(connection, options, _SUBSCRIBED.of)
        catalogue = attrs.evolve(catalogue_of(connection), known=moment.head.position)
        everybody = asked_of_all(conninfo, moment, options, _SUBSCRIBED, "terms")
        found = price_terms(catalogue, everybody, moment.now)
        stamp = stamp_of(connection)
        if price is not None:
            report = _one(price, found, catalogue, stamp)
        else:
            report = Report(
                columns=PRICES,
                records=[_record(each) for each in found],
                records_name="prices",
                card=() if found else (("prices", "none is known yet"),),
                stamp=stamp,
            )
        write(report, options)
    return 0


def store(
    price: str,
    /,
    *,
    given: Given | None = None,
    forget: Annotated[bool, Parameter(negative="")] = False,
    effective_at: str | None = None,
    actor: str | None = None,
    options: Reporting | None = None,
) -> int:
    """Set what a price means.

    Args:
        price: Stripe's price id.
        given: What it means.
        forget: Leave all of it to Stripe's metadata again.
        effective_at: From when: 2027-01-01, a time, or 30d ahead; without, from now on.
        actor: Who decided, by the name the product knows.
    """
    options = options or Reporting()
    given = given or Given()
    if forget == (given != Given()):
        raise UsageError(
            "give --forget alone, or at least one of --role, --included, --quantity, "
            "--increase"
        )
    require_names(price, actor)
    now = utc_now()
    at = None if effective_at is None else later(effective_at, now)
    with database() as conninfo:
        with connected(conninfo) as connection:
            state(connection)
            if f"price:{price}" not in catalogue_of(connection).entries:
                say(f"bl: no event has told of a price {price} yet")
        before = decided(conninfo).terms(price, at or now)
        event = given.event(price, None if forget else before, at, actor)
        position = None
        if said_by(event) != said_by(before):
            if not confirm(sentence(event), options):
                return DECLINED
            position = append(conninfo, event)
        with connected(conninfo) as connection:
            stamp = stamp_of(connection)
        write(_stored(event, before, position, stamp), options)
    return 0


def _one(
    price: str,
    found: Sequence[PriceTerms],
    catalogue: Catalogue,
    stamp: Callable[[int], Stamp],
) -> Report:
    record = next((_record(each) for each in found if each.price == price), None)
    if record is None:
        raise NotFoundError(f"no event tells of a price {price}; see bl terms show")
    entry = catalogue.entries.get(f"terms:{price}")
    said = () if entry is None else entry.terms
    known = set(catalogue.evidence(f"terms:{price}"))
    titles = [column for column in PRICES if column.title]
    return Report(
        columns=SAID,
        records=[_set(each) for each in said if each.position in known],
        records_name="set",
        facts=dict(record),
        card=tuple(
            ("" if column.key == "price" else column.title, column.said(record))
            for column in titles
        ),
        stamp=stamp,
    )


def _record(terms: PriceTerms) -> dict[str, object]:
    return {column.key: getattr(terms, column.key) for column in PRICES} | {
        "name": None if terms.name is None else masked(terms.name)
    }


def _set(terms: facts.TermsSet) -> Record:
    return {
        "position": terms.position,
        "effective_at": terms.occurred_at,
        "recorded_at": terms.recorded_at,
        "actor": terms.actor,
        **{name: getattr(terms, name) for name in PARTS},
    }


def _stored(
    event: TermsSet,
    before: facts.TermsSet | None,
    position: int | None,
    stamp: Callable[[int], Stamp],
) -> Report:
    stands = position if position is not None or before is None else before.position
    words = "nothing changes" if position is None else "appended"
    where = "" if stands is None else f", #{stands:,}"
    return Report(
        facts={
            "ok": True,
            "changed": position is not None,
            "position": stands,
            "price": event.price,
            **dict(zip(PARTS, said_by(event), strict=True)),
            "effective_at": event.effective_at,
        },
        card=(("", f"{words}{where}"), ("now set", sentence(event))),
        stamp=stamp,
    )
