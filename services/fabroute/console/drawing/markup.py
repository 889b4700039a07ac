"""Markup of drawings: elements, text and numbers as SVG has them, with nothing in it that a name could break."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Attribute = str | float | None


class Svg(str):
    """Markup that is already escaped: templates take it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return itself, as template engines ask for it."""
        return str(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a drawing is called, and what someone who can't see it is told; ``key`` is unique on its page."""

    key: str
    title: str
    description: str = ""


def escaped(text: str) -> Svg:
    """Return text as markup; characters that XML doesn't have are left out."""
    return Svg(html.escape(_NOT_IN_XML.sub("", text)))


def number(value: float) -> str:
    """Return a number with one decimal at most, as short as it can be: ``4``, ``-0.5``."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def element(name: str, attributes: Mapping[str, Attribute] | None = None, *children: str) -> Svg:
    """Return an element; children that are not markup are escaped, attributes that are ``None`` left out."""
    inner = "".join(child if isinstance(child, Svg) else escaped(child) for child in children)
    head = name + "".join(_attribute(key, value) for key, value in (attributes or {}).items())
    return Svg(f"<{head}>{inner}</{name}>" if inner else f"<{head}/>")


def picture(caption: Caption, *, css: str, width: float, height: float, content: str) -> Svg:
    """Return a whole drawing: an image with a name and a description, as wide as its place on the page."""
    told = [element("title", {"id": f"{caption.key}-title"}, caption.title)]
    if caption.description:
        told.append(element("desc", {"id": f"{caption.key}-desc"}, caption.description))
    attributes: dict[str, Attribute] = {
        "class": f"drawing {css}",
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "role": "img",
        "direction": "ltr",
        "aria-labelledby": f"{caption.key}-title",
        "aria-describedby": f"{caption.key}-desc" if caption.description else None,
    }
    return element("svg", attributes, *told, Svg(content))


def ornament(*, css: str, width: float, height: float, content: str) -> Svg:
    """Return a small drawing that only repeats what stands beside it: screen readers pass it by."""
    box = f"0 0 {number(width)} {number(height)}"
    return element(
        "svg",
        {"class": f"drawing {css}", "viewBox": box, "aria-hidden": "true", "focusable": "false"},
        Svg(content),
    )


def _attribute(key: str, value: Attribute) -> str:
    if value is None:
        return ""
    return f' {key}="{escaped(value) if isinstance(value, str) else number(value)}"'
