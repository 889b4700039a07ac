"""Reads drawings back, as a browser would."""

import re
from xml.etree import ElementTree

Element = ElementTree.Element


def read(svg: str) -> Element:
    """The drawing as a tree; it fails if it is not well-formed."""
    return ElementTree.fromstring(svg)


def by_class(drawing: Element, name: str) -> list[Element]:
    """The elements that have a class."""
    return [it for it in drawing.iter() if name in it.get("class", "").split()]


def texts(drawing: Element, name: str) -> list[str]:
    """What is written in elements of a class, without the marks that keep the direction of a name."""
    return [re.sub("[\u2068\u2069]", "", "".join(it.itertext())) for it in by_class(drawing, name)]


def told(drawing: Element) -> tuple[str, str]:
    """The name and the description that a screen reader finds by the drawing's references."""
    by_id = {it.get("id"): it.text or "" for it in drawing.iter() if it.get("id")}
    return by_id[drawing.get("aria-labelledby", "")], by_id.get(drawing.get("aria-describedby", ""), "")
