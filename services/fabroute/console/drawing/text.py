"""How much room words take: an upper bound, since the font is the viewer's."""

import unicodedata

ELLIPSIS = "…"
_ISOLATE, _POP = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_WIDTHS = {
    0.30: "'ijlIJ",
    0.35: ",. /:;\\|f-",
    0.42: 't()[]!r"',
    0.53: "*_`sz?",
    0.60: "cLkFvxyP",
    0.64: "aoTYebdghnpquES0123456789${}",
    0.70: "KAVBRXZC",
    0.80: "UHNDG&OQ",
    0.86: "w#+<=>^~M",
    1.00: "%mW@",
}
_WIDTH_OF = {character: width for width, characters in _WIDTHS.items() for character in characters}
"""Of the em, after DejaVu Sans, which is wider than what browsers commonly take."""
_OTHER, _WIDE = 0.72, 1.04
_BOLD = 1.1
_NO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})
_JOINED = frozenset({"Mn", "Me", "Mc", "Cf"})


def text_width(text: str, *, size: float, bold: bool = False) -> float:
    """Return how wide a line of text is at most, in the units of ``size``."""
    return sum(map(_width_of, text)) * size * (_BOLD if bold else 1)


def clipped(text: str, *, size: float, width: float, bold: bool = False) -> str:
    """Return as much of a text as fits, with an ellipsis where something is missing; letters keep their marks."""
    line = " ".join(text.split())
    if text_width(line, size=size, bold=bold) <= width:
        return line
    used, kept = text_width(ELLIPSIS, size=size, bold=bold), 0
    for at, character in enumerate(line):
        used += text_width(character, size=size, bold=bold)
        if used > width:
            break
        kept = at + 1
    while kept and unicodedata.category(line[kept]) in _JOINED:
        kept -= 1
    return line[:kept].rstrip() + ELLIPSIS


def isolated(text: str) -> str:
    """Return a name that keeps its own direction of writing whatever stands around it."""
    return f"{_ISOLATE}{text}{_POP}"


def _width_of(character: str) -> float:
    known = _WIDTH_OF.get(character)
    if known is not None:
        return known
    if unicodedata.category(character) in _NO_WIDTH:
        return 0.0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _OTHER
