"""What can go wrong in the ledger, each error named by what is wrong.

LedgerError
├── NotConfiguredError     a setting, a role or a directory forbids it (exit 5)
├── UnavailableError       the database does not answer in time (exit 6, HTTP 503)
├── NotFoundError          nothing of that name in the log (exit 4, HTTP 404)
└── IntegrityFailureError  the log is not what was written (exit 3)
    └── EventUnreadableError   an event of it cannot be read as what it is
"""

from __future__ import annotations


class LedgerError(Exception):
    """Something the ledger cannot do; the text says what to do about it."""


class NotConfiguredError(LedgerError):
    """A setting is wrong or something needed is not allowed; correct it and start again."""


class UnavailableError(LedgerError):
    """The database does not answer now; nothing was acknowledged, so try again."""


class NotFoundError(LedgerError):
    """The log holds nothing by that name; check the spelling and the ledger."""


class IntegrityFailureError(LedgerError):
    """The log is not what was written; keep the database as it is and investigate."""


class EventUnreadableError(IntegrityFailureError):
    """An event cannot be read; bl verify tells whether it was altered since."""
