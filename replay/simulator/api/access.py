"""API keys: whose they are, and what a restricted one may do."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping

import attrs

from replay.simulator.api import errors


@attrs.frozen
class ApiKey:
    """A key of the simulated account.

    Attributes:
        secret: ``sk_test_…``, or ``rk_test_…`` for a restricted one.
        permissions: Such as ``rak_customer_read``; None for a key that may do all.
    """

    secret: str
    permissions: frozenset[str] | None = None

    def may(self, permission: str) -> bool:
        """Tell whether the key has a permission; who may write may read."""
        if self.permissions is None or permission in self.permissions:
            return True
        return f"{permission.removesuffix('_read')}_write" in self.permissions


def api_key(headers: Mapping[str, str], keys: Mapping[str, ApiKey]) -> ApiKey:
    """Return the key that *headers* show, as Bearer or as the user of Basic.

    Raises:
        StripeError: There is none, or it is not one of *keys*.
    """
    scheme, _, rest = headers.get("Authorization", "").partition(" ")
    secret = _user(rest) if scheme.lower() == "basic" else rest.strip()
    if not secret:
        raise errors.no_key()
    if secret not in keys:
        raise errors.wrong_key(secret)
    return keys[secret]


def _user(encoded: str) -> str:
    try:
        return b64decode(encoded).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
