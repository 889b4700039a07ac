"""What a build asks for, counted without expanding it: an object is counted once, however often it is used."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, refuse
from fabroute.integrations.validation.types import Limits

ObjectKey = tuple[str, int]
"""A model part and an object's id in it."""

SPLIT = "Send one part a file; how often it is printed belongs into the order."

_ADD_ITEM = "Put the part on the build plate in the CAD program or slicer, and export it again."
_FLAT = 1e-9
"""Of the volume of a box with the transformed axes: what is thinner than this share of it is flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One component or build item: the object it takes."""

    target: ObjectKey
    where: str


@dataclass(slots=True, kw_only=True)
class ObjectFacts:
    """An object of a model part."""

    key: ObjectKey
    kind: str
    """``model``, ``support``, … as the file says; without meaning for an object of components."""
    triangles: int = 0
    components: list[Use] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What an object amounts to with all of its components."""

    meshes: int = 0
    solids: int = 0
    """Meshes of type model."""
    others: int = 0
    """Meshes of type other, which must not be built."""
    triangles: int = 0
    depth: int = 0


def count_built(objects: Mapping[ObjectKey, ObjectFacts], items: Sequence[Use], limits: Limits) -> Built:
    """Return what the build amounts to; ``Refusal`` if that is nothing, too much, endless or not to be found."""
    order = _components_first(objects)
    _refuse_forward(objects)
    counted: dict[ObjectKey, Built] = {}
    for key in order:
        counted[key] = _counted(objects[key], counted)
        if counted[key].depth > limits.component_depth:
            _refuse_deep(objects[key], limits)
    for item in items:
        if item.target not in counted:
            _refuse_missing(item)
    if not items:
        refuse("NOTHING_TO_BUILD", "The file has no build item: nothing of it is to be printed.", _ADD_ITEM)
    total = _sum([counted[item.target] for item in items])
    _bear(total, limits)
    return total


def check_transform(text: str, limits: Limits, where: str) -> bool:
    """Return whether a transform mirrors; ``Refusal`` if it flattens what it transforms or throws it far away."""
    numbers = [float(word) for word in text.split()]
    if not all(abs(number) <= limits.largest_coordinate for number in numbers):
        refuse(
            "TRANSFORM_TOO_LARGE",
            f"A transform has a number beyond {limits.largest_coordinate:g}.",
            "Move the part close to the origin and export it again.",
            where=where,
        )
    rows = numbers[:3], numbers[3:6], numbers[6:9]
    (a, b, c), (d, e, f), (g, h, i) = rows
    volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if abs(volume) <= _FLAT * math.prod(math.hypot(*row) for row in rows):
        refuse(
            "TRANSFORM_SINGULAR",
            "A transform flattens the part: nothing solid would be left.",
            "Undo the scaling by zero in the CAD program and export the part again.",
            where=where,
        )
    return volume < 0


def _components_first(objects: Mapping[ObjectKey, ObjectFacts]) -> list[ObjectKey]:
    """Return the objects so that components come before what they are components of; ``Refusal`` for a cycle."""
    order: list[ObjectKey] = []
    finished: set[ObjectKey] = set()
    for start in objects:
        _visit(start, objects, order, finished)
    return order


def _visit(
    start: ObjectKey, objects: Mapping[ObjectKey, ObjectFacts], order: list[ObjectKey], finished: set[ObjectKey]
) -> None:
    path = {start: iter(objects[start].components)} if start not in finished else {}
    while path:
        key = next(reversed(path))
        use = next(path[key], None)
        if use is None:
            del path[key]
            finished.add(key)
            order.append(key)
        elif use.target not in objects:
            _refuse_missing(use)
        elif use.target in path:
            refuse(
                "COMPONENT_CYCLE",
                f"Object {use.target[1]} is a component of itself.",
                "Undo the circular assembly in the CAD program and export it again.",
                where=use.where,
            )
        elif use.target not in finished:
            path[use.target] = iter(objects[use.target].components)


def _refuse_missing(use: Use) -> None:
    refuse(
        "OBJECT_MISSING",
        f"Object {use.target[1]} is to be used, but {use.target[0]} doesn't define it.",
        EXPORT_AGAIN,
        where=use.where,
    )


def _refuse_forward(objects: Mapping[ObjectKey, ObjectFacts]) -> None:
    """Refuse a component that is defined in the same part after its use (3MF core 4.2.1)."""
    places = {key: place for place, key in enumerate(objects)}
    for facts in objects.values():
        for use in facts.components:
            if use.target[0] == facts.key[0] and places[use.target] > places[facts.key]:
                refuse(
                    "OBJECT_ORDER",
                    f"Object {use.target[1]} is defined after object {facts.key[1]}, which is made of it.",
                    EXPORT_AGAIN,
                    where=use.where,
                )


def _counted(facts: ObjectFacts, counted: Mapping[ObjectKey, Built]) -> Built:
    if facts.components:
        total = _sum([counted[use.target] for use in facts.components])
        return Built(
            meshes=total.meshes,
            solids=total.solids,
            others=total.others,
            triangles=total.triangles,
            depth=total.depth + 1,
        )
    return Built(meshes=1, solids=facts.kind == "model", others=facts.kind == "other", triangles=facts.triangles)


def _sum(parts: Sequence[Built]) -> Built:
    return Built(
        meshes=sum(part.meshes for part in parts),
        solids=sum(part.solids for part in parts),
        others=sum(part.others for part in parts),
        triangles=sum(part.triangles for part in parts),
        depth=max((part.depth for part in parts), default=0),
    )


def _refuse_deep(facts: ObjectFacts, limits: Limits) -> None:
    refuse(
        "COMPONENT_DEPTH",
        f"Object {facts.key[1]} has components of components, over {limits.component_depth} levels deep.",
        "Export the part as one solid instead of an assembly.",
        where=facts.key[0],
    )


def _bear(total: Built, limits: Limits) -> None:
    if total.others:
        refuse("OBJECT_NOT_BUILDABLE", "The build asks for an object of type other, which is never built.")
    if total.meshes > limits.instances:
        refuse(
            "TOO_MANY_INSTANCES",
            f"The build amounts to {total.meshes:,} meshes; {limits.instances:,} are allowed.",
            SPLIT,
        )
    if total.triangles > limits.triangles:
        refuse(
            "TOO_MANY_TRIANGLES",
            f"The build amounts to {total.triangles:,} triangles; {limits.triangles:,} are allowed.",
            SPLIT,
        )
    if not total.solids:
        refuse("NOTHING_TO_BUILD", "The build asks for supports or surfaces only, for nothing solid.", _ADD_ITEM)
