"""Stripe's API as it is read here: GET only, every byte of an answer as it came.

    429, 5xx, no answer, half an answer    asked again, later each time
    401, 403                               the key is wrong, or may not do that
    404                                    there is no such thing
    the rest                               refused, in Stripe's words

The SDK turns every answer into objects of its own: numbers become decimals, the bytes are
gone, and a page takes longer to read than to fetch. So requests are sent as they are; the
API version is the one the SDK is written for, which a test keeps so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import aiohttp
import attrs
import msgspec
from yarl import URL

from ledger.clock import utc_now
from ledger.settings import Settings, SettingsError
from webhooks.stripe_errors import (
    NotThereError,
    PermissionMissingError,
    StripeKeyError,
    StripeRefusedError,
    StripeUnavailableError,
)
from webhooks.stripe_rate import Rate

API_VERSION: Final = "2026-10-28.endive"
TIMEOUT_S: Final = 60.0
PAUSES_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
RETRY_AFTER_S_MAX: Final = 60.0
CLOCKS_APART: Final = timedelta(days=1)
_TOO_MANY: Final = 429
_SERVER_FAILED: Final = 500
_PERMISSION: Final = re.compile(r"'(rak_[a-z_]+)'")

T = TypeVar("T")
Parameters = Mapping[str, str | Sequence[str]]


@attrs.frozen(kw_only=True)
class Answer(Generic[T]):
    """What Stripe answered.

    Attributes:
        asked_at: When it was asked, or when it says it answered, the earlier of the two:
            whatever happened later may be missing.
        api_version: In which version it is written.
    """

    content: T
    asked_at: datetime
    api_version: str | None


class _Error(msgspec.Struct):
    message: str = ""
    code: str | None = None
    param: str | None = None


class _Refusal(msgspec.Struct):
    error: _Error


class StripeClient:
    """Asks one account's API; to be used as a context manager.

    Args:
        timeout_s: How long an answer may take.
        pauses_s: How long to wait before each further try; after the last one Stripe
            counts as unavailable.
    """

    def __init__(
        self,
        *,
        key: str,
        base: str,
        rate: Rate | None = None,
        timeout_s: float = TIMEOUT_S,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._base = base.rstrip("/")
        self._rate = rate or Rate()
        self._pauses_s = pauses_s
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._headers = {"Authorization": f"Bearer {key}", "Stripe-Version": API_VERSION}
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return a client of the account that *settings* name.

        Raises:
            NotConfiguredError: There is no key, or it is one of the other mode.
        """
        if settings.stripe_api_key is None:
            raise SettingsError(
                "STRIPE_API_KEY is missing: Stripe cannot be asked. A restricted key that "
                "may read is enough; take one from Stripe's dashboard"
            )
        key = settings.stripe_api_key.reveal()
        mode = next((each for each in ("live", "test") if f"k_{each}_" in key[:8]), None)
        if mode is not None and mode != settings.mode:
            raise StripeKeyError(
                f"STRIPE_API_KEY is of {mode} mode, but LEDGER_MODE is {settings.mode}"
            )
        return cls(key=key, base=settings.stripe_api_base)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self, path: str, parameters: Parameters, read: Callable[[bytes], T]
    ) -> Answer[T]:
        """Return what Stripe answers, as *read* makes of its bytes.

        Args:
            path: Below ``/v1/``.
            read: Raises a `msgspec.MsgspecError` for half an answer, which is asked for
                again.

        Raises:
            StripeUnavailableError: It does not answer, however often it is asked.
            StripeKeyError: The key is wrong, or may not read that.
            NotThereError: There is nothing of that name.
            StripeRefusedError: It refuses, in words of its own.
        """
        reason = "no answer"
        for pause_s in (*self._pauses_s, None):
            await self._rate.take()
            asked_at = utc_now()
            least_s = 0.0
            try:
                status, headers, body = await self._ask(path, parameters)
                if status == _TOO_MANY:
                    self._rate.refused()
                    least_s = _retry_after_s(headers)
                    reason = "it is asked too often (429)"
                elif status >= _SERVER_FAILED:
                    reason = f"it fails ({status})"
                else:
                    self._rate.answered()
                    at = _earlier(asked_at, headers.get("Date"))
                    _refuse(status, path, body, at)
                    return Answer(
                        content=read(body),
                        asked_at=at,
                        api_version=headers.get("Stripe-Version"),
                    )
            except TimeoutError:
                reason = "it does not answer in time"
            except aiohttp.ClientError as error:
                reason = f"it cannot be reached ({type(error).__name__})"
            except msgspec.MsgspecError:
                reason = "its answer is cut off or no JSON"
            if pause_s is not None:
                await asyncio.sleep(max(pause_s, least_s))
        raise StripeUnavailableError(
            f"Stripe at {URL(self._base).host} is unavailable: {reason}; asked "
            f"{len(self._pauses_s) + 1} times for /v1/{path}. Try again later"
        )

    async def _ask(
        self, path: str, parameters: Parameters
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            raise StripeUnavailableError("the client is not open")
        url = f"{self._base}/v1/{path}"
        asked = list(_pairs(parameters))
        async with self._session.get(url, params=asked, allow_redirects=False) as response:
            return response.status, response.headers, await response.read()


def _pairs(parameters: Parameters) -> Iterable[tuple[str, str]]:
    for name, value in parameters.items():
        if isinstance(value, str):
            yield name, value
        else:
            yield from ((f"{name}[{place}]", each) for place, each in enumerate(value))


def _refuse(status: int, path: str, body: bytes, asked_at: datetime) -> None:
    """Raise what a *status* that is no success means."""
    if status < 300:  # noqa: PLR2004 - success
        return
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except msgspec.MsgspecError:
        error = _Error(message=f"status {status}")
    message = " ".join(error.message.split())[:300]
    if status == 401:  # noqa: PLR2004
        raise StripeKeyError(f"STRIPE_API_KEY is not accepted by Stripe: {message}")
    if status == 403:  # noqa: PLR2004
        named = _PERMISSION.search(error.message)
        if named is None and error.code is not None:
            raise StripeKeyError(f"STRIPE_API_KEY is refused: {message}")
        raise PermissionMissingError(f"/v1/{path}", named[1] if named else None)
    if status == 404 or error.code == "resource_missing":  # noqa: PLR2004
        missing = NotThereError(f"/v1/{path}", error.param)
        if error.code == "resource_missing":
            missing.asked_at = asked_at
        raise missing
    raise StripeRefusedError(f"Stripe refuses /v1/{path} ({status}): {message}")


def _earlier(asked_at: datetime, date: str | None) -> datetime:
    try:
        answered_at = None if date is None else parsedate_to_datetime(date)
    except ValueError:
        answered_at = None
    if answered_at is None:
        return asked_at
    if answered_at.tzinfo is None:
        answered_at = answered_at.replace(tzinfo=UTC)
    # Further away it is no clock of Stripe's.
    return min(asked_at, answered_at) if asked_at - answered_at < CLOCKS_APART else asked_at


def _retry_after_s(headers: Mapping[str, str]) -> float:
    try:
        asked_s = float(headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
    return min(max(asked_s, 0.0), RETRY_AFTER_S_MAX)
