"""A file of more letters for papers: asked for when a process starts, without all that draws them."""

from pathlib import Path

from PIL import ImageFont

from fabroute.kernel.errors import DomainError


class FontUnusable(DomainError):
    """The file of more letters for papers is no font."""

    code = "font_unusable"
    status = 500


def require_font(more_letters: Path) -> None:
    """Raise ``FontUnusable`` where papers could not be drawn with the letters of that file."""
    try:
        ImageFont.truetype(more_letters)
    except OSError as error:
        raise FontUnusable(
            f"{more_letters} (FABROUTE_PAPER_FONT_FILE) can't be read as a font ({error}): name a TrueType or OpenType "
            "file, or leave it out"
        ) from error
