"""Pictures of a package by their first bytes: PNG or JPEG, as 3MF core 6.1 wants them; nothing is decoded."""

PNG_TYPE, JPEG_TYPE = "image/png", "image/jpeg"
CMYK_COMPONENTS = 4
"""Colour components of a picture for the printing press; 3MF core 6.1.1 forbids them."""

_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_JPEG_START = b"\xff\xd8\xff"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers that begin a frame, which says how many colour components there are (ITU-T T.81, table B.1)."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_ENDS = frozenset({0xD9, 0xDA})


def image_type(head: bytes) -> str:
    """Return the content type that a picture's first bytes show; empty if it is neither PNG nor JPEG."""
    if head.startswith(_PNG_START):
        return PNG_TYPE
    return JPEG_TYPE if head.startswith(_JPEG_START) else ""


def jpeg_components(head: bytes) -> int:
    """Return how many colour components a JPEG has; 0 if its first bytes don't tell."""
    place = 2
    while place + 10 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker in _FRAMES:
            return head[place + 9]
        if marker in _ENDS:
            return 0
        if marker == 0xFF:
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            place += 2 + max(2, int.from_bytes(head[place + 2 : place + 4], "big"))
    return 0
