"""What an account is, for whoever is about to ask something of Stripe for it.

Read from the read models, once they have all that the log has: nobody may subscribe twice
because a projector was late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs

from ledger.errors import UnavailableError
from ledger.log import Log
from ledger.problems import Problem
from ledger.tokens import Grant
from projections.api.questions import Question
from projections.models.links import is_customer
from projections.page.pricing import Prices, prices_of
from projections.reading import Reader
from projections.status.access import is_live
from projections.views import Views
from projections.wares import Price
from webhooks.hosted_terms import WIRE, currency_of, methods

WAIT_S: Final = 2.0
PAUSE_S: Final = 0.02


@attrs.frozen(kw_only=True)
class Standing:
    """An account at this moment.

    Attributes:
        streams: All names of the account.
        live: Whether a subscription of it may still bill.
        currency: What it has been billed in; None before the first time.
        prices: Those on offer, by id, as far as they are known.
    """

    account: str
    streams: frozenset[str] = frozenset()
    customer: str | None = None
    product: str | None = None
    live: bool = False
    currency: str | None = None
    country: str | None = None
    prices: Mapping[str, Price] = attrs.Factory(dict)

    def terms(self, price: str, quantity: int, country: str | None) -> dict[str, str]:
        """Return who pays, in what, and how, for *quantity* of *price*."""
        known = self.prices.get(price)
        currency = currency_of(country or self.country)
        if country is None and self.country is None and known and known.currency:
            currency = known.currency
        same = known is not None and known.currency == currency
        total = _total(known, quantity) if known and same else None
        offered = methods(currency, known.interval if known else None, total)
        if self.customer is None:
            # A wire is received for a customer, and there is none yet.
            offered = tuple(each for each in offered if each != WIRE)
        found = {"currency": currency, "methods": ",".join(offered)}
        if self.customer is not None:
            found["customer"] = self.customer
        if self.product is not None:
            found["account"] = self.product
        return found


@attrs.frozen(kw_only=True)
class Standings:
    """Finds accounts in the read models."""

    views: Views
    reader: Reader
    log: Log
    prices: tuple[str, ...]

    async def of(self, account: str) -> Standing:
        """Return what *account* is; of one that nobody has heard of, only its name.

        Raises:
            UnavailableError: The read models are behind, or the database is away.
        """
        await self._caught_up()
        product = None if is_customer(account) else account
        known: Prices = await prices_of(self.reader, self.prices, self.views.clock())
        nobody = Standing(
            account=account,
            customer=account if product is None else None,
            product=product,
            prices=known,
        )
        try:
            view = await self.views.view(account, Question(), Grant(scopes=frozenset()))
        except Problem as error:
            if error.status != 404:  # noqa: PLR2004
                raise
            return nobody
        told = view.answer()
        linked = view.linked
        return attrs.evolve(
            nobody,
            streams=linked.streams,
            customer=linked.customer or nobody.customer,
            product=linked.product or product,
            live=any(is_live(each.subscription.status) for each in told.subscriptions),
            currency=told.customer.currency if told.customer else None,
            country=told.customer.country if told.customer else None,
        )

    async def _caught_up(self) -> None:
        head = (await self.log.head()).position
        loop = asyncio.get_running_loop()
        end = loop.time() + WAIT_S
        while await self.reader.position() < head:
            if loop.time() > end:
                raise UnavailableError("the read models are behind; ask again soon")
            await asyncio.sleep(PAUSE_S)


def _total(price: Price, quantity: int) -> int | None:
    """Return what *quantity* of *price* costs; None where tiers decide."""
    if price.unit_amount is None or price.tiers_mode is not None:
        return None
    try:
        return int(Decimal(price.unit_amount) * quantity)
    except InvalidOperation:
        return None
