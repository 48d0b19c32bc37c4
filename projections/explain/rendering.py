"""An explanation as the read API writes it, with whether it adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from ledger.moments import rfc3339
from ledger.money import decimal_text
from projections.explain.evidence import Witness
from projections.explain.tree import Explanation, Node, Value, wrong
from projections.explain.writing import Writing
from projections.findings import Finding, Severity

Json = dict[str, Any]


def explanation(told: Explanation) -> Json:
    """Return *told*: the figure, whether it adds up, and the tree."""
    found = findings(told)
    period = told.period
    return {
        "account": told.account,
        "figure": told.figure,
        "title": told.title,
        "currency": told.currency,
        "period": None
        if period is None
        else {"start": rfc3339(period[0]), "end": rfc3339(period[1])},
        "value": exact(told.root.value),
        "adds_up": not found,
        "tree": _node(told.root, Writing(currency=told.currency)),
        "beside": [_node(each, Writing(currency=told.currency)) for each in told.beside],
        "findings": [
            {
                "code": each.code,
                "severity": each.severity,
                "message": each.message,
                "evidence": list(each.evidence),
            }
            for each in found
        ],
    }


def findings(told: Explanation) -> list[Finding]:
    """Return a finding for each part of *told* that does not add up: a defect of ours."""
    writing = Writing(currency=told.currency)
    return [
        Finding(
            code="explanation_broken",
            severity=Severity.ERROR,
            message=(
                f"{each.label} is {writing.value(each)}, but its parts do not come to "
                "that; do not rely on it"
            ),
            evidence=each.evidence,
        )
        for each in wrong(told)
    ]


def witnesses(found: Mapping[int, Witness]) -> list[Json]:
    """Return the events of *found*, by position."""
    return [_witness(found[position]) for position in sorted(found)]


def _witness(found: Witness) -> Json:
    return {
        "position": found.position,
        "event": found.id,
        "type": found.kind,
        "at": rfc3339(found.at),
        "by": found.by,
    }


def _node(node: Node, writing: Writing) -> Json:
    return {
        "label": node.label,
        "detail": node.detail,
        "value": exact(node.value),
        "unit": node.unit,
        "operation": node.operation,
        "operand": node.operand,
        "arithmetic": writing.arithmetic(node),
        "source": node.source,
        "at": _time(node.at),
        "until": _time(node.until),
        "by": node.by,
        "evidence": list(node.evidence),
        "children": _nodes(node.children, writing),
    }


def _nodes(found: Iterable[Node], writing: Writing) -> list[Json]:
    return [_node(each, writing) for each in found]


def exact(value: Value) -> int | str | None:
    """Return *value* as programs read it: minor units; parts of one as exact digits."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return value.numerator
        return decimal_text(value) or f"{value.numerator}/{value.denominator}"
    return rfc3339(value) if isinstance(value, datetime) else value


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
