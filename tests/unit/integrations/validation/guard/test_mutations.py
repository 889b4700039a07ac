"""Changed bytes anywhere: a reason, or two readings that agree. The long runs are in tests/fuzz."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabroute.integrations.validation.types import Refusal
from tests.factories.threemf import model, package
from tests.fuzz import fuzz_threemf
from tests.fuzz.fuzz_threemf import SEEDS, fuzz_one

PACKAGE, MODEL = package(), model().encode()
SNIPPETS = (
    b"<",
    b'"',
    b">",
    b"-1",
    b"nan",
    b"&#0;",
    b"<!--",
    b'<item objectid="1"/>',
    b"PK\x05\x06",
    b"\0",
    b"\xff",
    b"",
)

few = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    """Draw the original with a few pieces replaced, left out, put in or doubled."""
    content = original
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        end = min(len(content), place + draw(st.sampled_from([0, 0, 1, 2, 8, 40])))
        piece = draw(st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=2), st.just(content[place:end] * 2)))
        content = content[:place] + piece + content[end:]
    return content


@few
@given(mutations(PACKAGE))
def test_changed_packages_are_refused_or_read_alike(content: bytes) -> None:
    fuzz_one(content)
    assert len(content) < 2 * len(PACKAGE) + 400


@few
@given(mutations(MODEL))
def test_changed_models_are_refused_or_read_alike(content: bytes) -> None:
    fuzz_one(content)
    assert len(content) < 2 * len(MODEL) + 400


def test_the_seeds_are_read() -> None:
    for seed in SEEDS:
        fuzz_one(seed)
    assert len(set(SEEDS)) == 5


def test_the_target_notices_a_refusal_without_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise Refusal

    monkeypatch.setattr(fuzz_threemf, "_read", refuse)
    with pytest.raises(AssertionError, match="refused without a reason"):
        fuzz_one(MODEL)
