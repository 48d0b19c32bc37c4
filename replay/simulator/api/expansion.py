"""References replaced by what they refer to, along the paths a request names.

latest_invoice.payments.data.payment.payment_intent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from replay.simulator.api import errors
from replay.simulator.api.parts import GATHERED, HIDDEN
from replay.simulator.api.resources import BY_NAME
from replay.simulator.api.shelf import Rendered, Shelf

LEVELS_MAX: Final = 4
LIST_MAX: Final = 10


@attrs.frozen(kw_only=True)
class Expansion:
    """Expands what is on one shelf.

    Attributes:
        paths: As asked for; those of a list begin with ``data.``.
        in_list: Whether the answer is a list.
    """

    shelf: Shelf
    paths: Sequence[str]
    in_list: bool

    def expanded(self, rendered: Rendered) -> Rendered:
        """Return an object with all paths expanded.

        Raises:
            StripeError: A path is too long, or leads to what is no reference.
        """
        for path in self.paths:
            steps = path.split(".")
            if len(steps) > LEVELS_MAX:
                raise errors.expanded_too_far(path, LEVELS_MAX)
            if self.in_list and (steps.pop(0) != "data" or not steps):
                raise errors.not_expandable(path, in_list=True)
            self._expand(rendered, steps, path)
        return rendered

    def _expand(self, rendered: Any, steps: Sequence[str], path: str) -> None:  # noqa: ANN401 -- JSON
        if isinstance(rendered, list):
            for each in rendered:
                self._expand(each, steps, path)
            return
        if not steps or rendered is None:
            return
        if not isinstance(rendered, dict):
            raise errors.not_expandable(path, in_list=False)
        name, *rest = steps
        if name not in rendered:
            self._reveal(rendered, name, path)
            self._expand(rendered.get(name), rest, path)
            return
        value = rendered[name]
        if isinstance(value, list):
            rendered[name] = [self._resolved(each, name, path) for each in value]
        elif isinstance(value, dict) and "object" not in value and not rest:
            raise errors.not_expandable(path, in_list=False)
        else:
            rendered[name] = self._resolved(value, name, path)
        self._expand(rendered[name], rest, path)

    def _resolved(self, value: Any, name: str, path: str) -> Any:  # noqa: ANN401 -- JSON
        """Return what an id refers to; the id itself, where that is not simulated."""
        if value is None or isinstance(value, dict):
            return value
        if not isinstance(value, str):
            raise errors.not_expandable(path, in_list=False)
        found = self.shelf.find_any(value, name)
        return value if found is None else found.rendered()

    def _reveal(self, rendered: Rendered, name: str, path: str) -> None:
        """Put into an object what it holds only when asked to, if there is any."""
        kind, object_id = rendered.get("object", ""), rendered.get("id", "")
        if rendered.get("deleted"):
            return
        if (kind, name) in GATHERED:
            rendered[name] = self._gathered(kind, object_id, name)
            return
        if name not in HIDDEN.get(kind, ()):
            raise errors.not_expandable(path, in_list=False)
        kept = self.shelf.find(kind, object_id)
        hidden = (kept.apart if kept else None) or {}
        if name in hidden:
            rendered[name] = hidden[name]

    def _gathered(self, kind: str, object_id: str, name: str) -> Rendered:
        """Return the list of what names the object, the newest first."""
        member, by = GATHERED[kind, name]
        kept = self.shelf.grouped(member, by, object_id)
        present = [each.rendered() for each in reversed(kept) if not each.deleted]
        return {
            "object": "list",
            "data": present[:LIST_MAX],
            "has_more": len(present) > LIST_MAX,
            "url": f"/v1/{BY_NAME[member].path}?{by}={object_id}",
        }
