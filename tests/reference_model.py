"""A naive model of the ledger: every question is answered from the whole list of events.

Knows nothing of projections, rows or positions kept; slow, short and easy to believe.
Times are seconds; a Stripe event and a change of the product's are plain dictionaries:

    {"kind": "stripe", "id": …, "account": "cus_1", "object": "sub_1", "at": 7,
     "change": "created" | "updated" | "deleted", "created": 0,
     "shows": {"status": …, "quantity": …}, "replaced": {…} | None}
    {"kind": "seat", "account": …, "user": …, "active": True, "at": 9}
    {"kind": "users", "account": …, "users": {…}, "at": 9}
    {"kind": "count", "account": …, "count": 12, "at": 9}
    {"kind": "link", "account": "shop-1", "customer": "cus_1"}
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from typing import Any

Happening = dict[str, Any]

BEST_FIRST = [
    "active",
    "trialing",
    "past_due",
    "paused",
    "unpaid",
    "incomplete",
    "canceled",
    "incomplete_expired",
]
ENDED = {"canceled", "incomplete_expired"}
LIFE = ["created", "updated", "deleted"]


class Model:
    """Everything that was recorded, in the order in which it was."""

    def __init__(self) -> None:
        self.recorded: list[Happening] = []

    def record(self, happening: Happening) -> None:
        """Take it, unless Stripe has told it before."""
        if happening["kind"] == "stripe":
            known = {one.get("id") for one in self.recorded}
            if happening["id"] in known:
                return
        self.recorded.append(happening)

    def accounts(self) -> list[str]:
        """Return every name anybody was called by."""
        names = {one["account"] for one in self.recorded}
        names |= {one["customer"] for one in self.recorded if one["kind"] == "link"}
        return sorted(names)

    def answer(self, account: str, now: int | None = None) -> dict[str, Any]:
        """Return what is known of *account*, with what lies after *now* left out."""
        streams, name = self._who(account)
        mine = [one for one in self.recorded if one["account"] in streams]
        subscriptions = self._subscriptions(mine)
        ranked = sorted(
            subscriptions,
            key=lambda sub: (
                BEST_FIRST.index(subscriptions[sub]["status"]),
                -subscriptions[sub]["created"],
                sub,
            ),
        )
        primary = ranked[0] if ranked else None
        return {
            "account": name,
            "streams": sorted(streams),
            "status": subscriptions[primary]["status"] if primary else "none",
            "primary": primary,
            "subscriptions": {
                sub: (subscriptions[sub]["status"], subscriptions[sub]["quantity"])
                for sub in ranked
            },
            "users": self._users(mine, now),
            "active": self._active(mine, now),
        }

    def _who(self, account: str) -> tuple[set[str], str]:
        """Return whose events are this account's, and the name it goes by."""
        word: dict[str, tuple[int, str]] = {}
        for at, one in enumerate(self.recorded):
            if one["kind"] == "link":
                word[one["account"]] = (at, one["customer"])
        # Each account's last word counts; of several for one customer, the latest.
        holder = {customer: account for account, (_, customer) in self._by_time(word)}
        if account in word and holder[word[account][1]] == account:
            customer = word[account][1]
            return {account, customer}, customer
        if account in holder:
            return {account, holder[account]}, account
        return {account}, account

    def _by_time(
        self, word: dict[str, tuple[int, str]]
    ) -> list[tuple[str, tuple[int, str]]]:
        return sorted(word.items(), key=lambda item: item[1])

    def _subscriptions(self, mine: list[Happening]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        events = [one for one in mine if one["kind"] == "stripe"]
        for sub in sorted({one["object"] for one in events}):
            state: dict[str, Any] = {}
            own = [one for one in events if one["object"] == sub]
            for second in sorted({one["at"] for one in own}):
                group = [one for one in own if one["at"] == second]
                for event in self._in_order(group, state):
                    if (
                        state.get("status") not in ENDED
                        or event["shows"]["status"] in ENDED
                    ):
                        state = {**event["shows"], "created": event["created"]}
            found[sub] = state
        return found

    def _in_order(self, group: list[Happening], state: dict[str, Any]) -> list[Happening]:
        """Return the order of one second in which the fewest claims are broken."""

        def broken(order: Iterable[Happening]) -> tuple[int, int, list[str]]:
            order = tuple(order)
            claims, now = 0, dict(state)
            for event in order:
                for name, value in (event["replaced"] or {}).items():
                    claims += now.get(name, value) != value
                now = dict(event["shows"])
            life = [LIFE.index(event["change"]) for event in order]
            backwards = sum(
                later < earlier for at, earlier in enumerate(life) for later in life[at:]
            )
            return claims, backwards, [event["id"] for event in order]

        return list(min(permutations(group), key=broken))

    def _changes(self, mine: list[Happening], now: int | None) -> list[Happening]:
        """Return what was told of seats, by its own time and then as recorded."""
        told = [one for one in mine if one["kind"] in ("seat", "users", "count")]
        told.sort(key=lambda one: one["at"])
        return [one for one in told if now is None or one["at"] <= now]

    def _users(self, mine: list[Happening], now: int | None) -> set[str]:
        users: set[str] = set()
        for one in self._changes(mine, now):
            if one["kind"] == "users":
                users = set(one["users"])
            elif one["kind"] == "seat" and one["active"]:
                users.add(one["user"])
            elif one["kind"] == "seat":
                users.discard(one["user"])
        return users

    def _active(self, mine: list[Happening], now: int | None) -> int:
        """Return how many are active: those known by name, unless a number came after."""
        changes = self._changes(mine, now)
        for one in reversed(changes):
            if one["kind"] == "count":
                return int(one["count"])
            if one["kind"] == "users":
                break
        return len(self._users(mine, now))
