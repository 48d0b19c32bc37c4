"""Every projection there is; to add one, write its file and name it here."""

from __future__ import annotations

from typing import Any, Final

from projections.declaration import Projection
from projections.links import LINKS
from projections.seats import SEATS
from projections.subscriptions import SUBSCRIPTIONS

PROJECTIONS: Final[tuple[Projection[Any], ...]] = (SUBSCRIPTIONS, SEATS, LINKS)
