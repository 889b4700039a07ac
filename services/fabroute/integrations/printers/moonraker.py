"""Moonraker's HTTP API, of Klipper printers: https://moonraker.readthedocs.io/en/latest/external_api/introduction/."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from fabroute.integrations.printers.ports import PrinterRefusal, PrinterState, PrinterStatus, require_printable
from fabroute.integrations.printers.web import PrinterWeb

_SUFFIXES = frozenset({".gcode", ".g", ".gco", ".ufp", ".nc"})
_STATES: Mapping[str, PrinterState] = {
    "standby": "idle",
    "printing": "printing",
    "paused": "paused",
    "complete": "finished",
    "cancelled": "stopped",
    "error": "failed",
}
"""Of ``print_stats.state``."""
_QUERY = {"objects": {"webhooks": None, "virtual_sdcard": None, "print_stats": None}}


class MoonrakerPrinter:
    """A Klipper printer behind Moonraker; ``key`` is empty where the bureau's computer is a trusted client."""

    def __init__(self, *, url: str, key: str = "") -> None:
        self._web = PrinterWeb(kind="Moonraker", url=url, headers={"X-Api-Key": key} if key else {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()

    def upload(self, file: Path, *, name: str) -> str:
        """``POST /server/files/upload``, multipart, with the SHA-256 as ``checksum``: 422 if it arrived damaged.

        Returns the path below the root ``gcodes``.
        """
        require_printable(Path(name), printer="Moonraker", suffixes=_SUFFIXES)
        with file.open("rb") as content:
            checksum = hashlib.file_digest(content, "sha256").hexdigest()
            content.seek(0)
            part = {"file": (name, content, "application/octet-stream")}
            fields = {"root": "gcodes", "checksum": checksum}
            answer = self._web.ask("POST", "/server/files/upload", files=part, data=fields, uploads=True)
        item = _result(self._web.object(answer)).get("item", {})
        if not isinstance(item.get("path"), str):
            raise PrinterRefusal("Moonraker took the file and does not say where it is: update Moonraker")
        return str(item["path"])

    def start(self, remote: str) -> None:
        """``POST /printer/print/start?filename=…``."""
        self._web.ask("POST", "/printer/print/start", params={"filename": remote})

    def status(self) -> PrinterStatus:
        """``POST /printer/objects/query`` for ``webhooks``, ``virtual_sdcard`` and ``print_stats``."""
        answer = self._web.object(self._web.ask("POST", "/printer/objects/query", json=_QUERY))
        told = _result(answer).get("status", {})
        host, print_stats = told.get("webhooks") or {}, told.get("print_stats") or {}
        if host.get("state") != "ready" or not print_stats:
            return PrinterStatus(state="unready", message=str(host.get("state_message") or "Klipper is not ready"))
        progress = (told.get("virtual_sdcard") or {}).get("progress")
        return PrinterStatus(
            state=_STATES.get(str(print_stats.get("state")), "unready"),
            file=str(print_stats.get("filename") or ""),
            progress=None if progress is None else float(progress),
            message=str(print_stats.get("message") or ""),
        )

    def cancel(self) -> None:
        """``POST /printer/print/cancel``."""
        self._web.ask("POST", "/printer/print/cancel")


def _result(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an answer holds: most are wrapped in ``result``, that of an upload is not in every version."""
    result = answer.get("result", answer)
    return result if isinstance(result, dict) else {}
