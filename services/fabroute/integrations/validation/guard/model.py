"""The model parts of a package, read element by element against the schemas, without keeping any vertex."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fabroute.integrations.validation.guard.assembly import (
    SPLIT,
    ObjectFacts,
    ObjectKey,
    Use,
    check_transform,
    count_built,
)
from fabroute.integrations.validation.guard.attributes import PATH, checked
from fabroute.integrations.validation.guard.markup import Attributes, Markup, bear_values, refuse_depth, split_name
from fabroute.integrations.validation.guard.meshes import FEWEST_TRIANGLES, TRIANGLE, VERTEX, MeshCount, Rows, Tally
from fabroute.integrations.validation.guard.package import MODEL_KIND, Package
from fabroute.integrations.validation.guard.properties import FOREIGN, RESOURCES, WITHOUT_COLOURS, Resources
from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, refuse, shown
from fabroute.integrations.validation.guard.schema import (
    CORE,
    ELEMENTS,
    ID,
    MATERIALS,
    SUPPORTED_EXTENSIONS,
    WELL_KNOWN_METADATA,
    Element,
    core,
    material,
)
from fabroute.integrations.validation.types import GuardFacts, Limits, MeshFacts
from fabroute.inventory.ports import Finding

MOST_ELEMENTS = 500_000
"""Beside vertices and triangles: colours, components, items, …"""
DEFAULT_UNIT = "millimeter"

_FEWEST_VERTICES = 3


@dataclass(slots=True, kw_only=True)
class Frame:
    """An element that has begun and not ended."""

    name: str
    element: Element | None
    """None for elements of namespaces that nobody here knows."""
    values: Mapping[str, str]
    rank: int = 0
    seen: set[str] = field(default_factory=set)
    """Slots and names of the children so far."""
    names: set[str] = field(default_factory=set)
    """Of the metadata in it."""


@dataclass(slots=True, kw_only=True)
class ModelReading:
    """One model part on its way through the guard, and what is known of it so far."""

    package: Package
    part: str
    limits: Limits
    tally: Tally
    unit: str = DEFAULT_UNIT
    objects: dict[ObjectKey, ObjectFacts] = field(default_factory=dict)
    meshes: list[MeshFacts] = field(default_factory=list)
    items: list[Use] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    """Namespaces of elements that were left out."""
    mirrored: int = 0
    _markup: Markup = field(init=False)
    _resources: Resources = field(init=False)
    _frames: list[Frame] = field(default_factory=list)
    _elements: int = 0
    _rows: Rows | None = None
    _mesh: MeshCount | None = None
    _coloured: bool = False

    def __post_init__(self) -> None:
        self._markup = Markup(where=self.part, depth=self.limits.xml_depth)
        self._resources = Resources(package=self.package, part=self.part)

    def read(self) -> None:
        """Read all of the part; ``Refusal`` at the first thing that is not as the specification says."""
        self._listen()
        self._markup.feed(self.package.stream(self.part), self._drain)

    def _listen(self) -> None:
        self._rows = None
        self._markup.parser.StartElementHandler = self._start
        self._markup.parser.EndElementHandler = self._end

    def _drain(self) -> None:
        if self._rows is not None:
            self._rows.drain()

    def _where(self) -> str:
        return self._markup.line

    # ------------------------------------------------------------ structure

    def _start(self, name: str, attributes: Attributes) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            refuse("TOO_MANY_ELEMENTS", f"The model has over {MOST_ELEMENTS:,} elements beside its mesh.", _ONE_SOLID)
        if len(self._frames) >= self.limits.xml_depth:
            refuse_depth(self._markup)
        bear_values(attributes, self._markup)
        element = ELEMENTS.get(name)
        self._place(name, element)
        values = checked(name, element, attributes, self._where) if element else _plain(attributes)
        self._frames.append(Frame(name=name, element=element, values=values))
        if name in _AT_START:
            _AT_START[name](self, values)
        elif element is None and self._parent(core("resources")):
            self._foreign_resource(name, values)

    def _end(self, name: str) -> None:
        frame = self._frames.pop()
        for needed in frame.element.needs if frame.element else ():
            if needed not in frame.seen:
                what = needed if needed != "shape" else "mesh and no components"
                self._refuse_child("ELEMENT_MISSING", f"<{split_name(name)[1]}> has no {what}.")
        if name in _AT_END:
            _AT_END[name](self, frame.values)

    def _place(self, name: str, element: Element | None) -> None:
        """Check that an element may stand where it stands, by its parent and the children before it."""
        if not self._frames:
            if name != core("model"):
                refuse("MODEL_ROOT", f"The part begins with {shown(name)} instead of a model.", where=self._where())
            return
        parent = self._frames[-1]
        if element is None:
            self._place_foreign(name, parent)
        elif parent.name not in element.parents:
            self._refuse_misplaced(name)
        else:
            self._place_known(element, parent)

    def _place_foreign(self, name: str, parent: Frame) -> None:
        namespace, local = split_name(name)
        if namespace in (CORE, MATERIALS, ""):
            self._refuse_child("ELEMENT_UNKNOWN", f"3MF has no element <{local[:60]}> here.")
        if parent.element is not None and not parent.element.open:
            self._refuse_misplaced(name)
        self.ignored.add(namespace)

    def _place_known(self, element: Element, parent: Frame) -> None:
        key = element.slot or element.local
        if element.rank < parent.rank:
            self._refuse_child("ELEMENT_ORDER", f"<{element.local}> stands after what must follow it.")
        if element.slot and key in parent.seen:
            self._refuse_child("ELEMENT_REPEATED", f"A second <{element.local}> stands where one is allowed.")
        parent.rank = element.rank
        parent.seen.add(key)

    def _refuse_misplaced(self, name: str) -> None:
        self._refuse_child("ELEMENT_MISPLACED", f"<{split_name(name)[1][:60]}> has no place here.")

    def _refuse_child(self, code: str, message: str) -> None:
        refuse(code, message, EXPORT_AGAIN, where=self._where())

    def _parent(self, name: str) -> bool:
        return len(self._frames) > 1 and self._frames[-2].name == name

    # ------------------------------------------------------------ the model

    def _begin_model(self, values: Mapping[str, str]) -> None:
        self.unit = values.get("unit", DEFAULT_UNIT)
        for prefix in values.get("requiredextensions", "").split():
            namespace = self._markup.prefixes.get(prefix)
            if namespace is None:
                refuse("EXTENSION_UNDECLARED", f"The required extension {shown(prefix)} is not declared.")
            if namespace not in SUPPORTED_EXTENSIONS:
                refuse(
                    "EXTENSION_UNSUPPORTED",
                    f"The file can be printed only by who knows the extension {shown(namespace, longest=120)}.",
                    "Export the part as a plain mesh, without that extension.",
                    where=self.part,
                )

    def _begin_metadata(self, values: Mapping[str, str]) -> None:
        name, parent = values["name"].strip(), self._frames[-2]
        prefix, colon, _ = name.rpartition(":")
        if not colon and name not in WELL_KNOWN_METADATA:
            self._refuse_metadata("METADATA_NAME", f"3MF has no metadata {shown(name)}; own names need a prefix.")
        if colon and not self._markup.prefixes.get(prefix):
            self._refuse_metadata("METADATA_NAME", f"The prefix of the metadata {shown(name)} is not declared.")
        if name in parent.names:
            self._refuse_metadata("METADATA_DUPLICATE", f"The metadata {shown(name)} stands there twice.")
        parent.names.add(name)

    def _refuse_metadata(self, code: str, message: str) -> None:
        refuse(code, message, "Metadata are not printed: export the part again without them.", where=self._where())

    def _begin_resource(self, values: Mapping[str, str]) -> None:
        self._resources.add(split_name(self._frames[-1].name)[1], values, self._where)

    def _end_resource(self, values: Mapping[str, str]) -> None:
        self._resources.close(int(values["id"]), self._where)

    def _begin_member(self, values: Mapping[str, str]) -> None:
        self._resources.add_member(int(self._frames[-2].values["id"]), values, self._where)

    def _foreign_resource(self, _name: str, values: Mapping[str, str]) -> None:
        if ID.fits(values.get("id", "")):
            self._resources.add(FOREIGN, {"id": values["id"]}, self._where)

    # ------------------------------------------------------------ objects

    def _begin_object(self, values: Mapping[str, str]) -> None:
        self._resources.add("object", {"id": values["id"]}, self._where)
        self._resources.use(values, self._where)
        if "thumbnail" in values:
            self._resources.check_thumbnail(values["thumbnail"], self._where)
        if len(self.objects) >= self.limits.objects:
            refuse("TOO_MANY_OBJECTS", f"The model has over {self.limits.objects:,} objects.", SPLIT)
        key = (self.part, int(values["id"]))
        self.objects[key] = ObjectFacts(key=key, kind=values.get("type", "model"))
        self._coloured = False

    def _end_object(self, values: Mapping[str, str]) -> None:
        if self._coloured and not {"pid", "pindex"} <= values.keys():
            self._refuse_property("PROPERTY_MISSING", "Its triangles have properties, but it has no pid and pindex.")

    def _refuse_property(self, code: str, message: str) -> None:
        refuse(code, message, WITHOUT_COLOURS, where=self._where())

    def _object(self) -> ObjectFacts:
        return self.objects[next(reversed(self.objects))]

    def _begin_components(self, _values: Mapping[str, str]) -> None:
        if self._frames[-2].values.keys() & {"pid", "pindex"}:
            self._refuse_property("PROPERTY_ON_COMPONENTS", "An object of components has a property of its own.")

    def _begin_component(self, values: Mapping[str, str]) -> None:
        self._object().components.append(self._use(values))

    def _begin_item(self, values: Mapping[str, str]) -> None:
        self.items.append(self._use(values))

    def _use(self, values: Mapping[str, str]) -> Use:
        if "transform" in values:
            self.mirrored += check_transform(values["transform"], self.limits, self._where())
        path = values.get(PATH, self.part)
        related = self.package.targets(self.part, MODEL_KIND) if self.part == self.package.root else frozenset()
        if path != self.part and path not in related:
            self._refuse_child("MODEL_UNRELATED", f"It takes an object out of {shown(path)}, which is not related.")
        return Use(target=(path, int(values["objectid"])), where=self._where())

    # ------------------------------------------------------------ meshes

    def _begin_mesh(self, _values: Mapping[str, str]) -> None:
        self._mesh = MeshCount(
            part=self.part,
            object_id=self._object().key[1],
            tally=self.tally,
            use_properties=self._use_on_triangle,
        )

    def _use_on_triangle(self, values: dict[str, str], where: Callable[[], str]) -> None:
        if values.keys() & {"pid", "p1", "p2", "p3"}:
            self._coloured = self._coloured or "p1" in values
            pid = next(frame for frame in self._frames if frame.name == core("object")).values.get("pid")
            self._resources.use_on_triangle(values, pid, where)

    def _begin_rows(self, row: str, take: Callable[[list[Attributes]], None]) -> None:
        self._rows = Rows(row=row, take=take, misplaced=self._refuse_misplaced, leave=self._leave_rows)
        start, end = self._rows.handlers()
        self._markup.parser.StartElementHandler = start
        self._markup.parser.EndElementHandler = end

    def _begin_vertices(self, _values: Mapping[str, str]) -> None:
        if self._mesh is not None:
            self._begin_rows(VERTEX, self._mesh.take_vertices)

    def _begin_triangles(self, _values: Mapping[str, str]) -> None:
        if self._mesh is not None:
            self._begin_rows(TRIANGLE, self._mesh.take_triangles)

    def _leave_rows(self, name: str) -> None:
        mesh = self._mesh
        if mesh is not None and (mesh.vertices if name == core("vertices") else mesh.triangles):
            self._frames[-1].seen.add("vertex" if name == core("vertices") else "triangle")
        self._listen()
        self._end(name)

    def _end_mesh(self, _values: Mapping[str, str]) -> None:
        if self._mesh is None:
            return
        facts, fewest = self._mesh.facts(), FEWEST_TRIANGLES if self._object().kind == "model" else 1
        if facts.vertices < _FEWEST_VERTICES or facts.triangles < fewest:
            refuse(
                "MESH_TOO_SMALL",
                f"A mesh has {facts.vertices} vertices and {facts.triangles} triangles: too few to enclose anything.",
                EXPORT_AGAIN,
                where=self._where(),
            )
        self._object().triangles = facts.triangles
        self.meshes.append(facts)
        self._mesh = None


_ONE_SOLID = "Export the part as one solid, without colours and textures."

Hook = Callable[[ModelReading, Mapping[str, str]], None]
_RESOURCE_NAMES = [core("basematerials"), *(material(it) for it in RESOURCES if it != "basematerials")]
_AT_START: Mapping[str, Hook] = {
    core("model"): ModelReading._begin_model,
    core("metadata"): ModelReading._begin_metadata,
    core("object"): ModelReading._begin_object,
    core("mesh"): ModelReading._begin_mesh,
    core("vertices"): ModelReading._begin_vertices,
    core("triangles"): ModelReading._begin_triangles,
    core("components"): ModelReading._begin_components,
    core("component"): ModelReading._begin_component,
    core("item"): ModelReading._begin_item,
    **dict.fromkeys(_RESOURCE_NAMES, ModelReading._begin_resource),
    **{
        name: ModelReading._begin_member
        for name, element in ELEMENTS.items()
        if element.parents & {*_RESOURCE_NAMES} and name != core("object")
    },
}
_AT_END: Mapping[str, Hook] = {
    core("object"): ModelReading._end_object,
    core("mesh"): ModelReading._end_mesh,
    **dict.fromkeys(_RESOURCE_NAMES, ModelReading._end_resource),
}


def read_models(package: Package, limits: Limits) -> GuardFacts:
    """Return what the model parts of a package hold, by our own counting; ``Refusal`` if they are not as specified."""
    tally = Tally(limits=limits)
    readings = [_reading(package, part, limits, tally) for part in package.models]
    objects = {key: facts for reading in readings for key, facts in reading.objects.items()}
    root = readings[0]
    built = count_built(objects, root.items, limits)
    meshes = tuple(mesh for reading in readings for mesh in reading.meshes)
    return GuardFacts(
        format="3mf",
        objects=len(meshes),
        vertices=tally.vertices,
        triangles=tally.triangles,
        built_triangles=built.triangles,
        unit=root.unit,
        findings=tuple(_findings(readings)),
        meshes=meshes,
    )


def _reading(package: Package, part: str, limits: Limits, tally: Tally) -> ModelReading:
    reading = ModelReading(package=package, part=part, limits=limits, tally=tally)
    reading.read()
    if part != package.root and reading.unit and any(_paths(reading)):
        refuse("MODEL_NESTED", "A model that is referred to refers to models itself.", where=part)
    return reading


def _paths(reading: ModelReading) -> list[str]:
    return [use.where for it in reading.objects.values() for use in it.components if use.target[0] != reading.part]


def _plain(attributes: Attributes) -> dict[str, str]:
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def _findings(readings: list[ModelReading]) -> list[Finding]:
    findings = []
    for namespace in sorted(set().union(*(reading.ignored for reading in readings))):
        findings.append(_ignored(namespace))
    if mirrored := sum(reading.mirrored for reading in readings):
        findings.append(
            Finding(
                code="MIRRORED",
                severity="note",
                message=f"{mirrored} transforms mirror what they place; its inside stays inside.",
                advice="Check that the mirrored part is what you want: threads and lettering are mirrored, too.",
            )
        )
    return findings


def _ignored(namespace: str) -> Finding:
    shape = "3dmanufacturing" in namespace
    return Finding(
        code="EXTENSION_IGNORED",
        severity="warning" if shape else "note",
        message=f"Data of the extension {shown(namespace, longest=120)} is left out.",
        advice="If the shape depends on it (lattices, slices, …), export the part as a plain mesh; else ignore this.",
    )
