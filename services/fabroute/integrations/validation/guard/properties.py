"""Materials, colours and textures of a model part: whatever points to one must find it (3MF core 5, materials 2-7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from fabroute.integrations.validation.guard.package import TEXTURE_KIND, THUMBNAIL_KIND, Package
from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, shown
from fabroute.integrations.validation.guard.refusals import refuse as refuse_for

GROUPS = frozenset({"basematerials", "colorgroup", "texture2dgroup", "compositematerials", "multiproperties"})
"""Kinds of resources that objects and triangles take properties from."""
FOREIGN = "extension"
"""A resource of an extension that nobody here knows."""
RESOURCES = GROUPS | {
    "texture2d",
    "pbspeculardisplayproperties",
    "pbmetallicdisplayproperties",
    "pbspeculartexturedisplayproperties",
    "pbmetallictexturedisplayproperties",
    "translucentdisplayproperties",
}

WITHOUT_COLOURS = "Colours and materials are not printed from the file: export the part again without them."

_MATERIALS = frozenset({"basematerials", "compositematerials"})
_SURFACE_DISPLAYS = frozenset(
    {"pbspeculardisplayproperties", "pbmetallicdisplayproperties", "translucentdisplayproperties"}
)
_TEXTURE_DISPLAYS = frozenset({"pbspeculartexturedisplayproperties", "pbmetallictexturedisplayproperties"})
_DISPLAYS = {
    "basematerials": _SURFACE_DISPLAYS,
    "compositematerials": _SURFACE_DISPLAYS,
    "colorgroup": _SURFACE_DISPLAYS,
    "texture2dgroup": _TEXTURE_DISPLAYS,
    "multiproperties": _SURFACE_DISPLAYS | _TEXTURE_DISPLAYS,
}
_TEXTURE_IDS = ("texid", "speculartextureid", "glossinesstextureid", "metallictextureid", "roughnesstextureid")

Where = Callable[[], str]


def refuse(code: str, message: str, advice: str = WITHOUT_COLOURS, *, where: str) -> NoReturn:
    """Refuse the file for a property; the shape may well be sound without it."""
    refuse_for(code, message, advice, where=where)


@dataclass(slots=True, kw_only=True)
class Resource:
    """One resource of a model part, with the members counted so far."""

    kind: str
    values: Mapping[str, str]
    members: int = 0


@dataclass(slots=True, kw_only=True)
class Resources:
    """The resources of one model part, in the order in which they are defined."""

    package: Package
    part: str
    known: dict[int, Resource] = field(default_factory=dict)

    def add(self, kind: str, values: Mapping[str, str], where: Where) -> None:
        """Note a resource that begins; ``Refusal`` if its id is taken or it points to something that isn't there."""
        resource_id = int(values["id"])
        if resource_id in self.known:
            refuse(
                "RESOURCE_DUPLICATE",
                f"The id {resource_id} is used for a {self.known[resource_id].kind} and a {kind}.",
                EXPORT_AGAIN,
                where=where(),
            )
        self.known[resource_id] = Resource(kind=kind, values=values)
        for key in _TEXTURE_IDS:
            if key in values:
                self._need(values[key], frozenset({"texture2d"}), where)
        if kind == "texture2d":
            self._check_texture(values, where)
        if kind == "compositematerials":
            self._check_composite(values, where)
        if kind == "multiproperties":
            self._check_layers(values, where)

    def add_member(self, group_id: int, values: Mapping[str, str], where: Where) -> None:
        """Count a member of a group; ``Refusal`` if it combines properties that aren't there."""
        group = self.known[group_id]
        group.members += 1
        if group.kind == "compositematerials":
            if any(not 0 <= float(share) <= 1 for share in values["values"].split()):
                refuse("PROPERTY_VALUE", "A share of a composite is not between 0 and 1.", where=where())
        elif group.kind == "multiproperties":
            layers = group.values["pids"].split()
            for layer, index in zip(layers, values["pindices"].split(), strict=False):
                self._need_member(layer, index, where)

    def close(self, resource_id: int, where: Where) -> None:
        """Check what can be said of a group only after its members."""
        resource = self.known[resource_id]
        display_id = resource.values.get("displaypropertiesid")
        if display_id is None:
            return
        display = self._need(display_id, _DISPLAYS[resource.kind], where)
        if display.kind in _SURFACE_DISPLAYS and display.members not in (0, resource.members):
            refuse(
                "PROPERTY_VALUE",
                f"{resource.members} members have {display.members} display properties.",
                where=where(),
            )

    def use(self, values: Mapping[str, str], where: Where) -> None:
        """Check what an object says of its property: ``pid`` and ``pindex``."""
        if "pindex" in values and "pid" not in values:
            refuse("PROPERTY_MISSING", "It has a pindex and no pid: nobody knows which group is meant.", where=where())
        if "pid" in values:
            self._need(values["pid"], GROUPS, where)
            self._need_member(values["pid"], values.get("pindex", "0"), where)

    def use_on_triangle(self, values: Mapping[str, str], object_pid: str | None, where: Where) -> None:
        """Check what a triangle says of its properties: ``pid``, ``p1``, ``p2`` and ``p3``."""
        indices = [values[key] for key in ("p1", "p2", "p3") if key in values]
        group_id = values.get("pid", object_pid)
        if group_id is None or (indices and "p1" not in values):
            refuse("PROPERTY_MISSING", "It has properties, but no pid or no p1.", where=where())
        group = self._need(group_id, GROUPS, where)
        for index in indices:
            self._need_member(group_id, index, where)
        if group.kind == "basematerials" and len(set(map(int, indices))) > 1:
            refuse("PROPERTY_GRADIENT", "It blends base materials, which nobody can print.", where=where())

    def check_thumbnail(self, part: str, where: Where) -> None:
        """Refuse an object's thumbnail that the model has no relationship to."""
        if part not in self.package.targets(self.part, THUMBNAIL_KIND, TEXTURE_KIND):
            refuse("RESOURCE_MISSING", f"Its thumbnail {shown(part)} is not related to the model.", where=where())

    def _need(self, resource_id: str, kinds: frozenset[str], where: Where) -> Resource:
        resource = self.known.get(int(resource_id))
        if resource is None:
            refuse("RESOURCE_MISSING", f"It refers to resource {resource_id}, not defined before it.", where=where())
        if resource.kind not in kinds and resource.kind != FOREIGN:
            refuse("RESOURCE_KIND", f"It refers to resource {resource_id}, a {resource.kind}.", where=where())
        return resource

    def _need_member(self, resource_id: str, index: str, where: Where) -> None:
        group = self._need(resource_id, GROUPS, where)
        if group.kind != FOREIGN and int(index) >= group.members:
            refuse(
                "PROPERTY_INDEX",
                f"It takes property {int(index)} of resource {resource_id}, which has {group.members} (from 0).",
                where=where(),
            )

    def _check_texture(self, values: Mapping[str, str], where: Where) -> None:
        part = values["path"]
        if part not in self.package.targets(self.part, TEXTURE_KIND):
            refuse("RESOURCE_MISSING", f"The texture {shown(part)} is not related to the model.", where=where())
        if self.package.image_type(part) != values["contenttype"]:
            refuse("IMAGE_FORMAT", f"{shown(part)} is no {values['contenttype']}.", where=where())

    def _check_composite(self, values: Mapping[str, str], where: Where) -> None:
        self._need(values["matid"], frozenset({"basematerials"}), where)
        for index in values["matindices"].split():
            self._need_member(values["matid"], index, where)

    def _check_layers(self, values: Mapping[str, str], where: Where) -> None:
        """Check materials 5: one material at most, and first; one colour group at most; no multiproperties."""
        kinds = [self._need(pid, GROUPS - {"multiproperties"}, where).kind for pid in values["pids"].split()]
        materials = [place for place, kind in enumerate(kinds) if kind in _MATERIALS]
        if materials not in ([], [0]) or kinds.count("colorgroup") > 1:
            refuse(
                "PROPERTY_LAYERS",
                "Multiproperties may layer one material, at the bottom, and one group of colours.",
                where=where(),
            )
        if len(values.get("blendmethods", "").split()) >= len(kinds):
            refuse("PROPERTY_LAYERS", "Multiproperties state more ways to blend than they have layers.", where=where())
