import io

import pytest
from PIL import Image

from fabroute.integrations.validation.guard.images import image_type, jpeg_components
from tests.factories.threemf import PNG


def picture(mode: str, kind: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.new(mode, (9, 7)).save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PNG, "image/png"),
        (picture("RGB", "PNG"), "image/png"),
        (picture("RGB", "JPEG"), "image/jpeg"),
        (picture("RGB", "GIF"), ""),
        (picture("RGB", "BMP"), ""),
        (PNG[:8] + b"\0\0\0\0IEND", ""),
        (b"", ""),
    ],
)
def test_pictures_are_told_by_their_first_bytes(content: bytes, found: str) -> None:
    assert image_type(content) == found
    assert image_type(b" " + content) == ""


@pytest.mark.parametrize(("mode", "components"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
@pytest.mark.parametrize("progressive", [False, True])
def test_colour_components_are_those_that_pillow_wrote(mode: str, components: int, progressive: bool) -> None:
    content = picture(mode, "JPEG", progressive=progressive, comment=b"\xff\xc0 a trap " * 20)
    assert jpeg_components(content) == components
    assert len(Image.open(io.BytesIO(content)).getbands()) == components


def test_broken_pictures_have_no_colours() -> None:
    content = picture("CMYK", "JPEG")
    frame = content.index(b"\xff\xc0")
    assert [jpeg_components(content[:length]) for length in (0, 2, 5, frame, frame + 9)] == [0] * 5
    assert jpeg_components(content[:2] + b"\xff\xff\xff" + content[3:]) == 4
    assert jpeg_components(b"\xff\xd8\xff\xd9" + content) == 0
    assert jpeg_components(b"\xff\xd8" + b"\xff\xe0\0\0" * 50) == 0
