"""Widths and schemes in which pages are looked at, and Debian's Chromium that shows them."""

import os
import shutil
from dataclasses import dataclass
from itertools import product
from typing import Literal

import pytest

Scheme = Literal["light", "dark"]
ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How wide a window is, and whether its person likes it dark."""

    width: int = 1440
    scheme: Scheme = "light"

    @property
    def height(self) -> int:
        """Of a desk's screen, or of a phone."""
        return 844 if self.is_phone else 900

    @property
    def is_phone(self) -> bool:
        """Whether it is a phone."""
        return self.width < 600

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


DESK, PHONE = Look(), Look(width=390)
_SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = tuple(Look(width=width, scheme=scheme) for width, scheme in product((1440, 390), _SCHEMES))
every_look = pytest.mark.parametrize("look", LOOKS, ids=str)
"""Marks a test that is run at both widths and in both schemes."""
_OF_EVERY_TEST_RUN = (DESK, Look(width=390, scheme="dark"))
of_a_story = pytest.mark.parametrize(
    "look",
    [pytest.param(it, marks=[pytest.mark.story] if it in _OF_EVERY_TEST_RUN else []) for it in LOOKS],
    ids=str,
)
"""Marks what a user does from sign-in to outcome: ``make test`` takes two looks, ``make test-console`` all."""
both_widths = pytest.mark.parametrize("look", [DESK, PHONE], ids=str)


def chromium() -> str:
    """Return where Chromium is; the test is passed by, saying how to get it, where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("the console's tests need Chromium: apt-get install chromium, or set CHROMIUM to its path")
    return found
