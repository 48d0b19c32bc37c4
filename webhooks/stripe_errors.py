"""What keeps us from asking Stripe, and what to do about it."""

from __future__ import annotations

from datetime import datetime

from ledger.errors import LedgerError, NotConfiguredError, UnavailableError


class StripeKeyError(NotConfiguredError):
    """STRIPE_API_KEY cannot be used for this; set another one (exit 5)."""


class StripeUnavailableError(UnavailableError):
    """Stripe does not answer now; the same command may be given again (exit 6)."""


class StripeRefusedError(NotConfiguredError):
    """Stripe understood the request and refuses it; its reason says why (exit 5)."""


class PermissionMissingError(StripeKeyError):
    """A restricted key may not read something; grant it, or use another key.

    Attributes:
        path: What was asked for.
        permission: Stripe's name of what is missing, where it says so.
    """

    def __init__(self, path: str, permission: str | None) -> None:
        named = "the permission for it" if permission is None else permission
        super().__init__(f"STRIPE_API_KEY may not read {path}; grant it {named}")
        self.path = path
        self.permission = permission


class NotThereError(LedgerError):
    """Stripe has no such object, or no such resource.

    Attributes:
        param: The parameter that names what is not there, where one does.
        asked_at: When it was asked for, where Stripe says that the object is missing: it
            knows the resource, and there is nothing of that name.
    """

    def __init__(self, path: str, param: str | None = None) -> None:
        super().__init__(f"Stripe has no {path}")
        self.path = path
        self.param = param
        self.asked_at: datetime | None = None
