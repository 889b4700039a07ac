"""Speaks HTTP with a printer, and turns its refusals into words."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from fabroute.integrations.printers.ports import (
    PrinterBusy,
    PrinterFileTooLarge,
    PrinterFileUnknown,
    PrinterKeyRefused,
    PrinterRefusal,
    PrinterUnreachable,
    UnsuitablePrintFile,
)

_SECONDS = 20.0
_UPLOAD_SECONDS = 600.0
_PIECE_BYTES = 2**18
_LONGEST_WORDS = 300
_REFUSALS: Mapping[int, tuple[type[PrinterRefusal], str]] = {
    401: (PrinterKeyRefused, "the key or password is wrong: see the printer's settings"),
    403: (PrinterKeyRefused, "the key is wrong, or may not do this: see the printer's settings"),
    404: (PrinterFileUnknown, "there is no such file or storage: upload the file again, or name another storage"),
    409: (PrinterBusy, "it is not ready for this now: wait until it is idle, and look at the printer"),
    413: (PrinterFileTooLarge, "the file is too large for it: raise its limit, or slice with a coarser resolution"),
    415: (UnsuitablePrintFile, "it can't print this kind of file: slice the part for this printer"),
    422: (PrinterRefusal, "the file arrived damaged: send it again"),
    503: (PrinterBusy, "its firmware is not ready: look at the printer"),
    507: (PrinterFileTooLarge, "its storage is full: delete old files"),
}


class FileBody:
    """A file as the body of a request, read afresh each time it is sent: a digest challenge may ask for it twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as content:
            while piece := content.read(_PIECE_BYTES):
                yield piece


class PrinterWeb:
    """The HTTP side of one printer."""

    def __init__(
        self, *, kind: str, url: str, headers: Mapping[str, str] | None = None, auth: httpx.Auth | None = None
    ) -> None:
        self._named = f"{kind} at {url.rstrip('/')}"
        tls = url.startswith("https")  # without it, certificates need not be loaded
        self._http = httpx.Client(
            base_url=url.rstrip("/"), headers=dict(headers or {}), auth=auth, timeout=_SECONDS, verify=tls
        )

    def ask(self, method: str, path: str, *, uploads: bool = False, **request: Any) -> httpx.Response:
        """Return the answer to a request. Raises the ``PrinterRefusal`` that its status stands for."""
        try:
            seconds = _UPLOAD_SECONDS if uploads else _SECONDS
            answer = self._http.request(method, path, timeout=seconds, **request)
        except httpx.TransportError as error:
            raise PrinterUnreachable(
                f"no answer from {self._named} ({error.__class__.__name__}): is it on, and is the address right?"
            ) from error
        if answer.is_success:
            return answer
        raise self._refusal(answer)

    def object(self, answer: httpx.Response) -> dict[str, Any]:
        """Return the JSON object of an answer. ``PrinterRefusal`` for anything else."""
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise PrinterRefusal(f"{self._named} answered no JSON object: is that really its address?")
        return content

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _refusal(self, answer: httpx.Response) -> PrinterRefusal:
        fallback = (PrinterRefusal, "look at the printer and its log")
        kind, advice = _REFUSALS.get(answer.status_code, fallback)
        words = _words_of(answer)
        told = f" ({words})" if words else ""
        return kind(f"{self._named} refused with {answer.status_code}{told}: {advice}")


def _words_of(answer: httpx.Response) -> str:
    """Return a printer's own words: JSON of OctoPrint (``error``), Moonraker (``error.message``), PrusaLink."""
    try:
        content = answer.json()
    except ValueError:
        return answer.text.strip().partition("\n")[0][:_LONGEST_WORDS] if "text/plain" in _type_of(answer) else ""
    if not isinstance(content, dict):
        return ""
    error = content.get("error")
    said = error.get("message") if isinstance(error, dict) else error
    for words in (said, content.get("message"), content.get("text"), content.get("title")):
        if isinstance(words, str) and words:
            return words[:_LONGEST_WORDS]
    return ""


def _type_of(answer: httpx.Response) -> str:
    return str(answer.headers.get("content-type", ""))
