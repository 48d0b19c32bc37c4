"""What holds of every timeline, whatever failed, was paid, and when somebody asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Final

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.answer import Billing
from projections.dunning.timelines import Stage, Timeline
from projections.explain.dunning import stage
from projections.explain.tree import Explanation, Figure, wrong
from projections.notices import Notice
from projections.status.access import Level
from test_laws import EXAMPLES, held
from unpaid import INVOICE, Unpaid, account_of, told

DAY_S: Final = 86_400
OTHER: Final = "in_2SRzqtKXBGcbgpbZhpdF1KCd"
NAMES: Final = (INVOICE, OTHER)
ORDER: Final = (Stage.RETRYING, Stage.PAUSED, Stage.CANCELED)
STRICT: Final = (Level.FULL, Level.READ_ONLY, Level.NONE)
# Days of boundaries, and the seconds around them, as often as any others.
around = st.builds(
    lambda days, more: max(0, days * DAY_S + more),
    st.sampled_from([0, 3, 7, 7, 30, 30, 31]),
    st.integers(-1, 1),
)
offsets = st.one_of(around, st.integers(0, 40 * DAY_S))


@attrs.frozen(kw_only=True)
class Life:
    """An invoice: when it failed, and what ended it when; seconds after day 0."""

    failed: tuple[int, ...]
    end: str | None = None
    ended: int = 0


@st.composite
def lives(draw: st.DrawFn) -> Life:
    first = draw(st.sampled_from([0, 1, 5 * DAY_S]))
    later = draw(st.lists(offsets, max_size=4))
    return Life(
        failed=tuple(sorted({first, *(first + each for each in later)})),
        end=draw(st.sampled_from([None, "paid", "voided", "marked_uncollectible"])),
        ended=first + draw(offsets),
    )


def lived(*told_of: Life) -> Unpaid:
    """Tell of each; of a payment in the second of a failure the invoice tells too."""
    unpaid = Unpaid()
    unpaid.subscription("active", -30)
    ends = {"paid": "paid", "voided": "void", "marked_uncollectible": "uncollectible"}
    for name, life in zip(NAMES, told_of, strict=False):
        for place, at in enumerate(life.failed):
            unpaid.invoice("payment_failed", 0, at, name=name, attempt_count=place + 1)
        if life.end is not None:
            at = int(unpaid.at(0, life.ended).timestamp())
            dates = {f"{life.end}_at": at}
            more = {"amount_paid": 9200} if life.end == "paid" else {}
            unpaid.invoice(
                life.end,
                0,
                life.ended,
                name=name,
                status=ends[life.end],
                status_transitions=dates,
                **more,
            )
    return unpaid


def expected(life: Life, now: int) -> str | None:
    """Return the stage by the rules as they are written, and nothing else."""
    ended = life.ended if life.end is not None else None
    stops = life.end in {"paid", "voided"}
    failed = [at for at in life.failed if not stops or at <= life.ended]
    if not failed or min(failed) > now:
        return None
    began = min(failed)
    if ended is not None and ended <= now:
        return "recovered" if life.end == "paid" else "closed"
    days = (now - began) / DAY_S
    return "canceled" if days >= 30 else "paused" if days >= 7 else "retrying"


def is_reached(life: Life, now: int, day: int) -> bool:
    """Tell whether *day* came: what ends it in that very second prevents it."""
    due = life.failed[0] + day * DAY_S
    return due <= now and (life.end is None or life.ended > due)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_O17_every_stage_is_the_one_of_the_rules_to_the_second(examples: int) -> None:
    @given(lives(), offsets)
    def law(life: Life, since: int) -> None:
        now = life.failed[0] + since
        found = lived(life).billing(0, now).dunning

        assert [each.stage for each in found] == [
            each for each in [expected(life, now)] if each is not None
        ]
        for each in found:
            assert (each.paused_at is not None) == is_reached(life, now, 7)
            assert (each.canceled_at is not None) == is_reached(life, now, 30)

    held(law, examples)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_P09_stages_and_access_only_go_on_between_events(examples: int) -> None:
    @given(lives(), lives(), st.lists(offsets, min_size=2, max_size=6))
    def law(one: Life, other: Life, moments: list[int]) -> None:
        unpaid = lived(one, other)
        begun = {INVOICE: min(one.failed), OTHER: min(other.failed)}
        ends = [each.ended for each in (one, other) if each.end is not None]
        happened = sorted({*one.failed, *other.failed, *ends, *begun.values()})
        said = {at: unpaid.billing(0, at) for at in sorted(moments)}
        for (earlier, before), (later, after) in combinations(said.items(), 2):
            if not any(earlier < at <= later for at in happened):
                goes_on(before, after)

    held(law, examples // 2)


def goes_on(before: Billing, after: Billing) -> None:
    assert [each.invoice for each in before.dunning] == [
        each.invoice for each in after.dunning
    ]
    for one, other in zip(before.dunning, after.dunning, strict=True):
        if one.open:
            assert ORDER.index(one.stage) <= ORDER.index(other.stage)
        else:
            assert one.stage == other.stage
    assert STRICT.index(before.access.level) <= STRICT.index(after.access.level)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_B01_every_stage_re_adds_in_every_history(examples: int) -> None:
    @given(lives(), lives(), offsets)
    def law(one: Life, other: Life, now: int) -> None:
        unpaid = lived(one, other)
        for each in unpaid.billing(0, now).dunning:
            found = explained(unpaid, each)
            assert found.root.value == each.stage
            assert not list(wrong(found))

    held(law, examples // 2)


def explained(unpaid: Unpaid, each: Timeline) -> Explanation:
    root = stage(account_of(unpaid.events), each)
    return Explanation(account="cus_1", figure=Figure.DUNNING, title="", root=root)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_notices_are_the_same_in_every_order_and_each_once(examples: int) -> None:
    @given(lives(), lives(), offsets, st.randoms(use_true_random=False))
    def law(one: Life, other: Life, now: int, chance: Any) -> None:  # noqa: ANN401
        unpaid = lived(one, other)
        moment = unpaid.at(0, now)
        plain = told(unpaid.events, moment).notices
        events = [*unpaid.events, *chance.sample(unpaid.events, 2)]
        chance.shuffle(events)
        mixed = told(list(dict.fromkeys(events)), moment).notices

        assert [bare(each) for each in mixed] == [bare(each) for each in plain]
        keys = [each.key for each in plain]
        assert len(keys) == len(set(keys))
        # Nothing that was due once is due again later under another name.
        later = told(unpaid.events, moment + timedelta(seconds=1)).notices
        assert {each.key for each in plain} <= {each.key for each in later}

    held(law, examples // 2)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_a_failure_has_one_key_whatever_is_told_late(examples: int) -> None:
    @given(lives(), st.randoms(use_true_random=False))
    def law(life: Life, chance: Any) -> None:  # noqa: ANN401 - a random
        unpaid = lived(attrs.evolve(life, end=None))
        chance.shuffle(unpaid.events)
        keys: dict[datetime, str] = {}
        failures: dict[str, datetime] = {}
        for known in range(1, len(unpaid.events) + 1):
            told_then = told(unpaid.events[:known], unpaid.at(40)).notices
            for each in told_then:
                if each.kind == "payment_failed":
                    assert keys.setdefault(each.due_at, each.key) == each.key
                    assert failures.setdefault(each.key, each.due_at) == each.due_at

    held(law, examples // 4)


def bare(each: Notice) -> bytes:
    return msgspec.json.encode([each.kind, each.key, each.due_at, dict(each.detail)])
