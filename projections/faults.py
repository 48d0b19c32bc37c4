"""Fields that could not be read: the last time of each, whatever order they came in."""

from __future__ import annotations

import msgspec

from projections.facts import FieldUnreadable


class Fault(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A field that could not be read, the last time that happened."""

    field: str
    reason: str
    event_id: str
    position: int


def faulted(faults: tuple[Fault, ...], fact: FieldUnreadable) -> tuple[Fault, ...]:
    """Return *faults* with that of *fact*, once per field, by its latest event."""
    fault = Fault(
        field=fact.field,
        reason=fact.reason,
        event_id=fact.event_id,
        position=fact.position,
    )
    by_field = {known.field: known for known in faults}
    known = by_field.get(fault.field)
    if known is not None and known.event_id >= fault.event_id:
        return faults
    by_field[fault.field] = fault
    return tuple(by_field[field] for field in sorted(by_field))
