"""Stripe's own SDK, and what its errors mean to whoever asked us.

the key is refused            502    not the caller's fault, and not Stripe's
Stripe understood and refuses 422    in Stripe's words
the same key, another wish    409
too often, away, failing      503    nothing is lost, ask again
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.acts import Act
from ledger.problems import Problem
from ledger.settings import Settings

if TYPE_CHECKING:
    import stripe

TIMEOUT_S: Final = 10
RETRIES: Final = 2
_MESSAGE_CHARS_MAX: Final = 300
_CODE_CHARS_MAX: Final = 64


@attrs.frozen
class Opened:
    """A hosted page of Stripe's.

    Attributes:
        url: Opens it to whoever has it.
    """

    id: str
    url: str


@attrs.frozen
class RefusedError(Exception):
    """Stripe understood and refuses, or does not know us; it need not be asked again.

    Attributes:
        status: Of Stripe's answer.
        code: Stripe's name of the reason.
        problem: What to tell the caller.
    """

    status: int
    code: str | None
    message: str
    problem: Problem


class StripeSdk:
    """Asks Stripe's API through its SDK; loaded when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: stripe.StripeClient | None = None

    async def open(self, act: Act, parameters: dict[str, Any], key: str) -> Opened:
        """Return the hosted page of *act*; the same again for the same *key*.

        Raises:
            RefusedError: Stripe refuses.
            Problem: Stripe cannot be asked now, or not at all (501, 503).
        """
        client = self._opened()
        service: Any = {
            Act.PORTAL_SESSION: client.v1.billing_portal.sessions,
            Act.CHECKOUT_SESSION: client.v1.checkout.sessions,
        }[act]
        # Imported here: it costs 400 ms, and most processes never ask Stripe.
        import stripe  # noqa: PLC0415

        try:
            made = await service.create_async(
                params=parameters, options={"idempotency_key": key}
            )
        except stripe.StripeError as error:
            raise _meaning(error) from error
        return Opened(id=made.id, url=made.url)

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._http.close_async()  # type: ignore[no-untyped-call]

    def _opened(self) -> stripe.StripeClient:
        if self._client is not None:
            return self._client
        if self._settings.stripe_api_key is None:
            raise missing_key()
        import stripe  # noqa: PLC0415

        self._http = stripe.AIOHTTPClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            self._settings.stripe_api_key.reveal(),
            base_addresses={"api": self._settings.stripe_api_base},
            http_client=self._http,
            max_network_retries=RETRIES,
        )
        return self._client


def missing_key() -> Problem:
    """Say that Stripe cannot be asked, and which setting is missing."""
    return Problem(
        status=501,
        slug="not-configured",
        detail="STRIPE_API_KEY is not set: Stripe's pages cannot be opened",
    )


def _meaning(error: stripe.StripeError) -> RefusedError | Problem:
    import stripe  # noqa: PLC0415

    status = error.http_status or 0
    message = " ".join(str(error.user_message or "").split())[:_MESSAGE_CHARS_MAX]
    code = None if error.code is None else str(error.code)[:_CODE_CHARS_MAX]
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        detail = "Stripe does not accept our key; see STRIPE_API_KEY"
        problem = Problem(status=502, slug="stripe-key", detail=detail)
    elif isinstance(error, stripe.IdempotencyError):
        detail = "Stripe is asked this already, or was asked otherwise; take a new key"
        problem = Problem(status=409, slug="in-flight", detail=detail)
    elif isinstance(error, stripe.InvalidRequestError):
        detail = f"Stripe refuses: {message or code or status}"
        problem = Problem(status=422, slug="stripe-refused", detail=detail)
    else:
        return Problem(
            status=503,
            slug="stripe-unavailable",
            detail="Stripe does not answer now; send the same request again",
            headers={"Retry-After": "2"},
        )
    return RefusedError(status=status, code=code, message=message, problem=problem)
