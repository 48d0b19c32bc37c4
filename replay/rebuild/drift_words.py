"""Where read models differ from the log, in words and as findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from replay.rebuild.differences import NAMED_MAX, Compared, Difference


def drift_said(each: Difference) -> str:
    """Return what is wrong with one row."""
    if each.field is None:
        return each.what if each.expected is None else f"{each.what}, {each.expected}"
    return f"{each.field} is {each.actual}, the log says {each.expected}"


def drift_findings(compared: Sequence[Compared]) -> list[dict[str, object]]:
    """Return a finding for each row that is named, and for each account not compared."""
    return [*_differing(compared), *_parked(compared)]


def _differing(compared: Sequence[Compared]) -> Iterator[dict[str, object]]:
    return (
        {
            "code": "read_model_differs",
            "severity": "error",
            "message": f"{_who(each)}: {drift_said(each)}",
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
    )


def _parked(compared: Sequence[Compared]) -> Iterator[dict[str, object]]:
    where: defaultdict[str, list[str]] = defaultdict(list)
    for one in compared:
        for account in one.parked:
            where[account].append(one.projection)
    for account, names in islice(sorted(where.items()), NAMED_MAX):
        yield {
            "code": "account_parked",
            "severity": "warning",
            "message": (
                f"{account} is parked in {', '.join(names)}, and not compared; "
                "bl quarantine show tells why"
            ),
            "account": account,
            "projections": names,
        }


def parked_said(compared: Sequence[Compared]) -> str | None:
    """Return how many accounts are not compared; None if all are."""
    count = len({account for one in compared for account in one.parked})
    accounts = "1 account is" if count == 1 else f"{count:,} accounts are"
    return f"{accounts} not compared; bl quarantine list" if count else None


def _who(each: Difference) -> str:
    return f"{each.object_id} of {each.account}" if each.object_id else each.account
