"""Where a part may not be made: nobody there is offered it, however cheap."""

from tests.faults.threats.export_networks import decide_networks


def test_over_random_networks_nothing_goes_where_law_or_owner_forbid_it() -> None:
    seen = decide_networks(count=60, seed=7)

    assert (seen.breaches, seen.needless, seen.wrong_ends) == (0, 0, 0)
    assert (seen.pairs, seen.forbidden, seen.routed, seen.unroutable) == (1148, 871, 71, 134)
