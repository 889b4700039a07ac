import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.integrations.validation.guard.assembly import Built, ObjectFacts, ObjectKey, Use, check_transform
from fabroute.integrations.validation.guard.assembly import count_built as counted
from fabroute.integrations.validation.types import Limits, Refusal

GENEROUS = Limits(instances=10**9, triangles=10**12, component_depth=100)


def key(object_id: int) -> ObjectKey:
    return "/a.model", object_id


def use(object_id: int) -> Use:
    return Use(target=key(object_id), where=f"use of {object_id}")


def objects_of(
    parts: Mapping[int, int | list[int]], *, kinds: Mapping[int, str] | None = None
) -> dict[ObjectKey, ObjectFacts]:
    """Return objects from what they are: a number of triangles, or components."""
    found = {}
    for object_id, what in parts.items():
        facts = ObjectFacts(key=key(object_id), kind=(kinds or {}).get(object_id, "model"))
        if isinstance(what, int):
            facts.triangles = what
        else:
            facts.components = [use(part) for part in what]
        found[key(object_id)] = facts
    return found


def expanded(parts: Mapping[int, int | list[int]], object_id: int) -> list[int]:
    """Return the triangles of every mesh instance, by really expanding: the truth for small assemblies."""
    what = parts[object_id]
    return [what] if isinstance(what, int) else [count for part in what for count in expanded(parts, part)]


@st.composite
def assemblies(draw: st.DrawFn) -> dict[int, int | list[int]]:
    parts: dict[int, int | list[int]] = {1: draw(st.integers(4, 50))}
    for object_id in range(2, draw(st.integers(2, 8))):
        components = st.lists(st.integers(1, object_id - 1), min_size=1, max_size=3)
        parts[object_id] = draw(st.one_of(st.integers(4, 50), components))
    return parts


@given(assemblies(), st.data())
def test_counting_without_expanding_is_expanding(parts: dict[int, int | list[int]], data: st.DataObject) -> None:
    items = data.draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=3))
    truth = [count for item in items for count in expanded(parts, item)]
    built = counted(objects_of(parts), [use(item) for item in items], GENEROUS)
    assert (built.meshes, built.triangles) == (len(truth), sum(truth))
    assert built.solids == built.meshes


def test_a_tree_of_copies_is_counted_at_once() -> None:
    parts: dict[int, int | list[int]] = {1: 12} | {level: [level - 1, level - 1] for level in range(2, 64)}
    built = counted(objects_of(parts), [use(63)], Limits(instances=2**70, triangles=2**70, component_depth=70))
    assert built == Built(meshes=2**62, solids=2**62, triangles=12 * 2**62, depth=62)
    with pytest.raises(Refusal, match="4,611,686,018,427,387,904 meshes; 10,000 are allowed"):
        counted(objects_of(parts), [use(63)], Limits(component_depth=70))


def test_a_chain_of_any_length_is_followed_without_recursion() -> None:
    parts: dict[int, int | list[int]] = {1: 12} | {level: [level - 1] for level in range(2, 9_000)}
    assert counted(objects_of(parts), [use(8_999)], Limits(component_depth=9_000)).depth == 8_998
    with pytest.raises(Refusal, match="Object 18 has components of components, over 16 levels deep"):
        counted(objects_of(parts), [use(1)], Limits())


@pytest.mark.parametrize(
    ("parts", "item", "code"),
    [
        ({1: [1]}, 1, "COMPONENT_CYCLE"),
        ({1: [2], 2: [1]}, 1, "COMPONENT_CYCLE"),
        ({1: 4, 2: [3], 3: [4], 4: [2]}, 1, "COMPONENT_CYCLE"),
        ({1: [2], 2: 4}, 1, "OBJECT_ORDER"),
        ({1: 4, 2: [9]}, 1, "OBJECT_MISSING"),
        ({1: 4}, 2, "OBJECT_MISSING"),
    ],
)
def test_assemblies_that_lead_nowhere(parts: dict[int, int | list[int]], item: int, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        counted(objects_of(parts), [use(item)], Limits())
    (finding,) = caught.value.findings
    assert finding.code == code
    assert finding.where.startswith("use of")


def test_only_solids_make_a_build() -> None:
    kinds = {1: "support", 2: "surface", 3: "other"}
    objects = objects_of({1: 4, 2: 4, 3: 4, 4: 4, 5: [1, 4]}, kinds=kinds)
    assert counted(objects, [use(5)], Limits()) == Built(meshes=2, solids=1, triangles=8, depth=1)
    for items, code in (([], "NOTHING_TO_BUILD"), ([1, 2], "NOTHING_TO_BUILD"), ([4, 3], "OBJECT_NOT_BUILDABLE")):
        with pytest.raises(Refusal) as caught:
            counted(objects, [use(item) for item in items], Limits())
        assert caught.value.findings[0].code == code


@given(st.lists(st.integers(-4, 4), min_size=12, max_size=12))
def test_transforms_mirror_or_flatten_as_their_determinant_says(numbers: list[int]) -> None:
    determinant = round(np.linalg.det(np.array(numbers[:9], dtype=float).reshape(3, 3)))
    text = " ".join(map(str, numbers))
    if determinant == 0:
        with pytest.raises(Refusal, match="flattens"):
            check_transform(text, Limits(), "here")
    else:
        assert check_transform(text, Limits(), "here") == (determinant < 0)
    assert math.isfinite(determinant)


def test_small_parts_may_be_scaled_and_slanted() -> None:
    assert check_transform("1e-3 0 0 0 1e-3 0 0 0 1e-3 0 0 0", Limits(), "") is False
    assert check_transform("1 0 0 0.999 0.001 0 0 0 1 0 0 0", Limits(), "") is False
    with pytest.raises(Refusal, match="beyond 1e\\+07"):
        check_transform("1 0 0 0 1 0 0 0 1 10000001 0 0", Limits(), "")
