"""The commands of ``bl`` by group, and the verbs of those that have several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

COMMANDS: Final[dict[str, Sequence[str]]] = {
    "Run": ("demo", "simulate", "serve", "migrate", "doctor", "token", "completion"),
    "Look": (
        *("status", "log", "show", "timeline", "seats", "total", "dunning"),
        *("invoices", "receivables", "tax", "movements"),
    ),
    "Why": ("explain", "blame", "diff", "bisect", "shadow", "what-if"),
    "Prove": ("verify", "checkpoint", "close", "audit-pack"),
    "Rebuild": ("replay", "projections", "quarantine"),
    "Terms": ("terms", "policy"),
    "Outside": ("import", "catch-up", "reconcile", "export", "import-log"),
}
# Commands of several verbs: the function that does each, and what it does.
VERBS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "projections": {
        "list": ("listed", "List the read models: version, position, lag, parked."),
        "rebuild": ("rebuild", "Make read models anew from the log, while all goes on."),
    },
    "quarantine": {
        "list": ("listed", "List what is parked or cannot be read, and why."),
        "show": ("show", "Show one of them, with its body."),
        "release": ("release", "Let a parked account go on."),
    },
    "terms": {
        "show": ("show", "Show what each price means, and where that comes from."),
        "set": ("store", "Set what a price means."),
    },
    "policy": {
        "show": ("show", "Show the policy in force, and all that was ever set."),
        "set": ("store", "Set what follows a failed payment."),
    },
}
