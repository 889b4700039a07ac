"""Content types and relationships: which part of a package is what (OPC clauses 6 and 7, 3MF core chapter 2)."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote

from fabroute.integrations.validation.guard.archive import Archive
from fabroute.integrations.validation.guard.markup import Attributes, Markup, parse
from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, refuse, shown

CONTENT_TYPES_PART = "[Content_Types].xml"
RELATIONSHIP_CONTENT = "application/vnd.openxmlformats-package.relationships+xml"
LARGEST_INDEX = 2**22
"""Bytes of the content types, and of one part's relationships."""

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPE_ROWS = {
    f"{_TYPES} Default": frozenset({"Extension", "ContentType"}),
    f"{_TYPES} Override": frozenset({"PartName", "ContentType"}),
}
_RELATION_ROWS = {f"{_RELATIONS} Relationship": frozenset({"Type", "Target", "Id"})}
_DEPTH = 4
_OUTSIDE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """One part, or the package, pointing to another part."""

    source: str
    """The part that points, e.g. ``/3D/3dmodel.model``; empty for the package."""
    kind: str
    target: str
    """The part pointed to."""


@dataclass(slots=True, kw_only=True)
class ContentTypes:
    """What the parts of a package are, by their names' endings or one by one."""

    defaults: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)

    def of(self, part: str) -> str:
        """Return the content type of a part in lower case; empty if none is declared."""
        ending = part.rpartition("/")[2].rpartition(".")[2].lower()
        return self.overrides.get(part.lower()) or self.defaults.get(ending, "")


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The children of a flat document, each handed to ``take`` with its attributes."""

    markup: Markup
    root: str
    children: Mapping[str, frozenset[str]]
    """Names with their required attributes."""
    take: Callable[[str, dict[str, str]], None]
    code: str
    _open: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: Attributes) -> None:
        expected = (self.root,) if not self._open else tuple(self.children) if len(self._open) == 1 else ()
        if name not in expected:
            refuse(self.code, f"The element {shown(name)} has no place here.", EXPORT_AGAIN, where=self.markup.line)
        self._open.append(name)
        if len(self._open) == 2:
            values = dict(zip(attributes[::2], attributes[1::2], strict=True))
            if missing := sorted(self.children[name] - values.keys()):
                refuse(self.code, f"The attribute {missing[0]} is missing.", EXPORT_AGAIN, where=self.markup.line)
            self.take(name, values)

    def end(self, name: str) -> None:
        self._open.pop()


def read_content_types(archive: Archive) -> ContentTypes:
    """Return the declared content types; ``Refusal`` if they are missing, contradictory or don't know relationships."""
    if CONTENT_TYPES_PART not in archive.entries:
        refuse("CONTENT_TYPES_MISSING", f"The package has no {CONTENT_TYPES_PART}.", EXPORT_AGAIN)
    types = ContentTypes()
    markup = Markup(where=CONTENT_TYPES_PART, depth=_DEPTH)
    take = partial(_take_content_type, types, markup)
    rows = _Rows(markup=markup, root=f"{_TYPES} Types", children=_TYPE_ROWS, take=take, code="CONTENT_TYPES_INVALID")
    _read_rows(archive, CONTENT_TYPES_PART, rows)
    if types.defaults.get("rels", RELATIONSHIP_CONTENT) != RELATIONSHIP_CONTENT:
        refuse("CONTENT_TYPES_INVALID", "Parts that end in .rels are not declared as relationships.")
    return types


def _take_content_type(types: ContentTypes, markup: Markup, name: str, values: dict[str, str]) -> None:
    default = name.endswith(" Default")
    table = types.defaults if default else types.overrides
    key = values["Extension" if default else "PartName"].lower()
    if key in table:
        refuse("CONTENT_TYPES_INVALID", f"{shown(key)} has two content types.", where=markup.line)
    table[key] = values["ContentType"].strip().lower()


def read_relationships(archive: Archive, source: str) -> tuple[Relationship, ...]:
    """Return where a part (or the package, if ``source`` is empty) points to; none if it has no relationships.

    ``Refusal`` for targets outside of the package, for one relationship stated twice and for equal ids.
    """
    part = relationships_part(source)
    if part not in archive.entries:
        return ()
    found = _Relationships(archive=archive, source=source, markup=Markup(where=part, depth=_DEPTH))
    rows = _Rows(
        markup=found.markup,
        root=f"{_RELATIONS} Relationships",
        children=_RELATION_ROWS,
        take=found.take,
        code="RELATIONSHIPS_INVALID",
    )
    _read_rows(archive, part, rows)
    return tuple(found.known.values())


@dataclass(slots=True, kw_only=True)
class _Relationships:
    """The relationships of one part so far."""

    archive: Archive
    source: str
    markup: Markup
    known: dict[tuple[str, str], Relationship] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def take(self, _name: str, values: dict[str, str]) -> None:
        relationship = _relationship(self.archive, self.source, values, self.markup)
        key = (relationship.kind, relationship.target.lower())
        if key in self.known:
            message = f"{shown(relationship.target)} is pointed to twice in the same way."
            refuse("RELATIONSHIP_DUPLICATE", message, where=self.markup.line)
        if values["Id"] in self.ids:
            message = f"Two relationships have the id {shown(values['Id'])}."
            refuse("RELATIONSHIP_ID", message, where=self.markup.line)
        self.ids.add(values["Id"])
        self.known[key] = relationship


def relationships_part(source: str) -> str:
    """Return the name in the archive of the part that holds a part's relationships."""
    folder, _, name = source.removeprefix("/").rpartition("/")
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _read_rows(archive: Archive, part: str, rows: _Rows) -> None:
    if archive.entries[part].unpacked > LARGEST_INDEX:
        refuse("INDEX_TOO_LARGE", f"{part} has over {LARGEST_INDEX:,} bytes.", where=part)
    parse(archive.stream(part), markup=rows.markup, handler=rows)


def _relationship(archive: Archive, source: str, values: Mapping[str, str], markup: Markup) -> Relationship:
    target, mode = values["Target"].strip(), values.get("TargetMode", "Internal")
    if mode != "Internal" or _OUTSIDE.match(target):
        refuse(
            "RELATIONSHIP_EXTERNAL",
            f"The package points to {shown(target)} outside of itself.",
            "All that is printed must be in the file: embed linked parts and export it again.",
            where=markup.line,
        )
    folder = source.rpartition("/")[0] or "/"
    depth = 0 if target.startswith("/") else folder.strip("/").count("/") + bool(folder.strip("/"))
    for segment in target.split("/"):
        depth += -1 if segment == ".." else segment not in ("", ".")
        if depth < 0:
            refuse("RELATIONSHIP_EXTERNAL", f"{shown(target)} leads out of the package.", where=markup.line)
    resolved = "/" + posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
    if resolved.rpartition("/")[2].startswith("."):
        refuse("PART_NAME", f"The name of the part {shown(resolved)} begins with a dot.", where=markup.line)
    return Relationship(source=source, kind=values["Type"].strip(), target=_known_part(archive, resolved))


def _known_part(archive: Archive, target: str) -> str:
    """Return the target as the archive spells it: names beyond ASCII may be percent-encoded in relationships."""
    plain = unquote(target)
    return plain if target[1:] not in archive.entries and plain[1:] in archive.entries else target
