"""Parts that are larger than every machine: lengths and pieces worked out by hand."""

from fabroute.routing.service.explaining.oversize import (
    Envelope,
    oversize,
    oversize_document,
    pieces_for,
    too_long_mm,
)

SMALL = Envelope(model="Desktop", process="MEX", box_mm=(330, 240, 300), machines=4)
LARGE = Envelope(model="Cabin", process="MEX", box_mm=(1500, 1200, 1100), machines=1)
METAL = Envelope(model="Forge", process="LPBF", box_mm=(400, 400, 400), machines=2)


def test_a_part_is_as_much_too_long_as_in_its_best_rotation() -> None:
    # 324 x 234 x 294 are left: 310 lies along x, 220 along y, 300 stands 6 too high.
    assert too_long_mm((220, 300, 310), SMALL) == 6
    assert too_long_mm((294, 234, 324), SMALL) == 0
    assert too_long_mm((1000, 1000, 1000), SMALL) == 1000 - 234


def test_pieces_are_those_of_the_best_grid() -> None:
    # Along 324: 4, along 234: 5, along 294: 4.
    assert pieces_for((1000, 1000, 1000), SMALL) == 4 * 5 * 4
    # The long side along x is cut twice, the others not at all.
    assert pieces_for((200, 290, 640), SMALL) == 2
    assert pieces_for((100, 100, 100), SMALL) == 1


def test_a_cubic_metre_is_told_with_every_envelope_and_where_it_would_fit() -> None:
    found = oversize((1000, 1000, 1000), own=(METAL, SMALL), network=(METAL, SMALL, LARGE))

    assert [envelope.model for envelope in found.envelopes] == ["Forge", "Desktop"]
    assert (found.needed_mm, found.short_mm) == ((1006, 1006, 1006), (606, 766))
    assert (found.largest, found.fits_elsewhere, found.pieces) == (LARGE, True, 27)
    assert oversize_document(found)["ways_out"] == [
        "split the part into at least 27 pieces for Forge (400 × 400 × 400 mm)",
        "permit MEX: Cabin (1500 × 1200 × 1100 mm) would hold it",
        "make it conventionally: POST /v1/advice/method compares",
    ]


def test_where_the_network_has_no_larger_machine_one_is_asked_for() -> None:
    found = oversize((500, 10, 10), own=(SMALL,), network=(SMALL, METAL))

    assert (found.largest, found.fits_elsewhere, found.pieces) == (METAL, False, 2)
    ways = oversize_document(found)["ways_out"]
    assert isinstance(ways, list)
    assert ways[1] == (
        "a larger machine, of at least 506 × 16 × 16 mm; the largest of the network is Forge (400 × 400 × 400 mm)"
    )


def test_without_any_machine_only_the_conventional_way_is_left() -> None:
    found = oversize((500, 10, 10), own=(), network=())

    assert (found.pieces, found.largest, found.short_mm) == (None, None, ())
    assert oversize_document(found)["ways_out"] == ["make it conventionally: POST /v1/advice/method compares"]
