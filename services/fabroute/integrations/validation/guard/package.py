"""The package around a model: are all parts whole, and is it clear which of them is to be printed?"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fabroute.integrations.validation.guard.archive import Archive, open_archive
from fabroute.integrations.validation.guard.core_properties import check_core_properties
from fabroute.integrations.validation.guard.images import CMYK_COMPONENTS, JPEG_TYPE, image_type, jpeg_components
from fabroute.integrations.validation.guard.refusals import COARSER, EXPORT_AGAIN, SEND_AGAIN, refuse, shown
from fabroute.integrations.validation.guard.relationships import (
    ContentTypes,
    Relationship,
    read_content_types,
    read_relationships,
)
from fabroute.integrations.validation.types import Limits

MODEL_KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
TEXTURE_KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dtexture"
TICKET_KIND = "http://schemas.microsoft.com/3dmanufacturing/2013/01/printticket"
THUMBNAIL_KIND = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
PROPERTIES_KIND = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
KEYSTORE_KIND = "http://schemas.microsoft.com/3dmanufacturing/2019/04/keystore"
MODEL_CONTENT = "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"

_IMAGES = frozenset({"image/jpeg", "image/png"})
_CONTENT = {
    MODEL_KIND: frozenset({MODEL_CONTENT}),
    TEXTURE_KIND: _IMAGES | {"application/vnd.ms-package.3dmanufacturing-3dmodeltexture"},
    TICKET_KIND: frozenset({"application/vnd.ms-printing.printticket+xml"}),
    THUMBNAIL_KIND: _IMAGES,
    PROPERTIES_KIND: frozenset({"application/vnd.openxmlformats-package.core-properties+xml"}),
}
"""By relationship, the content types that its target may have (3MF core appendix C)."""
_PICTURE_BLOCKS = 16
"""Of 64 KiB: how far into a picture its colours are looked for."""
_WITHOUT_PICTURES = "Export the part again without pictures; printing needs none."


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package whose parts are whole and whose relationships lead to them."""

    archive: Archive
    types: ContentTypes
    root: str
    """The model part that is to be printed, e.g. ``/3D/3dmodel.model``."""
    relationships: Mapping[str, tuple[Relationship, ...]]
    """Of the root model and the model parts that it refers to, by source."""

    @property
    def models(self) -> tuple[str, ...]:
        """All model parts, the root first."""
        return self.root, *sorted(self.relationships.keys() - {self.root})

    def targets(self, source: str, *kinds: str) -> frozenset[str]:
        """Return the parts that ``source`` points to by one of the kinds of relationship."""
        return frozenset(it.target for it in self.relationships[source] if it.kind in kinds)

    def stream(self, part: str) -> Iterator[bytes]:
        """Yield a part's content."""
        return self.archive.stream(part.removeprefix("/"))

    def image_type(self, part: str) -> str:
        """Return the content type that an image's first bytes show; empty if it is neither PNG nor JPEG."""
        return image_type(next(self.stream(part), b""))


@contextmanager
def open_package(path: Path, limits: Limits) -> Iterator[Package]:
    """Open a package that may be read on; ``Refusal`` if archive, parts or relationships are not in order."""
    with path.open("rb") as file:
        archive = open_archive(file, limits)
        types = read_content_types(archive)
        root = _start_part(read_relationships(archive, ""))
        relationships = _model_relationships(archive, root)
        package = Package(archive=archive, types=types, root=root, relationships=relationships)
        for relationship in itertools.chain(read_relationships(archive, ""), *relationships.values()):
            _check_target(package, relationship)
        _verify(package, limits)
        yield package


