"""The receiver of Stripe's deliveries: verified, appended, committed, then answered.

signature does not hold          400, nothing written, always the same words
new, committed                   200 {"received":true,"position":48213,"duplicate":false}
there already                    200, duplicate, the first position
there already with other content 200, duplicate; a conflict is appended, the alarm rings
no event, or not ours            200; kept with its verdict, since refusing it for days
                                 would have Stripe disable the endpoint
not committed in time            503, Retry-After; Stripe delivers again
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import web

from ledger.clock import utc_now
from ledger.envelope import stable_digest, stripe_event
from ledger.errors import UnavailableError
from ledger.events import DeliveryConflicted, Event, StripeEvent, Verdict
from ledger.log import Log, Receipt
from ledger.metrics import Counter, Latency
from ledger.problems import Problem
from webhooks.answers import Answer, Refusal, acknowledged
from webhooks.bodies import BodyLimits, read_body
from webhooks.deadlines import Deadline
from webhooks.signature import Endpoint, Signed, check

PATH: Final = "/webhooks/stripe"
BODY_ON_LOOP_MAX: Final = 64 * 1024
LOGGED_EVERY_S: Final = 1.0

UNSIGNED: Final = Refusal(
    Problem(status=400, slug="signature", detail="the signature does not hold")
)
WRONG_METHOD: Final = Refusal(
    Problem(
        status=405,
        slug="method",
        detail="deliveries are posted",
        headers={"Allow": "POST", "Connection": "close"},
    )
)
UNAVAILABLE: Final = Refusal(
    Problem(
        status=503,
        slug="unavailable",
        detail="nothing was acknowledged; deliver it again",
        headers={"Retry-After": "1"},
    )
)
GONE: Final = Refusal(Problem(status=400, detail="gone", headers={"Connection": "close"}))

_logger = logging.getLogger(__name__)


@attrs.define
class DeliveryCounts:
    """What became of the deliveries, for the metrics."""

    outcomes: Counter = attrs.Factory(
        lambda: Counter("ledger_deliveries", "Deliveries by what became of them", "outcome")
    )
    latency: Latency = attrs.Factory(
        lambda: Latency("ledger_acknowledged_seconds", "From the body's end to its commit")
    )


class Receiver:
    """Answers deliveries on the strength of one log.

    Attributes:
        log: None until the log is open; every delivery is 503 until then.
        endpoints: The secrets in use; replaced as a whole when they are read again.
    """

    def __init__(
        self,
        *,
        endpoints: Sequence[Endpoint],
        livemode: bool,
        limits: BodyLimits,
        tolerance_s: float = 300,
        deadline_s: float = 3,
    ) -> None:
        self.log: Log | None = None
        self.endpoints = endpoints
        self.counts = DeliveryCounts()
        self.draining = False
        self._livemode = livemode
        self._limits = limits
        self._tolerance_s = tolerance_s
        self._deadline = Deadline(deadline_s)
        self._logged_at = 0.0

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one delivery, whatever it is; raises nothing."""
        outcomes = self.counts.outcomes.values
        now = utc_now().timestamp()
        try:
            if request.method != "POST":
                return WRONG_METHOD.answer(now)
            body = await read_body(request, self._limits)
        except Problem as problem:
            outcomes[problem.slug or "refused"] += 1
            return Refusal(problem).answer(now)
        except ConnectionError:
            outcomes["gone"] += 1
            return GONE.answer(now)
        now = utc_now().timestamp()
        answer = await self._judge(request, body, now)
        if self.draining:
            answer.end_connection()
        return answer

    async def _judge(self, request: web.BaseRequest, body: bytes, now: float) -> Answer:
        signed = check(
            request.headers.getall("Stripe-Signature", ()),
            body,
            self.endpoints,
            now=now,
            tolerance_s=self._tolerance_s,
        )
        if signed is None:
            self._refused(now)
            return UNSIGNED.answer(now)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            receipt = await self._deadline.hold(self._keep(body, signed))
        except (UnavailableError, TimeoutError):
            self.counts.outcomes.values["unavailable"] += 1
            return UNAVAILABLE.answer(now)
        except Exception:  # the process loop; Stripe comes again
            self.counts.outcomes.values["fault"] += 1
            _logger.exception("delivery_failed")
            return UNAVAILABLE.answer(now)
        self.counts.latency.note(loop.time() - started)
        return acknowledged(receipt.position, duplicate=receipt.duplicate, now=now)

    async def _keep(self, body: bytes, signed: Signed) -> Receipt:
        if self.log is None:
            raise UnavailableError("the log is not open yet")
        if len(body) > BODY_ON_LOOP_MAX:
            event = await asyncio.to_thread(self._event, body, signed)
        else:
            event = self._event(body, signed)
        (receipt,) = await self.log.append([event])
        outcome: str = event.verdict
        if receipt.original is not None:
            outcome = await self._again(self.log, event, receipt.original.event)
        self.counts.outcomes.values[outcome] += 1
        return receipt

    def _event(self, body: bytes, signed: Signed) -> StripeEvent:
        endpoint = signed.endpoint
        event = stripe_event(
            body,
            ledger_livemode=self._livemode,
            stripe_account=endpoint.account,
            endpoint=endpoint.name,
            signed_at=signed.at,
        )
        if event.verdict is Verdict.ACCEPTED and endpoint.livemode not in {
            None,
            event.livemode,
        }:
            return attrs.evolve(event, verdict=Verdict.FOREIGN)
        return event

    async def _again(self, log: Log, event: StripeEvent, first: Event) -> str:
        """Compare a delivery with the one that was there first; return the outcome."""
        if not isinstance(first, StripeEvent) or first.body == event.body:
            return "duplicate"
        if first.api_version != event.api_version:  # another endpoint renders it otherwise
            return "duplicate"
        kept, refused = await asyncio.to_thread(
            lambda: (stable_digest(first.body), stable_digest(event.body))
        )
        if kept == refused:
            return "duplicate"
        _logger.warning(
            "delivery_conflicted",
            extra={"event_id": event.event_id, "kept": kept, "refused": refused},
        )
        conflict = DeliveryConflicted(
            event_id=event.event_id,
            kept=kept,
            refused=refused,
            account=first.account,
            endpoint=event.endpoint,
            body=event.body,
        )
        await log.append([conflict])
        return "conflict"

    def _refused(self, now: float) -> None:
        """Count a signature that does not hold; log one of them a second."""
        values = self.counts.outcomes.values
        values["unsigned"] += 1
        if now - self._logged_at >= LOGGED_EVERY_S:
            self._logged_at = now
            _logger.warning("signature_refused", extra={"so_far": values["unsigned"]})
