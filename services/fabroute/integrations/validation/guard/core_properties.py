"""The core properties of a package (OPC clause 8): nobody prints them, but they must not be a trap either."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fabroute.integrations.validation.guard.markup import Attributes, Markup, parse
from fabroute.integrations.validation.guard.refusals import refuse, shown

_ROOT = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties coreProperties"
_DEPTH = 4
_ADVICE = "Export the part again without document properties; printing needs none."


@dataclass(slots=True, kw_only=True)
class _Properties:
    """The properties so far."""

    markup: Markup
    names: list[str] = field(default_factory=list)

    def start(self, name: str, _attributes: Attributes) -> None:
        if not self.names and name != _ROOT:
            refuse("CORE_PROPERTIES_INVALID", f"They begin with {shown(name)}.", _ADVICE, where=self.markup.line)
        if name in self.names:
            refuse("CORE_PROPERTIES_INVALID", f"{shown(name)} stands there twice.", _ADVICE, where=self.markup.line)
        self.names.append(name)

    def end(self, name: str) -> None:
        """Take the end of a property."""


def check_core_properties(part: str, chunks: Iterable[bytes]) -> None:
    """Refuse core properties with a DTD, of another kind, or with a property twice."""
    markup = Markup(where=part, depth=_DEPTH)
    parse(chunks, markup=markup, handler=_Properties(markup=markup))
