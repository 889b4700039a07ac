"""What a file is counts, not what it is called: evidence is what people can look at, and nothing that would be run."""

import io
import zipfile

import pytest
from PIL import Image

from fabroute.production.rules import evidence_media_type

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UNKNOWN = "application/octet-stream"


def drawn(form: str) -> bytes:
    """Return a picture as another program writes it."""
    target = io.BytesIO()
    Image.new("RGB", (2, 2)).save(target, form)
    return target.getvalue()


def zipped() -> bytes:
    """Return an archive as another program writes it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    return target.getvalue()


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("image/jpeg", drawn("JPEG")),
        ("image/png", drawn("PNG")),
        ("image/tiff", drawn("TIFF")),
        ("image/webp", drawn("WEBP")),
        ("image/heic", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"),
        ("video/mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"),
        ("application/pdf", b"%PDF-1.7\n"),
        ("application/pdf", b"\xef\xbb\xbf\r\n%PDF-1.4"),
        ("application/zip", zipped()),
        (SHEET, zipped()),
        ("text/csv", b"nr;mm\r\n1;12,05\r\n"),
        ("text/csv", "Maß;Wärme".encode("cp1252")),
        ("text/plain", "ok".encode("utf-16")),
        ("text/plain", b"MZ was measured"),
        ("application/json", b'{"mm": 12.05}'),
        ("model/3mf", zipped()),
        ("model/stl", bytes(84)),
        (UNKNOWN, bytes(84)),
    ],
)
def test_a_file_that_is_what_it_is_called_is_taken_as_that(declared: str, content: bytes) -> None:
    assert evidence_media_type(declared, content) == declared


@pytest.mark.parametrize(
    ("declared", "content", "found"),
    [
        (UNKNOWN, PNG, "image/png"),
        (UNKNOWN, b"nr;mm\r\n", "text/plain"),
        ("application/x-www-form-urlencoded", b"%PDF-1.7", "application/pdf"),
        ("image/jpeg", PNG, "image/png"),
        ("text/csv", zipped(), "application/zip"),
    ],
)
def test_a_file_of_another_kind_is_taken_as_what_it_is(declared: str, content: bytes, found: str) -> None:
    assert evidence_media_type(declared, content) == found


@pytest.mark.parametrize(
    ("declared", "content"),
    [
        ("image/jpeg", b"nr;mm\r\n"),
        ("application/pdf", b"Dear all"),
        ("text/csv", b"\x00\x01\x02"),
        (SHEET, b"nr;mm"),
        ("text/html", b"ok"),
        ("image/svg+xml", b"<svg/>"),
        ("", b"ok"),
        (UNKNOWN, b"MZ\x90\x00\x03\x00"),
        ("model/stl", b"\x7fELF\x02"),
        ("text/plain", b"#!/bin/sh\n"),
        ("text/plain", b"\n<!-- a note --><!DOCTYPE html>"),
        (UNKNOWN, b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">'),
        ("image/png", b"\xef\xbb\xbf<SCRIPT>"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_or_would_be_run_is_not_taken(declared: str, content: bytes) -> None:
    assert evidence_media_type(declared, content) is None
