"""The words that gates use, and the days that they look at."""

from datetime import date

import pytest

from fabroute.solver.eligibility import ExclusionCode, ProductionWindow


def test_every_code_has_a_meaning_in_words() -> None:
    assert len(ExclusionCode) == 22
    assert all(code.meaning and code.value == code.name for code in ExclusionCode)


def test_a_window_does_not_end_before_it_begins() -> None:
    assert ProductionWindow(first_day=date(2026, 6, 16), last_day=date(2026, 6, 16)).last_day == date(2026, 6, 16)
    with pytest.raises(ValueError, match="production can't end"):
        ProductionWindow(first_day=date(2026, 6, 17), last_day=date(2026, 6, 16))
