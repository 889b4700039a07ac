"""Logos: what a stranger sent is decoded within limits and written anew, so that nothing but its pixels is kept."""

from io import BytesIO

from PIL import Image, UnidentifiedImageError

from fabroute.kernel.errors import DomainError

MEDIA_TYPE = "image/png"
MOST_BYTES = 2**20
MOST_PIXELS = 4_000_000
_LONGEST_SIDE = 1_200
"""Two to the millimetre of the largest logo on paper would do; this is for screens."""
_FORMATS = ("PNG", "JPEG")


class InvalidLogo(DomainError):
    """No picture, or one of another kind or size than a logo may have."""

    code = "invalid_logo"
    status = 422


def clean_logo(content: bytes) -> bytes:
    """Return the pixels of a PNG or JPEG as a PNG, at most 1,200 pixels wide and high. Raises ``InvalidLogo``."""
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as picture:
            _require_small(picture)
            plain = picture.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise InvalidLogo("this is no PNG or JPEG that can be read: send the picture's own bytes") from error
    plain.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    written = BytesIO()
    plain.save(written, "PNG", optimize=True)
    return written.getvalue()


def _require_small(picture: Image.Image) -> None:
    """Raise before a pixel is decoded: the size stands in the first bytes."""
    width, height = picture.size
    if width * height > MOST_PIXELS or min(width, height) < 1:
        raise InvalidLogo(f"the picture has {width} × {height} pixels: send one of at most {MOST_PIXELS:,} in all")
