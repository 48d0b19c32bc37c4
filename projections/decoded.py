"""States of read models as objects, those read lately without decoding them again.

Of an account that changes, most objects do not. An object is told once (`History.told`)
for as long as it is kept here, which costs far more than to decode it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any, Final

from projections.models.declaration import Projection
from projections.projector.rows import Codec

# As they are stored; as objects they take four to six times that.
STORED_BYTES_MAX: Final = 8 * 1024 * 1024


class Decoded:
    """Decodes the states of *projections*; equal ones are one object while it is kept.

    Args:
        stored_bytes_max: How much of them is kept, by the bytes that they are stored as.
    """

    def __init__(
        self,
        projections: Iterable[Projection[Any]],
        stored_bytes_max: int = STORED_BYTES_MAX,
    ) -> None:
        self._codecs = {each.name: Codec(each) for each in projections}
        self._stored_bytes_max = stored_bytes_max
        self._states: OrderedDict[tuple[str, bytes], Any] = OrderedDict()
        # The accounts of many objects are decoded in a thread of their own.
        self._lock = Lock()
        self.stored_bytes = 0

    def state(self, name: str, stored: bytes) -> Any:  # noqa: ANN401 - of any projection
        """Return the state of the projection *name* that is stored as these bytes."""
        key = (name, stored)
        with self._lock:
            found = self._states.get(key)
            if found is not None:
                self._states.move_to_end(key)
                return found
        return self._keep(key, self._codecs[name].decode(stored))

    def _keep(self, key: tuple[str, bytes], state: Any) -> Any:  # noqa: ANN401
        with self._lock:
            kept = self._states.setdefault(key, state)
            if kept is state:
                self.stored_bytes += len(key[1])
            while self.stored_bytes > self._stored_bytes_max:
                (_, oldest), _ = self._states.popitem(last=False)
                self.stored_bytes -= len(oldest)
        return kept
