"""OctoPrint's REST API: https://docs.octoprint.org/en/master/api/ (files, job, general: authorization)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

from fabroute.integrations.printers.ports import PrinterRefusal, PrinterState, PrinterStatus, require_printable
from fabroute.integrations.printers.web import PrinterWeb

_SUFFIXES = frozenset({".gcode", ".gco", ".g"})
_STATES: tuple[tuple[str, PrinterState], ...] = (
    ("Printing", "printing"),
    ("Starting", "printing"),
    ("Resuming", "printing"),
    ("Finishing", "printing"),
    ("Sending", "printing"),
    ("Paus", "paused"),
    ("Cancelling", "stopped"),
    ("Operational", "idle"),
    ("Error", "failed"),
)
"""Starts of the texts that ``GET /api/job`` gives as ``state``; the list there is not exhaustive, so others exist."""
_LOCAL = "/api/files/local"


class OctoPrintPrinter:
    """A printer that OctoPrint drives; ``key`` is an application key or a user's API key."""

    def __init__(self, *, url: str, key: str) -> None:
        self._web = PrinterWeb(kind="OctoPrint", url=url, headers={"X-Api-Key": key})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()

    def upload(self, file: Path, *, name: str) -> str:
        """``POST /api/files/local``, multipart with ``file``: 201 with the path that OctoPrint chose for the name."""
        require_printable(Path(name), printer="OctoPrint", suffixes=_SUFFIXES)
        with file.open("rb") as content:
            part = {"file": (name, content, "application/octet-stream")}
            answer = self._web.ask("POST", _LOCAL, files=part, uploads=True)
        stored = self._web.object(answer).get("files", {}).get("local", {})
        path = stored.get("path") or stored.get("name")
        if not isinstance(path, str):
            raise PrinterRefusal("OctoPrint took the file and does not say where it is: update OctoPrint")
        return path

    def start(self, remote: str) -> None:
        """``POST /api/files/local/{path}`` with ``select`` and ``print``: 409 if it is not operational or prints."""
        self._web.ask("POST", f"{_LOCAL}/{quote(remote)}", json={"command": "select", "print": True})

    def status(self) -> PrinterStatus:
        """``GET /api/job``: state, file and completion in percent."""
        told = self._web.object(self._web.ask("GET", "/api/job"))
        file = (told.get("job") or {}).get("file") or {}
        completion = (told.get("progress") or {}).get("completion")
        text = str(told.get("state", ""))
        state = _state_of(text)
        if state == "idle" and completion == 100:
            state = "finished"
        return PrinterStatus(
            state=state,
            file=str(file.get("path") or file.get("name") or ""),
            progress=None if completion is None else float(completion) / 100,
            message=str(told.get("error") or (text if state in ("failed", "unready") else "")),
        )

    def cancel(self) -> None:
        """``POST /api/job`` with ``cancel``: 409 if nothing is printed."""
        self._web.ask("POST", "/api/job", json={"command": "cancel"})


def _state_of(text: str) -> PrinterState:
    known: Mapping[str, PrinterState] = dict(_STATES)
    return next((state for start, state in known.items() if text.startswith(start)), "unready")
