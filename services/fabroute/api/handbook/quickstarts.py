"""Quickstarts: texts whose commands are run by a test, as they stand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

NAMES = ("shop", "maintenance", "bureau")
_FOLDER = files("fabroute.api") / "templates" / "handbook"
_CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quickstart:
    """How to integrate with fabroute in a quarter of an hour."""

    name: str
    title: str
    lead: str
    text: str
    """Markdown, without title and lead."""

    def commands(self, language: str) -> tuple[str, ...]:
        """Return the pieces of code in a language, in their order."""
        return tuple(code for found, code in _CODE.findall(self.text) if found == language)


@cache
def quickstarts() -> Mapping[str, Quickstart]:
    """Return all quickstarts by name."""
    return {name: _read(name) for name in NAMES}


def text_of(name: str) -> str:
    """Return a text of the handbook."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf8")


def _read(name: str) -> Quickstart:
    title, lead, text = text_of(name).split("\n\n", 2)
    return Quickstart(name=name, title=title.removeprefix("# "), lead=lead, text=text)
