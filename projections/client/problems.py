"""What can go wrong with a request, as exceptions: one for each thing to do about it.

RefusedError            the ledger answered, and not with what was asked
  ├ TokenRefusedError   401, 403    mint another token
  ├ NotThereError       404         or not for this token
  ├ WrongRequestError   400, 422    correct the request
  ├ ConflictError       409         the same is under way
  ├ NotNowError         429, 503    tried again already; try later
  └ FaultError          500 …       the ledger's own fault
UnreachableError        no answer at all
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec


class ClientError(Exception):
    """A request of the ledger did not come to an answer."""


class UnreachableError(ClientError):
    """The ledger cannot be reached, or did not answer in time."""


@attrs.define(eq=False, kw_only=True)
class RefusedError(ClientError):
    """The ledger answered with a problem (RFC 9457).

    Attributes:
        slug: The kind of problem, for programs; None is just the status.
        detail: What to do about it.
        extra: Further members of the body.
    """

    status: int
    slug: str | None
    detail: str
    extra: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"


class TokenRefusedError(RefusedError):
    """The token does not hold, or lacks the scope."""


class NotThereError(RefusedError):
    """There is no such thing, or not for this token."""


class WrongRequestError(RefusedError):
    """The request cannot be read; the detail says what to write."""


class ConflictError(RefusedError):
    """The same is under way, or stands against it."""


class NotNowError(RefusedError):
    """Not now, although it was tried again."""


class FaultError(RefusedError):
    """The ledger's own fault."""


KINDS: Final[Mapping[int, type[RefusedError]]] = {
    400: WrongRequestError,
    401: TokenRefusedError,
    403: TokenRefusedError,
    404: NotThereError,
    409: ConflictError,
    422: WrongRequestError,
    429: NotNowError,
    503: NotNowError,
}
_NAMED: Final = frozenset({"type", "title", "status", "detail"})


def refused(status: int, body: bytes) -> RefusedError:
    """Return what an answer of *status* says; its *body* may be anybody's."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    kind = KINDS.get(status, FaultError if status >= 500 else RefusedError)  # noqa: PLR2004
    _, _, slug = str(told.get("type", "")).rpartition(":problem:")
    return kind(
        status=status,
        slug=slug or None,
        detail=str(told.get("detail") or "no reason was given"),
        extra={name: value for name, value in told.items() if name not in _NAMED},
    )
