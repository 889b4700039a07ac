"""Brands over the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints

from fabroute.api.schemas.base import Note, RequestModel, ResponseModel, TrimmedLabel
from fabroute.production.service.shipping.brands import DEFAULT_ACCENT, MOST_SENDER_LINES, BrandView, NewBrand

Colour = Annotated[str, StringConstraints(to_lower=True, pattern=r"^#[0-9a-fA-F]{6}$")]


class BrandIn(RequestModel):
    """How the papers of your parts look, but for the logo."""

    name: TrimmedLabel = Field(description="As customers know you.")
    accent_colour: Colour = Field(default=DEFAULT_ACCENT, description="Of lines and headings.", examples=["#0b7285"])
    sender: list[TrimmedLabel] = Field(
        default=[], max_length=MOST_SENDER_LINES, description="The address on labels, a line each, without the name."
    )
    slip_text: Note = Field(default="", description="A few words on the packing slip.")
    contact: Note = Field(default="", description="Whom to ask: an e-mail address, a telephone number, a page.")


class BrandOut(ResponseModel):
    """How the papers of your parts look."""

    name: str
    accent_colour: str
    sender: list[str]
    slip_text: str
    contact: str
    logo_sha256: str | None = Field(description="Of the logo at GET /v1/brand/logo; null without one.")
    unprintable_letters: str = Field(
        description="Letters of these words that papers show as boxes; the operator's setting "
        "`FABROUTE_PAPER_FONT_FILE` names a font that has them. Empty: all can be printed."
    )


def new_brand(asked: BrandIn) -> NewBrand:
    """Return a brand as the service takes it."""
    return NewBrand(
        name=asked.name,
        accent_colour=asked.accent_colour,
        sender=tuple(asked.sender),
        slip_text=asked.slip_text,
        contact=asked.contact,
    )


def words_of(brand: BrandView) -> str:
    """Return all words of a brand that stand on papers."""
    return "\n".join((brand.name, *brand.sender, brand.slip_text, brand.contact))


def brand_out(brand: BrandView, *, unprintable: str) -> BrandOut:
    """Return a brand for an answer; ``unprintable``: letters of its words that no font of papers has."""
    return BrandOut(
        name=brand.name,
        accent_colour=brand.accent_colour,
        sender=list(brand.sender),
        slip_text=brand.slip_text,
        contact=brand.contact,
        logo_sha256=None if brand.logo is None else brand.logo.sha256,
        unprintable_letters=unprintable,
    )
