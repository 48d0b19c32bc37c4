"""The seller's catalogue over the years: made, changed, retired, and told late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from replay.simulator import plans as price_lists
from replay.simulator.agenda import Agenda
from replay.simulator.objects import catalogue, reductions
from replay.simulator.objects.taxes import tax_rate
from replay.simulator.offers import NO_OFFERS, Offers
from replay.simulator.outbox import Outbox
from replay.simulator.plans import Plan
from replay.simulator.prices import Price
from replay.simulator.renewals import DAY_S
from replay.simulator.season import Season
from replay.simulator.shapes import Shape

LATE_OFFER: Final = "Growth"
LATE_S: Final = 40 * DAY_S

_RETIRED_OFFER: Final = "Solo"
_WHOLE: Final = 100


@attrs.define(kw_only=True)
class Shop:
    """What is sold, and the events that tell of it.

    Attributes:
        plans: All of them, with the terms of the beginning.
        raised: Plans whose terms change, each with the plan it becomes.
        raised_at: When they do, whole seconds since 1970.
    """

    shape: Shape
    outbox: Outbox
    plans: tuple[Plan, ...]
    start: int
    until: int
    offers: Offers = NO_OFFERS
    agenda: Agenda = attrs.field(factory=Agenda)
    raised: dict[Plan, Plan] = attrs.field(factory=dict)

    @property
    def raised_at(self) -> int:
        """When the terms of some prices change."""
        return self._moment(40)

    def open(self, *, whole: bool) -> None:
        """Plan all that is told of the catalogue."""
        for price in (price for plan in self.plans for price in plan.prices if price.tiers):
            tiers = catalogue.expanded_price(price, self.shape)["tiers"]
            self.outbox.hidden[price.price_id] = {"tiers": tiers}
        if not whole:
            self.agenda.plan(self.start, self._tell_plain)
            return
        self.raised = {
            plan: raised for plan in self.plans if (raised := price_lists.raised(plan))
        }
        self.agenda.plan(self.start, self._tell_whole)
        self.agenda.plan(self.start, self._tell_offers)
        self.agenda.plan(self.start + LATE_S, self._tell_late)
        self.agenda.plan(self._moment(15), self._rename)
        self.agenda.plan(self.raised_at, self._raise_terms)
        season = Season(shape=self.shape, outbox=self.outbox)
        season.plan(self.agenda, self._moment)
        _Failure(shop=self).plan(self._moment)

    def tell_price(self, what: str, price: Price, *, late_s: int = 0) -> None:
        """Tell of a price, and of the plan it is to older code."""
        plan = catalogue.legacy_plan(price, self.shape)
        self.outbox.tell(f"plan.{what}", plan, late_s=late_s)
        shown = catalogue.price(price, self.shape)
        self.outbox.tell(f"price.{what}", shown, late_s=late_s)

    def _moment(self, percent: int) -> int:
        return self.start + (self.until - self.start) * percent // _WHOLE

    def _tell_plain(self, at: int) -> None:
        self.outbox.begin(at, requested=True)
        for plan in self.plans:
            self.outbox.tell("product.created", catalogue.product(plan, self.shape))
            for price in plan.prices:
                rendered = catalogue.price(price, self.shape)
                self.outbox.tell("price.created", rendered)

    def _tell_whole(self, at: int) -> None:
        products: set[str] = set()
        for plan in self.plans:
            self.outbox.begin(at, requested=True)
            if plan.product_id not in products:
                products.add(plan.product_id)
                rendered = catalogue.product(plan, self.shape)
                self.outbox.tell("product.created", rendered)
            if plan.name != LATE_OFFER:
                for price in plan.prices:
                    self.tell_price("created", price)

    def _tell_offers(self, at: int) -> None:
        self.outbox.begin(at, requested=True)
        for coupon in self.offers.coupons:
            shown = reductions.coupon(coupon, at)
            whole = reductions.expanded_coupon(coupon, at)
            self.outbox.hidden[coupon.coupon_id] = {
                name: whole[name] for name in whole.keys() - shown.keys()
            }
            self.outbox.tell("coupon.created", shown)
        for code in self.offers.codes:
            shown = reductions.promotion_code(code, at, self.shape)
            self.outbox.tell("promotion_code.created", shown)
        for thing in self.offers.things.values():
            self.outbox.tell("price.created", catalogue.price(thing, self.shape))
        for rate in self.offers.rates.values():
            self.outbox.tell("tax_rate.created", tax_rate(rate, self.shape))

    def _tell_late(self, _at: int) -> None:
        """Tell of prices long after they were made, and were first used."""
        self.outbox.begin(self.start, requested=True)
        for plan in self.plans:
            if plan.name == LATE_OFFER:
                for price in plan.prices:
                    self.tell_price("created", price, late_s=LATE_S)

    def _rename(self, at: int) -> None:
        plan = next(plan for plan in self.plans if plan.name == _RETIRED_OFFER)
        renamed = attrs.evolve(plan, name=f"{plan.name} classic")
        self.outbox.begin(at, requested=True)
        rendered = catalogue.product(renamed, self.shape, updated=at)
        self.outbox.tell("product.updated", rendered)

    def _raise_terms(self, at: int) -> None:
        for plan, raised in self.raised.items():
            self.outbox.begin(at, requested=True)
            for old, new in zip(plan.prices, raised.prices, strict=True):
                if old is not new:
                    self.tell_update(old, new)

    def tell_update(self, old: Price, new: Price) -> None:
        """Tell that a price, and the plan it is to older code, changed."""
        # They share their id, so each is put where its update looks for what it was.
        for name, render in (("plan", catalogue.legacy_plan), ("price", catalogue.price)):
            self.outbox.remember(render(old, self.shape))
            self.outbox.tell(f"{name}.updated", render(new, self.shape))


@attrs.define(kw_only=True)
class _Failure:
    """A product that nobody bought, until it goes."""

    shop: Shop
    product: Plan | None = None

    def plan(self, moment: Callable[[int], int]) -> None:
        """Plan its life."""
        self.shop.agenda.plan(moment(8), self._make)
        self.shop.agenda.plan(moment(35), self._delete)

    def _make(self, at: int) -> None:
        shop, ids = self.shop, self.shop.outbox.ids
        model = shop.plans[0]
        product_id = ids.short("prod")
        price = attrs.evolve(
            model.seat,
            price_id=ids.dated("price", at),
            product_id=product_id,
            nickname="Flop seat",
            created=at,
        )
        self.product = attrs.evolve(
            model, name="Flop", product_id=product_id, created=at, base=None, seat=price
        )
        shop.outbox.begin(at, requested=True)
        shop.outbox.tell("product.created", catalogue.product(self.product, shop.shape))
        shop.tell_price("created", price)

    def _delete(self, at: int) -> None:
        if self.product is None:
            return
        shop, price = self.shop, self.product.seat
        retired = attrs.evolve(price, active=False)
        shop.outbox.begin(at, requested=True)
        shop.tell_update(price, retired)
        shop.tell_price("deleted", retired)
        shop.outbox.tell("product.deleted", catalogue.product(self.product, shop.shape))
        shop.outbox.forget(price.price_id)
        shop.outbox.forget(self.product.product_id)
