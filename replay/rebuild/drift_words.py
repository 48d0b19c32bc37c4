"""Where read models differ from the log, in words and as findings."""

from __future__ import annotations

from collections.abc import Iterable

from replay.rebuild.differences import Compared, Difference


def drift_said(each: Difference) -> str:
    """Return what is wrong with one row."""
    if each.field is None:
        return each.what
    return f"{each.field} is {each.actual}, the log says {each.expected}"


def drift_findings(compared: Iterable[Compared]) -> list[dict[str, object]]:
    """Return a finding for each row that is named."""
    return [
        {
            "code": "read_model_differs",
            "severity": "error",
            "message": f"{each.object_id} of {each.account}: {drift_said(each)}",
            "projection": each.projection,
            "account": each.account,
            "object": each.object_id,
            "what": each.what,
            "field": each.field,
            "expected": each.expected,
            "actual": each.actual,
        }
        for one in compared
        for each in one.differences
    ]
