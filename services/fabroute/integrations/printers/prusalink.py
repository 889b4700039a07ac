"""PrusaLink's API v1: https://github.com/prusa3d/Prusa-Link-Web/blob/master/spec/openapi.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx

from fabroute.integrations.printers.ports import (
    PrinterBusy,
    PrinterFileExists,
    PrinterState,
    PrinterStatus,
    require_printable,
)
from fabroute.integrations.printers.web import FileBody, PrinterWeb

_SUFFIXES = frozenset({".gcode", ".gco", ".gc", ".g", ".bgcode", ".bgc", ".sl1", ".sl1s"})
_STATES: Mapping[str, PrinterState] = {
    "IDLE": "idle",
    "READY": "idle",
    "PRINTING": "printing",
    "PAUSED": "paused",
    "FINISHED": "finished",
    "STOPPED": "stopped",
    "ERROR": "failed",
}
"""``BUSY`` and ``ATTENTION`` wait for a person."""
_TRUE = "?1"
"""A Boolean of RFC 8941, as the headers of PrusaLink want it."""
_JSON = {"Accept": "application/json"}


class PrusaLinkPrinter:
    """A Prusa printer: with user and password (HTTP digest) or with an API key.

    ``storage`` is ``usb`` on printers with Buddy firmware (MINI, MK4, XL, CORE One), ``local`` on a Raspberry Pi.
    """

    def __init__(
        self, *, url: str, key: str = "", user: str = "maker", password: str = "", storage: str = "usb"
    ) -> None:
        auth = httpx.DigestAuth(user, password) if password else None
        headers = _JSON | ({} if password else {"X-Api-Key": key})
        self._web = PrinterWeb(kind="PrusaLink", url=url, headers=headers, auth=auth)
        self._files = f"/api/v1/files/{quote(storage.strip('/'))}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()

    def upload(self, file: Path, *, name: str) -> str:
        """``PUT /api/v1/files/{storage}/{path}``: 201; 409 for a file that is printed now.

        The version is asked first: it answers a wrong password before the whole file was sent.
        """
        require_printable(Path(name), printer="PrusaLink", suffixes=_SUFFIXES)
        self._web.ask("GET", "/api/version")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(file.stat().st_size),
            "Print-After-Upload": "?0",
            "Overwrite": _TRUE,
        }
        path = f"{self._files}/{quote(name)}"
        try:
            self._web.ask("PUT", path, content=FileBody(file), headers=headers, uploads=True)
        except PrinterBusy as error:
            raise PrinterFileExists(
                f"{error.message}; a file {name} may be there that it prints now: use another name"
            ) from error
        return name

    def start(self, remote: str) -> None:
        """``POST /api/v1/files/{storage}/{path}``: 204; 409 while another job runs."""
        self._web.ask("POST", f"{self._files}/{quote(remote)}")

    def status(self) -> PrinterStatus:
        """``GET /api/v1/status``, and ``GET /api/v1/job`` for the file's name while there is a job."""
        told = self._web.object(self._web.ask("GET", "/api/v1/status"))
        printer, job = told.get("printer") or {}, told.get("job") or {}
        name = str(printer.get("state", ""))
        state = _STATES.get(name, "unready")
        progress = job.get("progress")
        message = str((printer.get("status_printer") or {}).get("message") or "")
        return PrinterStatus(
            state=state,
            file=self._file_of_job() if job else "",
            progress=None if progress is None else float(progress) / 100,
            message=message or (f"the printer says {name}" if state == "unready" else ""),
        )

    def cancel(self) -> None:
        """``DELETE /api/v1/job/{id}`` of the job that ``GET /api/v1/job`` names; 204 there means that there is none."""
        answer = self._web.ask("GET", "/api/v1/job")
        number = None if answer.status_code == httpx.codes.NO_CONTENT else self._web.object(answer).get("id")
        if number is None:
            raise PrinterBusy("PrusaLink has no job to stop: look at the printer")
        self._web.ask("DELETE", f"/api/v1/job/{number}")

    def _file_of_job(self) -> str:
        answer = self._web.ask("GET", "/api/v1/job")
        if answer.status_code == httpx.codes.NO_CONTENT:
            return ""
        file = self._web.object(answer).get("file") or {}
        return str(file.get("display_name") or file.get("name") or "")
