"""Whose key it is: the account, its mode, and whether it is the one of this ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs
import msgspec

from ledger.events import CATALOGUE, TOPIC_OF, Check, StripeChecked
from ledger.log import Log, Selection
from webhooks.stripe_client import StripeClient
from webhooks.stripe_errors import (
    NotThereError,
    PermissionMissingError,
    StripeKeyError,
    StripeRefusedError,
)
from webhooks.stripe_resources import Resource

_SECONDS_MAX: Final = 253_370_764_800  # the year 9999
_CHECKS_ONLY = Selection(
    stripe_types=frozenset(), topics=frozenset({TOPIC_OF[StripeChecked]})
)


class _Account(msgspec.Struct):
    id: str
    created: int | None = None


class _Moded(msgspec.Struct):
    livemode: bool | None = None


class _Listed(msgspec.Struct):
    data: list[msgspec.Raw] = []


@attrs.frozen(kw_only=True)
class StripeAccount:
    """An account of Stripe's; None where the key may not tell."""

    id: str | None = None
    created: datetime | None = None


async def identify(client: StripeClient, checks: Sequence[StripeChecked]) -> StripeAccount:
    """Return the account of the key.

    Raises:
        StripeKeyError: The key is wrong, or another account's than the ledger's so far.
    """
    try:
        answer = await client.get("account", {}, msgspec.json.Decoder(_Account).decode)
    except (PermissionMissingError, NotThereError):
        return StripeAccount()
    found = answer.content
    known = next(
        (each.stripe_account for each in reversed(checks) if each.stripe_account), None
    )
    if known is not None and known != found.id:
        raise StripeKeyError(
            f"STRIPE_API_KEY is of the account {found.id}, but this ledger is of {known}"
        )
    return StripeAccount(id=found.id, created=instant(found.created))


def instant(created: int | None) -> datetime | None:
    """Return the time that Stripe's seconds are; None where they are no time of its."""
    if created is None or not 0 <= created < _SECONDS_MAX:
        return None
    return datetime.fromtimestamp(created, UTC)


async def readable(
    client: StripeClient, resources: Iterable[Resource], *, livemode: bool
) -> tuple[list[Resource], list[str]]:
    """Return the *resources* that there are, and the paths of those there are not.

    Raises:
        StripeKeyError: The key may not read some of them, all of which are named, or its
            data is of the other mode.
        StripeRefusedError: There are none of them: it is no Stripe that is asked.
    """
    asked = list(resources)
    looks = await asyncio.gather(
        *(_look(client, each) for each in asked), return_exceptions=True
    )
    lacking = [each for each in looks if isinstance(each, PermissionMissingError)]
    if lacking:
        paths = ", ".join(each.path for each in lacking)
        named = ", ".join(dict.fromkeys(each.permission or "?" for each in lacking))
        raise StripeKeyError(
            f"STRIPE_API_KEY may not read {paths}; grant it {named}, or use another key"
        )
    found, missing = [], []
    for resource, look in zip(asked, looks, strict=True):
        if isinstance(look, NotThereError):
            missing.append(resource.path)
            continue
        if isinstance(look, BaseException):
            raise look
        refuse_other_mode(look, livemode=livemode)
        found.append(resource)
    if not found:
        raise StripeRefusedError(
            f"Stripe has none of {', '.join(missing)}: check STRIPE_API_BASE, and whether "
            "the key's account is the right one"
        )
    return found, missing


def refuse_other_mode(modes: Iterable[bool | None], *, livemode: bool) -> None:
    """Refuse data of another mode than the ledger's.

    Args:
        modes: Of objects or events; None says nothing.

    Raises:
        StripeKeyError: Some is of the other mode.
    """
    if any(each is not None and each != livemode for each in modes):
        raise StripeKeyError(
            f"STRIPE_API_KEY shows {'test' if livemode else 'live'} data, but LEDGER_MODE "
            f"is {'live' if livemode else 'test'}; use the key of that mode"
        )


async def runs(log: Log, check: Check | None = None) -> list[StripeChecked]:
    """Return the runs over Stripe's data that the log tells of, oldest first."""
    return [
        one.event
        async for batch in log.read(accounts=[CATALOGUE], only=_CHECKS_ONLY)
        for one in batch
        if isinstance(one.event, StripeChecked) and check in (None, one.event.check)
    ]


async def _look(client: StripeClient, resource: Resource) -> list[bool | None]:
    """Return the modes of the first of a list; what is no object has none."""
    asked = {**resource.parameters, "limit": "1"}
    answer = await client.get(resource.path, asked, msgspec.json.Decoder(_Listed).decode)
    return [_mode(each) for each in answer.content.data]


def _mode(raw: msgspec.Raw) -> bool | None:
    try:
        return msgspec.json.decode(raw, type=_Moded).livemode
    except msgspec.MsgspecError:
        return None
