"""XML of a package, read as strictly as 3MF core 2.3.2 wants: UTF-8, no DTD, no entities, and nothing endless."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol
from xml.parsers import expat

from fabroute.integrations.validation.guard.refusals import EXPORT_AGAIN, refuse, shown

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
LONGEST_TOKEN = 2**20
"""Bytes of one tag or comment; expat would keep them all."""
LONGEST_VALUE = 65_536
"""Characters of one attribute."""

_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\0", b"<\0")
_PIECE = 65_536
_LINE_BREAKS = re.compile(r"\s+")

Attributes = list[str]
"""Name, value, name, value, …; a name in a namespace is its address, a space and the local name."""


class ElementHandler(Protocol):
    """Takes the elements of a document one after the other."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the beginning of an element."""
        ...

    def end(self, name: str) -> None:
        """Take the end of the element that was begun last."""
        ...


@dataclass(slots=True, kw_only=True)
class Markup:
    """One document on its way through the parser."""

    where: str
    depth: int
    """How deep elements may be nested."""
    parser: expat.XMLParserType = field(init=False)
    prefixes: dict[str, str] = field(default_factory=dict)
    """Those declared so far, with their namespaces; the last declaration counts."""
    _fed: int = 0

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.ordered_attributes = True
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.StartCdataSectionHandler = self._cdata
        self.parser.StartNamespaceDeclHandler = self._namespace

    @property
    def line(self) -> str:
        """The place that is read just now, for findings."""
        return f"{self.where}, line {self.parser.CurrentLineNumber}"

    def feed(self, chunks: Iterable[bytes], after_each: Callable[[], None] = lambda: None) -> None:
        """Parse all of the document, and call ``after_each`` in between; ``Refusal`` at what is not well-formed."""
        try:
            for chunk in chunks:
                self._feed_chunk(chunk)
                after_each()
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = _LINE_BREAKS.sub(" ", expat.ErrorString(error.code) or "unknown error")
            refuse(
                "XML_MALFORMED",
                f"The XML breaks off or is not well-formed ({reason}, column {error.offset + 1}).",
                EXPORT_AGAIN,
                where=f"{self.where}, line {error.lineno}",
            )
        after_each()

    def _feed_chunk(self, chunk: bytes) -> None:
        if self._fed == 0 and chunk.startswith(_BOMS):
            self._refuse_encoding("UTF-16 or UTF-32")
        for start in range(0, len(chunk), _PIECE):
            piece = chunk[start : start + _PIECE]
            self.parser.Parse(piece, False)
            self._fed += len(piece)
            if self._fed - self.parser.CurrentByteIndex > LONGEST_TOKEN:
                self._refuse_long()

    def _refuse_long(self) -> None:
        refuse("XML_TOKEN_TOO_LONG", f"One tag or comment is over {LONGEST_TOKEN:,} bytes long.", where=self.line)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
            self._refuse_encoding(encoding)

    def _refuse_encoding(self, encoding: str) -> None:
        refuse(
            "XML_ENCODING",
            f"The XML is in {shown(encoding)}; 3MF allows UTF-8 only.",
            EXPORT_AGAIN,
            where=self.where,
        )

    def _doctype(self, *_: object) -> None:
        refuse(
            "XML_DOCTYPE",
            "The XML declares a document type or entities; 3MF forbids both, for they hide what a file holds.",
            EXPORT_AGAIN,
            where=self.line,
        )

    def _instruction(self, target: str, _data: str) -> None:
        refuse("XML_INSTRUCTION", f"The XML holds a processing instruction for {shown(target)}.", where=self.line)

    def _cdata(self) -> None:
        refuse("XML_CDATA", "The XML holds a CDATA section, which programs read as text or as markup.", where=self.line)

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        self.prefixes[prefix or ""] = uri or ""


def parse(chunks: Iterable[bytes], *, markup: Markup, handler: ElementHandler) -> None:
    """Hand the elements of one document to ``handler``; ``Refusal`` if they are nested too deep."""
    depth = 0

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > markup.depth:
            refuse_depth(markup)
        bear_values(attributes, markup)
        handler.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(name)

    markup.parser.StartElementHandler = start
    markup.parser.EndElementHandler = end
    markup.feed(chunks)


def refuse_depth(markup: Markup) -> None:
    """Refuse a document whose elements are nested too deep."""
    refuse("XML_TOO_DEEP", f"Elements are nested deeper than {markup.depth} levels.", where=markup.line)


def bear_values(attributes: Attributes, markup: Markup) -> None:
    """Refuse attributes of absurd length."""
    for value in attributes:
        if len(value) > LONGEST_VALUE:
            refuse("XML_VALUE_TOO_LONG", f"One attribute has over {LONGEST_VALUE:,} characters.", where=markup.line)


def split_name(name: str) -> tuple[str, str]:
    """Return the namespace, empty if there is none, and the local part of a name."""
    namespace, _, local = name.rpartition(" ")
    return namespace, local
