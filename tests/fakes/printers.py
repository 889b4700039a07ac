"""Printers that speak OctoPrint, Moonraker and PrusaLink as their documents say, and are strict about it."""

import email.parser
import email.policy
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.web_server import Answer, Asked, json_answer

KEY = "k-123"
USER, PASSWORD = "maker", "s3cret"
_REALM, _NONCE = "Printer API", "4f1c1b"


@dataclass(kw_only=True)
class Workshop:
    """What all three have: files, what is printed, and how far it is."""

    files: dict[str, bytes] = field(default_factory=dict)
    printing: str = ""
    progress: float = 0.0
    ready: bool = True
    largest: int = 1_000_000
    asked: list[Asked] = field(default_factory=list)


class FakeOctoPrint(Workshop):
    """https://docs.octoprint.org/en/master/api/files.html and job.html."""

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.headers.get("x-api-key") != KEY:
            return json_answer({"error": "You don't have the permission to access the requested resource."}, 403)
        path = unquote(urlsplit(asked.path).path)
        if (asked.method, path) == ("POST", "/api/files/local"):
            return self._upload(asked)
        if asked.method == "POST" and path.startswith("/api/files/local/"):
            return self._select(path.removeprefix("/api/files/local/"), json.loads(asked.body))
        if path == "/api/job":
            return self._job() if asked.method == "GET" else self._command(json.loads(asked.body))
        return json_answer({"error": "Not Found"}, 404)

    def _upload(self, asked: Asked) -> Answer:
        parts = form_parts(asked)
        if "content-length" not in asked.headers or "file" not in parts:
            return json_answer({"error": "No file to upload and no folder to create"}, 400)
        name, content = parts["file"]
        if len(content) > self.largest:
            return Answer(status=413, body=b"<html>Request Entity Too Large</html>")
        if PurePosixPath(name).suffix not in (".gcode", ".gco", ".g"):
            return json_answer({"error": "Could not upload file, invalid type"}, 415)
        if name == self.printing:
            return json_answer({"error": "Trying to overwrite file that is currently being printed"}, 409)
        stored = name.replace(" ", "_")
        self.files[stored] = content
        local = {"name": stored, "path": stored, "origin": "local", "type": "machinecode"}
        return json_answer({"files": {"local": local}, "done": True}, 201, Location=f"/api/files/local/{stored}")

    def _select(self, path: str, command: dict[str, object]) -> Answer:
        if path not in self.files:
            return json_answer({"error": "Not Found"}, 404)
        if self.printing or not self.ready:
            return json_answer({"error": "Printer is not operational, cannot directly start printing"}, 409)
        if command != {"command": "select", "print": True}:
            return json_answer({"error": "Unknown command"}, 400)
        self.printing = path
        return Answer(status=204)

    def _job(self) -> Answer:
        state = "Printing" if self.printing else "Operational" if self.ready else "Offline after error"
        file = {"name": self.printing or None, "path": self.printing or None, "origin": "local"}
        completion = self.progress * 100 if self.printing else None
        return json_answer({"job": {"file": file}, "progress": {"completion": completion}, "state": state})

    def _command(self, command: dict[str, object]) -> Answer:
        if command != {"command": "cancel"} or not self.printing:
            return json_answer({"error": "Printer is neither printing nor paused, 'cancel' cannot be performed"}, 409)
        self.printing = ""
        return Answer(status=204)


class FakeMoonraker(Workshop):
    """https://moonraker.readthedocs.io/en/latest/external_api/ (file_manager, printer)."""

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if asked.headers.get("x-api-key") != KEY:
            return _moonraker_error(401, "Unauthorized")
        url = urlsplit(asked.path)
        if (asked.method, url.path) == ("POST", "/server/files/upload"):
            return self._upload(asked)
        if not self.ready and url.path.startswith("/printer/print"):
            return _moonraker_error(503, "Klippy Host not connected")
        if (asked.method, url.path) == ("POST", "/printer/print/start"):
            return self._start(parse_qs(url.query)["filename"][0])
        if (asked.method, url.path) == ("POST", "/printer/print/cancel"):
            self.printing = ""
            return json_answer({"result": "ok"})
        if (asked.method, url.path) == ("POST", "/printer/objects/query"):
            return self._query(json.loads(asked.body)["objects"])
        return _moonraker_error(404, "Not Found")

    def _upload(self, asked: Asked) -> Answer:
        parts = form_parts(asked)
        name, content = parts["file"]
        if len(content) > self.largest:
            return _moonraker_error(413, "Request Entity Too Large")
        if name == self.printing:
            return _moonraker_error(403, "File currently in use")
        if parts["checksum"][1].decode() != hashlib.sha256(content).hexdigest():
            return _moonraker_error(422, "File checksum mismatch")
        if parts["root"][1] != b"gcodes":
            return _moonraker_error(400, "Invalid root request")
        self.files[name] = content
        item = {"path": name, "root": "gcodes", "size": len(content), "permissions": "rw"}
        told = {"item": item, "print_started": False, "print_queued": False, "action": "create_file"}
        return json_answer(told, 201, Location=f"/server/files/gcodes/{name}")

    def _start(self, name: str) -> Answer:
        if name not in self.files:
            return _moonraker_error(400, "Unable to open file")
        if self.printing:
            return _moonraker_error(400, "SD busy")
        self.printing = name
        return json_answer({"result": "ok"})

    def _query(self, objects: dict[str, object]) -> Answer:
        state = "printing" if self.printing else "standby"
        known = {
            "webhooks": {"state": "ready" if self.ready else "shutdown", "state_message": "MCU 'mcu' shutdown"},
            "virtual_sdcard": {"progress": self.progress},
            "print_stats": {"state": state, "filename": self.printing, "message": ""},
        }
        return json_answer({"result": {"eventtime": 1.5, "status": {name: known[name] for name in objects}}})


