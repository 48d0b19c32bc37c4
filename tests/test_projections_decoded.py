from __future__ import annotations

from projections.decoded import Decoded
from projections.models.links import LINKS, Link
from projections.projector.rows import Codec

CODEC = Codec(LINKS)


def stored(number: int) -> bytes:
    return CODEC.encode(Link(customer=f"cus_{number}", position=number))


def test_equal_bytes_are_one_object_and_others_another() -> None:
    decoded = Decoded([LINKS])

    first, again = decoded.state("links", stored(1)), decoded.state("links", stored(1))

    assert first is again
    assert first == Link(customer="cus_1", position=1)
    assert decoded.state("links", stored(2)) == Link(customer="cus_2", position=2)


def test_what_was_asked_for_least_lately_goes_when_there_is_no_room() -> None:
    size = len(stored(1))
    decoded = Decoded([LINKS], stored_bytes_max=3 * size)
    kept = [decoded.state("links", stored(number)) for number in (1, 2, 3)]

    decoded.state("links", stored(1))
    decoded.state("links", stored(4))

    assert decoded.stored_bytes == 3 * size
    assert decoded.state("links", stored(1)) is kept[0]
    assert decoded.state("links", stored(3)) is kept[2]
    assert decoded.state("links", stored(2)) is not kept[1]


def test_a_state_that_is_larger_than_all_room_is_decoded_all_the_same() -> None:
    decoded = Decoded([LINKS], stored_bytes_max=1)

    assert decoded.state("links", stored(1)) == Link(customer="cus_1", position=1)
    assert decoded.stored_bytes == 0
