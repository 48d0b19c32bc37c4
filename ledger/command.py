"""Which request an event came from: named so that none is taken twice."""

from __future__ import annotations

import hashlib

import attrs


@attrs.frozen(kw_only=True)
class Command:
    """Which request of the product an event came from.

    Attributes:
        id: ``cmd:`` and a digest over account, route and idempotency key.
        version: Place of the event within the request, from 1.
        fingerprint: Digest over method, path and body; the same key with another
            fingerprint is another request.
    """

    id: str
    version: int = 1
    fingerprint: str

    @classmethod
    def identify(
        cls, *, account: str, route: str, key: str, fingerprint: str, version: int = 1
    ) -> Command:
        """Derive the id; the parts are length-prefixed, so no two triples share one."""
        digest = hashlib.sha256()
        for part in (account, route, key):
            raw = part.encode()
            digest.update(len(raw).to_bytes(4, "big") + raw)
        return cls(id=f"cmd:{digest.hexdigest()}", version=version, fingerprint=fingerprint)
