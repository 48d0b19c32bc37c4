"""What is noticed where the database's clock goes back: at the append, and from the log.

    10:00:00  #41   the clock shows 10:00:00
    10:00:00  #42   the clock shows 09:00:05: the time of #41 is kept, the alarm rings
    10:00:00  #43   …until the clock is beyond 10:00:00 again

``recorded_at`` never decreases, so it stands still meanwhile. The log itself tells of it:
more rows than any commit has share one time, or a delivery is recorded at another time
than its signature allows.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

import attrs

from ledger.admission import Admission
from ledger.metrics import Counter

# More than one commit writes; see `ledger.appender`.
ROWS_OF_ONE_COMMIT_MAX: Final = 1000
# A signature holds for 300 s each way; as much again for what the receiver's clock may
# be apart from the database's.
SIGNED_APART_MAX: Final = timedelta(seconds=600)
LOGGED_EVERY: Final = timedelta(seconds=60)

SIGNED_APART: Final = """
SELECT count(*), min(position), max(recorded_at - signed_at), min(recorded_at - signed_at)
  FROM ledger.log
 WHERE signed_at NOT BETWEEN recorded_at - %(apart)s AND recorded_at + %(apart)s
   AND source = 'webhook' AND position <= %(until)s
"""

_logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Regression:
    """Rows whose time is not the one at which they were recorded.

    Attributes:
        position: Of the first of them.
        rows: How many.
        what: What shows it.
    """

    position: int
    rows: int
    what: str


class ClockWatch:
    """Counts the commits whose time had to be kept back from going back; logs the first.

    Attributes:
        counter: For the metrics.
    """

    def __init__(self) -> None:
        self.counter = Counter(
            "ledger_clock_regressions",
            "Commits while the database's clock was behind the log's last time",
            "clock",
        )
        self._logged_at: datetime | None = None

    def note(self, admission: Admission, now: datetime) -> None:
        """Take note of a commit that was made at *now* by the database's clock."""
        kept = admission.head.recorded_at
        if not admission.rows or kept is None or kept <= now:
            return
        self.counter.values["database"] += 1
        logged = self._logged_at
        if logged is not None and abs(now - logged) < LOGGED_EVERY:
            return
        self._logged_at = now
        _logger.warning(
            "clock_regression",
            extra={
                "position": admission.rows[0].position,
                "behind_s": (kept - now).total_seconds(),
            },
        )


def stood_still(position: int, rows: int) -> Regression:
    """Say that *rows* from *position* on share one time."""
    return Regression(
        position=position,
        rows=rows,
        what=f"{rows:,} rows share one time, more than a commit has: the clock went back "
        "and the time before it was kept",
    )


def signed_apart(
    position: int, rows: int, latest: timedelta, earliest: timedelta
) -> Regression:
    """Say that *rows* deliveries were signed long before or after they were recorded."""
    apart = max(latest, -earliest)
    return Regression(
        position=position,
        rows=rows,
        what=f"{rows:,} deliveries were recorded up to {apart} away from when they were "
        "signed: the database's clock was wrong, or had been and its time was kept",
    )
