"""The colours of a drawn timeline: by day as attributes, by night as one media rule.

Shapes and words carry the meaning; colours only repeat it. They are attributes, which a
page with a strict policy allows and whose own style sheet stands above; standing alone,
the drawing brings the colours of the night with it.
"""

from __future__ import annotations

from typing import Final

_GROUND: Final = ("#ffffff", "#1a1c20")
_INK: Final = ("#1d1f24", "#ececee")
_QUIET: Final = ("#5c6068", "#a3a7b0")
_GREEN: Final = ("#17663a", "#7fd6a2")
_AMBER: Final = ("#7c4a03", "#f3c46b")
_RED: Final = ("#9f1f1f", "#ff9d95")
# Each class, and what it fills and draws with: by day, by night.
LOOKS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "d-ground": {"fill": _GROUND},
    "d-text": {"fill": _INK},
    "d-quiet": {"fill": _QUIET},
    "d-line": {"stroke": ("#c9c8c3", "#444954")},
    "d-past": {"stroke": _QUIET},
    "d-today": {"fill": _INK},
    "d-full": {"fill": ("#e3f3e9", "#16301f")},
    "d-held": {"fill": ("#fdf1d8", "#33270d")},
    "d-ended": {"fill": ("#fce8e6", "#3b1715")},
    "d-closed": {"fill": ("#ebebe8", "#2a2d33")},
    "d-full-ink": {"fill": _GREEN},
    "d-held-ink": {"fill": _AMBER},
    "d-ended-ink": {"fill": _RED},
    "d-closed-ink": {"fill": _QUIET},
    "d-failed": {"fill": _GROUND, "stroke": _RED},
    "d-paid": {"fill": _GROUND, "stroke": _GREEN},
    "d-coming": {"fill": _GROUND, "stroke": _QUIET},
    "d-pause": {"fill": _GROUND, "stroke": _AMBER},
    "d-cancel": {"fill": _GROUND, "stroke": _RED},
}


def look(name: str) -> str:
    """Return the attributes of what is drawn as *name*."""
    colours = " ".join(f'{kind}="{day}"' for kind, (day, _) in LOOKS[name].items())
    return f'class="{name}" {colours}'


def night() -> str:
    """Return the rule that turns all colours for who prefers the dark."""
    rules = "".join(
        f".{name}{{{';'.join(f'{kind}:{dark}' for kind, (_, dark) in colours.items())}}}"
        for name, colours in LOOKS.items()
    )
    return f"@media (prefers-color-scheme:dark){{{rules}}}"