class FakePrusaLink(Workshop):
    """The OpenAPI document of prusa3d/Prusa-Link-Web, with digest and key."""

    storage: str = "usb"

    def __call__(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if not _is_let_in(asked):
            challenge = f'Digest realm="{_REALM}", nonce="{_NONCE}", algorithm=MD5, qop="auth"'
            return json_answer({"message": "Unauthorized"}, 401, **{"WWW-Authenticate": challenge})
        path = unquote(urlsplit(asked.path).path)
        if path.startswith("/api/v1/files/"):
            return self._files(asked, path.removeprefix("/api/v1/files/"))
        match asked.method, path:
            case "GET", "/api/version":
                return json_answer({"api": "2.0.0", "server": "2.1.2", "text": "PrusaLink"})
            case "GET", "/api/v1/status":
                return self._status()
            case "GET", "/api/v1/job":
                return self._job()
            case "DELETE", "/api/v1/job/42" if self.printing:
                self.printing = ""
                return Answer(status=204)
        return json_answer({"message": "Not Found"}, 404)

    def _files(self, asked: Asked, path: str) -> Answer:
        storage, _, name = path.partition("/")
        if storage != self.storage:
            return json_answer({"message": f"Storage {storage} does not exist"}, 404)
        if asked.method == "PUT":
            return self._put(asked, name)
        if name not in self.files:
            return json_answer({"message": "File not found"}, 404)
        if self.printing or not self.ready:
            return json_answer({"message": "Can't print now"}, 409)
        self.printing = name
        return Answer(status=204)

    def _put(self, asked: Asked, name: str) -> Answer:
        if asked.headers.get("print-after-upload") not in ("?0", "?1") or "content-length" not in asked.headers:
            return json_answer({"message": "Bad request"}, 400)
        if len(asked.body) > self.largest:
            return json_answer({"message": "No space left on storage"}, 507)
        if PurePosixPath(name).suffix not in (".gcode", ".bgcode"):
            return json_answer({"message": "Unsupported file type"}, 415)
        if name == self.printing or (name in self.files and asked.headers.get("overwrite") != "?1"):
            return json_answer({"message": "File already exists"}, 409)
        self.files[name] = asked.body
        return Answer(status=201)

    def _status(self) -> Answer:
        printer = {"state": "PRINTING" if self.printing else "IDLE" if self.ready else "ATTENTION", "axis_z": 0.5}
        job = {"job": {"id": 42, "progress": self.progress * 100}} if self.printing else {}
        return json_answer({"printer": printer} | job)

    def _job(self) -> Answer:
        if not self.printing:
            return Answer(status=204)
        return json_answer(
            {"id": 42, "state": "PRINTING", "file": {"name": "PUMP~1.GCO", "display_name": self.printing}}
        )


def form_parts(asked: Asked) -> dict[str, tuple[str, bytes]]:
    """Return the fields of a multipart form by name, each with its file name and content."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + asked.body)
    return {
        str(part.get_param("name", header="content-disposition")): (
            part.get_filename() or "",
            bytes(part.get_payload(decode=True) or b""),
        )
        for part in message.iter_parts()
    }


def _moonraker_error(code: int, message: str) -> Answer:
    return json_answer({"error": {"code": code, "message": message, "traceback": ""}}, code)


def _is_let_in(asked: Asked) -> bool:
    if "x-api-key" in asked.headers:
        return asked.headers["x-api-key"] == KEY
    kind, _, fields = asked.headers.get("authorization", "").partition(" ")
    if kind != "Digest":
        return False
    told = {name.strip(): value.strip('" ') for name, _, value in (item.partition("=") for item in fields.split(", "))}
    return told["uri"] == asked.path and told["response"] == _digest(told, asked.method)


def _digest(told: dict[str, str], method: str) -> str:
    """Return the response of RFC 7616 3.4.1 for the one user there is."""
    secret = _md5(f"{USER}:{_REALM}:{PASSWORD}")
    wish = _md5(f"{method}:{told['uri']}")
    return _md5(f"{secret}:{_NONCE}:{told['nc']}:{told['cnonce']}:auth:{wish}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
