"""A batch as large as they come is looked at as a whole."""

import pytest

from fabroute.routing.service.candidates import CandidateFinder
from tests.factories.large_batches import a_large_snapshot


@pytest.mark.slow
def test_two_hundred_lines_look_at_sixty_nodes() -> None:
    choices = CandidateFinder(a_large_snapshot()).choices()

    assert len(choices) == 200
    assert all(len(each.best) == 20 for each in choices if each.line.need_by is None)
    assert all(len(each.exclusions) + len(each.best) == 60 for each in choices)
    assert max(len(each.options) for each in choices) <= 60
