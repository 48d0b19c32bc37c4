"""What is read of an object of Stripe's API on its way into the log.

    {"id": "sub_1", "object": "subscription", "customer": "cus_1", …}
    {"id": "cus_1", "object": "customer", "deleted": true}

Its id in the log is a digest of what lasts in it, so that an object shown again as it was
is no news. Links that Stripe signs anew each time it shows them do not last.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Final

import attrs
import msgspec

from ledger.events import Source, StripeObject

_PASSING: Final = (b'"hosted_invoice_url":', b'"invoice_pdf":', b'"receipt_url":')
_VALUE: Final = re.compile(rb'(?:null|"[^"]*"),?')
_NAME_CHARS_MAX: Final = 255


class UnreadableObjectError(ValueError):
    """What stands in a list of Stripe's is no object with an id; leave it out."""


@attrs.frozen(kw_only=True)
class Showing:
    """Under which circumstances Stripe showed objects.

    Attributes:
        at: When they were asked for.
        api_version: In which of its versions Stripe wrote them.
    """

    source: Source
    at: datetime
    api_version: str | None = None
    stripe_account: str | None = None


class _Expanded(msgspec.Struct):
    id: str


class _Head(msgspec.Struct):
    """The little that fills the log's columns."""

    id: str
    object: str
    customer: str | _Expanded | None = None
    customer_account: str | _Expanded | None = None
    livemode: bool | None = None


_HEAD: Final = msgspec.json.Decoder(_Head)


def stripe_object(raw: bytes, showing: Showing, *, version: int = 1) -> StripeObject:
    """Return the event of an object as it stood in an answer.

    Raises:
        UnreadableObjectError: It has no id, or no name of what it is.
    """
    try:
        head = _HEAD.decode(raw)
        name = _digest(head, raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableObjectError(str(error)) from None
    if not (_is_name(head.id) and _is_name(head.object)):
        raise UnreadableObjectError("its id or its kind is no name")
    return StripeObject(
        id=name,
        version=version,
        body=raw,
        source=showing.source,
        kind=head.object,
        object_id=head.id,
        account=_customer(head),
        occurred_at=showing.at.astimezone(UTC).replace(microsecond=0),
        api_version=showing.api_version,
        livemode=head.livemode,
        stripe_account=showing.stripe_account,
    )


def absent(kind: str, object_id: str, account: str | None) -> bytes:
    """Return what Stripe shows of a deleted object, for kinds of which it shows nothing.

    Args:
        account: Whose it was, by what is known here; None for the catalogue's.
    """
    owner = {} if account is None else {"customer": account}
    stub = {"id": object_id, "object": kind, **owner, "deleted": True}
    return msgspec.json.encode(stub)


def _digest(head: _Head, raw: bytes) -> str:
    # Stripe writes the fields of an object in one order; only white space is not its own.
    lasting = _lasting(msgspec.json.format(raw, indent=-1))
    digest = hashlib.sha256()
    for part in (head.object.encode(), head.id.encode(), lasting):
        digest.update(len(part).to_bytes(4, "big") + part)
    return f"object:{digest.hexdigest()}"


def _lasting(raw: bytes) -> bytes:
    """Return *raw* without the links; searching for each is the quickest."""
    for name in _PASSING:
        at = raw.find(name)
        while at >= 0:
            value = _VALUE.match(raw, at + len(name))
            if value is None:
                at += len(name)
            else:
                raw = raw[:at] + raw[value.end() :]
            at = raw.find(name, at)
    return raw


def _customer(head: _Head) -> str | None:
    if head.object == "customer":
        return head.id
    named = head.customer or head.customer_account
    name = named.id if isinstance(named, _Expanded) else named
    return name if name and _is_name(name) else None


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _NAME_CHARS_MAX and name.isascii() and name.isprintable()
