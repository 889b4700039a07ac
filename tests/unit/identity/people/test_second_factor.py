"""The codes are those of RFC 6238, appendix B; its eight digits end with our six."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from fabroute.identity.service.people.second_factor import code_at, matching_step, step_at

SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, 1, "94287082"),
    (1111111109, 0x23523EC, "07081804"),
    (1111111111, 0x23523ED, "14050471"),
    (1234567890, 0x273EF07, "89005924"),
    (2000000000, 0x3F940AA, "69279037"),
    (20000000000, 0x27BC86AA, "65353130"),
]


@pytest.mark.parametrize(("seconds", "step", "digits"), VECTORS)
def test_codes_are_those_of_the_standard(seconds: int, step: int, digits: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)

    assert step_at(now) == step
    assert code_at(SECRET, step) == digits[2:]
    assert matching_step(SECRET, digits[2:], now=now) == step


@pytest.mark.parametrize(
    ("late", "is_taken"), [(-31, True), (-61, False), (0, True), (30, True), (59, True), (60, False)]
)
def test_a_code_is_good_half_a_minute_around(late: int, is_taken: bool) -> None:
    now = datetime.fromtimestamp(1111111110, UTC)  # the first second of a step
    code = code_at(SECRET, step_at(now))

    assert (matching_step(SECRET, code, now=now + timedelta(seconds=late)) is not None) is (late >= -30 and is_taken)
    assert code == "050471"


def test_what_is_no_code_of_these_steps_matches_none() -> None:
    now = datetime.fromtimestamp(1111111111, UTC)

    for wrong in ("", "050472", "14050471", "ABCDEF", "٠٥٠٤٧١", " 050471"):
        assert matching_step(SECRET, wrong, now=now) is None
    assert matching_step(SECRET, "050471", now=now) == 0x23523ED
