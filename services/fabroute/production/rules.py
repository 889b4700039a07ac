"""What may be said about prints, their evidence, and a wish to print again."""

import re
from typing import Literal, get_args

EvidenceKind = Literal["photo", "measurement", "report", "other"]
PrintResult = Literal["good", "failed"]
ReprintState = Literal["requested", "granted", "refused"]

RerouteCause = Literal[
    "declined",
    "lapsed",
    "counter_refused",
    "print_failed",
    "node_down",
    "machine_down",
    "node_closed",
    "capacity_cut",
    "gate_closed",
    "lot_blocked",
    "suspect",
    "owner",
    "operator",
    "cancel_acknowledged",
    "build_lost_line",
    "better_place",
]
"""Why a job was taken from its node and its line routed again."""

DeclineReason = Literal["capacity", "machine_down", "material", "price", "date", "not_manufacturable", "other"]
"""Why a node may decline a job."""

DECLINE_REASONS: tuple[DeclineReason, ...] = get_args(DeclineReason)
EVIDENCE_KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)
PRINT_RESULTS: tuple[PrintResult, ...] = get_args(PrintResult)
REROUTE_CAUSES: tuple[RerouteCause, ...] = get_args(RerouteCause)
REPRINT_STATES: tuple[ReprintState, ...] = get_args(ReprintState)
EVIDENCE_HEAD_BYTES = 4_096
"""So much of a file's beginning tells what it is."""
EVIDENCE_MEDIA_TYPES = re.compile(
    r"image/(?:jpeg|png|webp|heic|tiff)|video/mp4|text/(?:csv|plain)|model/[a-z0-9.+-]+"
    r"|application/(?:pdf|json|zip|octet-stream|x-www-form-urlencoded)"
    r"|application/vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\.[a-z.]+"
)
"""Files that people can look at, and nothing that a browser would run."""
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
LONGEST_NAME = 120
LONGEST_TEXT = 1_000


def attempts_left(*, quantity: int, granted_reprints: int, good_prints: int, failed_prints: int) -> int:
    """Return how often a job may still be printed: each granted reprint is one more try, never one more good part."""
    if good_prints >= quantity:
        return 0
    return max(0, quantity + granted_reprints - good_prints - failed_prints)


def file_name_of(part_no: str, revision: str) -> str:
    """Return the name under which a node saves a print file: part numbers may hold slashes, file names may not."""
    plain = (character if character.isalnum() or character in "-_." else "_" for character in f"{part_no}-{revision}")
    return "".join(plain) + ".3mf"


def name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a piece of evidence, None if nothing is."""
    if not 0 < len(name) <= LONGEST_NAME:
        return f"give a name of 1 to {LONGEST_NAME} characters"
    if name in (".", "..") or any(character in "/\\" or not character.isprintable() for character in name):
        return "give a file name without folders and control characters"
    return None


def evidence_media_type(declared: str, head: bytes) -> str | None:
    """Return what a file is that is called ``declared``, by how it begins; None where evidence can't be such a file.

    Its content counts: it is no picture because it is called one, and no program or page whatever it is called. What is
    called nothing in particular is what its content is; where that tells nothing either, it stays unknown.
    """
    if not EVIDENCE_MEDIA_TYPES.fullmatch(declared) or _RUN.match(head):
        return None
    found = next((media_type for media_type, begins in _SIGNATURES if begins.match(head)), None)
    if declared in _UNKNOWN:
        return found or (_TEXT if _is_text(head) else UNKNOWN_MEDIA_TYPE)
    if declared.startswith("model/"):
        return declared
    if declared in _WORDS:
        return declared if found is None and _is_text(head) else found
    return declared if found == _container(declared) else found


def _container(media_type: str) -> str:
    return _ZIP if media_type.startswith("application/vnd.") else media_type


def _is_text(head: bytes) -> bool:
    return head.startswith(_BYTE_ORDER_MARKS) or not _CONTROL.search(head)


_TEXT, _ZIP = "text/plain", "application/zip"
_UNKNOWN = frozenset({UNKNOWN_MEDIA_TYPE, "application/x-www-form-urlencoded"})
"""The second is what curl calls any body of which nothing else is said."""
_WORDS = frozenset({"text/csv", _TEXT, "application/json"})
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SIGNATURES = (
    ("image/jpeg", re.compile(rb"\xff\xd8")),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("image/tiff", re.compile(rb"II\*\x00|MM\x00\*")),
    ("image/heic", re.compile(rb"....ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)),
    ("video/mp4", re.compile(rb"....ftyp(?:avc1|dash|iso[m2-6]|mp4[12]|M4V )", re.DOTALL)),
    ("application/pdf", re.compile(rb".{0,1019}?%PDF-", re.DOTALL)),
    (_ZIP, re.compile(rb"PK\x03\x04")),
)
_RUN = re.compile(
    rb"(?:MZ[^\n]{0,200}\x00|\x7fELF|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe|#!)"
    rb"|(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+(?:html|svg)|html|head|body|script|svg)\b",
    re.DOTALL | re.IGNORECASE,
)
"""How programs, scripts, pages and drawings with scripts begin."""
