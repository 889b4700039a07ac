"""Logos of strangers: decoded within limits, and nothing but pixels kept."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fabroute.integrations.paper.logo import MOST_PIXELS, InvalidLogo, clean_logo
from tests.factories.papers import a_picture


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def a_png_that_says(*, width: int, height: int) -> bytes:
    """Return the first bytes of a PNG of that size, with hardly any pixels behind them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    written = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + written


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_is_kept_as_png_pixel_by_pixel(kind: str) -> None:
    kept = opened(clean_logo(a_picture(kind=kind)))

    assert (kept.format, kept.size, kept.mode) == ("PNG", (64, 16), "RGBA")
    assert list(kept.tobytes()[:4]) == pytest.approx([11, 114, 133, 255], abs=3)


def test_what_is_hidden_in_a_picture_is_not_kept() -> None:
    words, written = PngInfo(), BytesIO()
    words.add_text("Author", "<script>alert(1)</script>")
    Image.new("RGB", (8, 8)).save(written, "PNG", pnginfo=words)
    sent = written.getvalue() + b"<?php evil ?>"

    assert b"script" in sent
    assert b"script" not in clean_logo(sent)
    assert b"php" not in clean_logo(sent)


def test_a_large_picture_is_kept_smaller() -> None:
    assert opened(clean_logo(a_picture(size=(2_400, 600)))).size == (1_200, 300)
    assert opened(clean_logo(a_picture(size=(1_200, 1_200)))).size == (1_200, 1_200)


def test_a_picture_that_says_to_be_huge_is_refused_before_a_pixel_is_decoded() -> None:
    with pytest.raises(InvalidLogo, match="at most 4,000,000"):
        clean_logo(a_png_that_says(width=2_001, height=2_000))
    with pytest.raises(InvalidLogo):
        clean_logo(a_png_that_says(width=60_000, height=60_000))
    assert MOST_PIXELS == 2_000 * 2_000


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + b"\0" * 40, b"<svg/>", a_picture(kind="PNG")[:60], a_png_that_says(width=9, height=9),
     a_picture(kind="GIF"), a_picture(kind="TIFF"), a_picture(kind="JPEG")[:40]],
    ids=["nothing", "gif", "svg", "half a png", "no pixels", "whole gif", "tiff", "half a jpeg"],
)  # fmt: skip
def test_what_is_no_whole_png_or_jpeg_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidLogo) as refused:
        clean_logo(content)
    assert (refused.value.code, refused.value.status) == ("invalid_logo", 422)
