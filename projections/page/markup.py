"""Figures, dates and foreign text as HTML: what a template asks for by name.

<time datetime="2026-11-01T00:00:00Z" title="2026-11-01T00:00:00Z">1 Nov 2026</time>
<data value="9200 usd" title="9200 usd">$92.00</data>
<bdi>a name</bdi>
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import attrs
from markupsafe import Markup, escape

from ledger.moments import rfc3339
from projections.page import dates, figures
from projections.page.readers import Reader
from projections.page.texts import CHARS_MAX, cut, words

# Stripe's pages are over HTTPS; those of a rehearsal are on this machine.
_LEADS_OUT: Final = re.compile(
    r"https://[a-z0-9]|http://(?:localhost|127\.0\.0\.1)[:/]", re.ASCII
)
_NOTHING: Final = Markup('<span class="nothing">&ndash;</span>')


@attrs.frozen
class Writer:
    """Writes for one reader, at one moment."""

    reader: Reader
    now: datetime

    def money(self, minor: int | None, currency: str | None) -> Markup:
        """Write an amount."""
        if minor is None:
            return _NOTHING
        written = figures.money(minor, currency, self.reader)
        exact = f"{minor} {cut(currency or '', 3)}".strip()
        return self._data(exact, written)

    def unit(self, minor: str | None, currency: str | None) -> Markup:
        """Write the price of one."""
        written = minor and figures.unit_price(minor, currency, self.reader)
        if not written:
            return _NOTHING
        exact = f"{cut(minor or '', 24)} {cut(currency or '', 3)}".strip()
        return self._data(exact, written)

    def count(self, number: int) -> str:
        """Write a whole number."""
        return figures.count(number, self.reader)

    def day(self, moment: datetime | None) -> Markup:
        """Write a date."""
        return self._time(
            moment, None if moment is None else dates.day(moment, self.reader)
        )

    def instant(self, moment: datetime | None) -> Markup:
        """Write a date and a time."""
        told = None if moment is None else dates.instant(moment, self.reader)
        return self._time(moment, told)

    def within(self, moment: datetime) -> str:
        """Say how far a moment is from now."""
        return dates.within(moment, self.now)

    def text(self, foreign: str | None, length: int = CHARS_MAX) -> Markup:
        """Write what somebody else has named or said."""
        if not foreign:
            return _NOTHING
        return _isolated(cut(foreign, length))

    def words(self, name: str | None) -> Markup:
        """Write a name of Stripe's as words."""
        return _isolated(words(name)) if name else _NOTHING

    def currency(self, code: str | None) -> Markup:
        """Write the name of a currency and its code."""
        if not code:
            return _NOTHING
        from babel.numbers import get_currency_name  # noqa: PLC0415

        name = cut(code.upper(), 3)
        known = str(get_currency_name(name, locale="en_US"))
        return escape(f"{known} ({name})" if known != name else name)

    def country(self, code: str | None) -> Markup:
        """Write the name of a country; of one that has none, its code."""
        from babel.core import Locale  # noqa: PLC0415

        name = cut(code or "", 2).upper()
        return _isolated(str(Locale.parse("en_US").territories.get(name, name)))

    def address(self, email: str | None) -> Markup:
        """Write an e-mail address that may be broken behind its sign."""
        if not email:
            return _NOTHING
        who, sign, where = cut(email).partition("@")
        told = f"{escape(who)}{sign}<wbr>{escape(where)}"
        return Markup(f"<bdi>{told}</bdi>")  # noqa: S704 - both parts are escaped

    def zone(self) -> str:
        """Write the name of the zone that all times are in."""
        return dates.zone(self.reader)

    def link(self, url: str | None) -> str | None:
        """Return *url* if a browser may be sent there."""
        return url if url and _LEADS_OUT.match(url) else None

    def _time(self, moment: datetime | None, written: str | None) -> Markup:
        if moment is None or written is None:
            return _NOTHING
        exact, told = rfc3339(moment), escape(written)
        return Markup(  # noqa: S704 - a time of ours, and what is escaped
            f'<time datetime="{exact}" title="{exact}"{self._language()}>{told}</time>'
        )

    def _data(self, exact: str, written: str) -> Markup:
        value, told = escape(exact), escape(written)
        return Markup(  # noqa: S704 - all of it is escaped
            f'<data value="{value}" title="{value}"{self._language()}>{told}</data>'
        )

    def _language(self) -> str:
        """Return the attribute that tells a reader aloud how to say it."""
        if self.reader.language.startswith("en"):
            return ""
        return f' lang="{escape(self.reader.language)}" dir="auto"'


def _isolated(text: str) -> Markup:
    """Write *text*, which cannot turn what stands around it."""
    # Put together by hand: Markup.format costs as much as all the rest of a name.
    return Markup(f"<bdi>{escape(text)}</bdi>")  # noqa: S704 - escaped
