"""An offer of a season: a coupon, the code to type for it, and a tax, until they go."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from replay.simulator.agenda import Agenda
from replay.simulator.coupons import Code, Coupon, Duration
from replay.simulator.objects import reductions
from replay.simulator.objects.taxes import tax_rate
from replay.simulator.outbox import Outbox
from replay.simulator.shapes import Shape
from replay.simulator.taxes import TaxRate

_MONTHS = 3


@attrs.define(kw_only=True)
class Season:
    """What is made, renamed, retired and deleted; nobody happens to use it."""

    shape: Shape
    outbox: Outbox
    code: Code | None = None
    rate: TaxRate | None = None

    def plan(self, agenda: Agenda, moment: Callable[[int], int]) -> None:
        """Plan their lives; *moment* tells when so many percent of the time are over."""
        steps = (
            (5, self._make),
            (30, self._rename),
            (55, self._retire),
            (70, self._delete),
        )
        for percent, step in steps:
            agenda.plan(moment(percent), step)

    def _make(self, at: int) -> None:
        ids = self.outbox.ids
        self.outbox.begin(at, requested=True)
        coupon = Coupon(
            coupon_id=ids.capitals(8),
            created=at,
            name="Spring",
            duration=Duration.REPEATING,
            percent_off=Decimal("25.5"),
            months=_MONTHS,
        )
        code_id = ids.dated("promo", at)
        self.code = Code(code_id=code_id, code="SPRING25", coupon=coupon, created=at)
        self.rate = TaxRate(
            rate_id=ids.dated("txr", at),
            created=at,
            country="DE",
            display_name="VAT",
            tax_type="vat",
            percentage=Decimal(19),
        )
        self.outbox.tell("coupon.created", reductions.coupon(coupon, at))
        self._tell_code("created", self.code, at)
        self.outbox.tell("tax_rate.created", tax_rate(self.rate, self.shape))

    def _rename(self, at: int) -> None:
        if self.code is not None:
            self.outbox.begin(at, requested=True)
            self.code.coupon.name = "Spring offer"
            renamed = reductions.coupon(self.code.coupon, at)
            self.outbox.tell("coupon.updated", renamed)

    def _retire(self, at: int) -> None:
        if self.code is None or self.rate is None:
            return
        self.outbox.begin(at, requested=True)
        self.code.active = False
        self._tell_code("updated", self.code, at)
        retired = attrs.evolve(self.rate, active=False)
        self.outbox.tell("tax_rate.updated", tax_rate(retired, self.shape))

    def _delete(self, at: int) -> None:
        if self.code is None:
            return
        self.outbox.begin(at, requested=True)
        coupon = self.code.coupon
        coupon.deleted = True
        self.outbox.tell("coupon.deleted", reductions.coupon(coupon, at))
        self.outbox.forget(coupon.coupon_id)

    def _tell_code(self, what: str, code: Code, at: int) -> None:
        rendered = reductions.promotion_code(code, at, self.shape)
        self.outbox.tell(f"promotion_code.{what}", rendered)