def _start_part(relationships: tuple[Relationship, ...]) -> str:
    _refuse_several(relationships, PROPERTIES_KIND, "CORE_PROPERTIES_DUPLICATE", "sets of core properties")
    if any(it.kind == TICKET_KIND for it in relationships):
        refuse("PRINT_TICKET_MISPLACED", "A print ticket belongs to the package; it may belong to a model only.")
    if any(it.kind == KEYSTORE_KIND for it in relationships):
        refuse(
            "ENCRYPTED_CONTENT",
            "The model is encrypted for certain consumers (3MF secure content).",
            "Send it without encryption of its own; it is kept and handed on encrypted anyway.",
        )
    starts = [it.target for it in relationships if it.kind == MODEL_KIND]
    if not starts:
        refuse("START_PART_MISSING", "The package doesn't say which part is the 3D model.", EXPORT_AGAIN)
    if len(starts) > 1:
        refuse("START_PART_AMBIGUOUS", f"The package names {len(starts)} parts as the 3D model to print.", EXPORT_AGAIN)
    return starts[0]


def _refuse_several(relationships: tuple[Relationship, ...], kind: str, code: str, what: str) -> None:
    count = sum(it.kind == kind for it in relationships)
    if count > 1:
        refuse(code, f"There are {count} {what} where one is allowed.", where=relationships[0].source)


def _model_relationships(archive: Archive, root: str) -> dict[str, tuple[Relationship, ...]]:
    """Return the relationships of the root model and of those it points to; those must not point to others."""
    found = {root: read_relationships(archive, root)}
    for child in [it.target for it in found[root] if it.kind == MODEL_KIND and it.target != root]:
        found[child] = read_relationships(archive, child)
        if any(it.kind == MODEL_KIND for it in found[child]):
            refuse("MODEL_NESTED", "A model that is referred to refers to models itself.", where=child)
    for relationships in found.values():
        _refuse_several(relationships, TICKET_KIND, "PRINT_TICKET_DUPLICATE", "print tickets for one model")
    return found


def _check_target(package: Package, relationship: Relationship) -> None:
    part, allowed = relationship.target, _CONTENT.get(relationship.kind)
    if allowed is None:
        return
    if part.removeprefix("/") not in package.archive.entries:
        refuse(
            "RELATIONSHIP_DANGLING",
            f"The package points to {shown(part)}, which it doesn't hold.",
            EXPORT_AGAIN,
            where=relationship.source or "package",
        )
    content = package.types.of(part)
    if content not in allowed:
        refuse("CONTENT_TYPE_WRONG", f"It is declared as {shown(content)}, which it can't be.", where=part)
    if relationship.kind in (TEXTURE_KIND, THUMBNAIL_KIND):
        _check_picture(package, part)
    if relationship.kind == PROPERTIES_KIND:
        check_core_properties(part, package.stream(part))


def _check_picture(package: Package, part: str) -> None:
    head = b"".join(itertools.islice(package.stream(part), _PICTURE_BLOCKS))
    if not image_type(head):
        refuse("IMAGE_FORMAT", "A picture is neither PNG nor JPEG.", _WITHOUT_PICTURES, where=part)
    if image_type(head) == JPEG_TYPE and jpeg_components(head) == CMYK_COMPONENTS:
        refuse("IMAGE_FORMAT", "A picture is in CMYK; 3MF allows RGB and grey.", _WITHOUT_PICTURES, where=part)


def _verify(package: Package, limits: Limits) -> None:
    """Unpack every part once, against sizes and checksums, and refuse far too many corners before parsing them."""
    models = {part.removeprefix("/") for part in package.models}
    vertices = triangles = 0
    for name, entry in package.archive.entries.items():
        if name.endswith("/") and entry.unpacked:
            refuse("PART_NAME", f"The folder {shown(name)} has a content.", SEND_AGAIN, where=name)
        for block in package.archive.stream(name):
            if name in models:
                vertices += block.count(b"<vertex")
                triangles += block.count(b"<triangle ")
                bear_counts(vertices, triangles, limits, where=name)


def bear_counts(vertices: int, triangles: int, limits: Limits, *, where: str) -> None:
    """Refuse more vertices or triangles than can be read in bearable time."""
    for what, count, allowed in (("vertices", vertices, limits.vertices), ("triangles", triangles, limits.triangles)):
        if count > allowed:
            refuse(
                f"TOO_MANY_{what.upper()}",
                f"The model has {count:,} {what} or more; {allowed:,} are allowed.",
                COARSER,
                where=where,
            )
