"""Validates print files in processes of their own with limits: whatever a file does to them, the answer is a report."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from fabroute.integrations.validation.child import LONGEST_REQUEST, PIPELINE, Answer, ChildLimits, Task
from fabroute.inventory.ports import (
    Finding,
    PrintFileFormat,
    ValidationOutcome,
    ValidationReport,
    ValidationRequest,
    ValidatorBroken,
    report_of,
)

STANDARD = ChildLimits()
SERVER = "fabroute.integrations.validation.child"
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_KEPT_PREFIXES = ("PYTHON", "COVERAGE_")
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ANSWER_GRACE_SECONDS = 30.0
"""Beyond a child's own limit: the server's start, and a machine that is busy."""
_END_SECONDS = 5.0
_ATTEMPTS = 2
STARVED_SHARE = 0.5
"""A child that computed for less than this share of its time, and has none left, was held up by others."""
_OUTPUTS = ("canonical.3mf", "preview.png", "preview.glb")


class LimitedValidator:
    """A ``PrintFileValidator``: each file is read by a child of its own with limited memory, time and rights.

    The first call starts a server that loads the libraries once (about 0.4 s) and forks a child for each file. Calls
    may come from several threads at once. After a fork (a Celery pool), parent and child have a server each. The server
    ends with its owner, or with ``close``.
    """

    def __init__(self, *, limits: ChildLimits = STANDARD, stages: str = PIPELINE) -> None:
        """``stages`` names the module whose ``validate`` the children call."""
        self._limits = limits
        self._stages = stages
        self._lock = threading.Lock()
        self._server: _Server | None = None
        _validators.add(self)

    def __call__(self, source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
        """Return what became of the file; ``ValidatorBroken`` if no process could be started or the disk is full."""
        task = Task(
            source=str(source.absolute()), workspace=str(workspace.absolute()), request=request, limits=self._limits
        )
        answer = self._ask(task)
        report = _report(answer, source=source, task=task)
        if not report.valid:
            return ValidationOutcome(report=report)
        canonical, png, glb = (path if path.is_file() else None for path in (workspace / name for name in _OUTPUTS))
        return ValidationOutcome(report=report, canonical=canonical, preview_png=png, preview_glb=glb)

    def close(self) -> None:
        """End the server and whatever it runs; the next call starts another."""
        with self._lock:
            if self._server is not None:
                self._server.end()
                self._server = None

    def forget(self) -> None:
        """Leave the server to the process that forked this one."""
        self._lock = threading.Lock()
        if self._server is not None:
            self._server.abandon()
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, task: Task) -> Answer:
        patience = task.limits.wall_seconds + _ANSWER_GRACE_SECONDS
        for _ in range(_ATTEMPTS):
            server = self._running()
            if (answer := server.ask(task, patience=patience)) is not None:
                return answer
            self._drop(server)
        raise ValidatorBroken("the process that reads print files does not stay up: see the log, and try again")

    def _running(self) -> "_Server":
        with self._lock:
            if self._server is None:
                self._server = _Server(self._stages)
            return self._server

    def _drop(self, server: "_Server") -> None:
        with self._lock:
            if self._server is server:
                self._server = None
        server.end()


class _Server:
    """The fork server as its owner sees it: a process and a socket to it."""

    def __init__(self, stages: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", SERVER, str(theirs.fileno()), stages],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=_environment(),
                    start_new_session=True,
                )
            except OSError as error:
                self._control.close()
                raise ValidatorBroken(f"no process for reading print files can be started: {error}") from error
        self._end = weakref.finalize(self, _end, self._control, self._process)

    def ask(self, task: Task, *, patience: float) -> Answer | None:
        """Return how the task ended, or None if the server is gone or silent."""
        ours, theirs = socket.socketpair()
        ours.settimeout(patience)
        with ours:
            try:
                with theirs:
                    socket.send_fds(self._control, [_bounded(task)], [theirs.fileno()])
                return _answer(ours)
            except OSError:
                return None

    def end(self) -> None:
        """Close the socket, which ends the server, and wait for it."""
        self._end()

    def abandon(self) -> None:
        """Close this process's copy of the socket; the server is another process's."""
        self._end.detach()
        self._control.close()
        self._process.returncode = 0


def _end(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


_validators: weakref.WeakSet[LimitedValidator] = weakref.WeakSet()


def _forget_servers() -> None:
    for validator in list(_validators):
        validator.forget()


os.register_at_fork(after_in_child=_forget_servers)


def _environment() -> dict[str, str]:
    """Return what of the environment a reader of strangers' files may see: no address, no password."""
    kept = {
        name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }
    return kept | _ONE_THREAD


def _bounded(task: Task) -> bytes:
    message = task.to_json()
    if len(message) > LONGEST_REQUEST:
        raise ValidatorBroken("the names that go with the print file are too long: shorten them")
    return message


def _answer(reply: socket.socket) -> Answer | None:
    pieces = iter(lambda: reply.recv(65_536), b"")
    whole = b"".join(pieces)
    return Answer(**json.loads(whole)) if whole else None


def _report(answer: Answer, *, source: Path, task: Task) -> ValidationReport:
    said: dict[str, Any] = answer.said or {}
    if "broken" in said:
        raise ValidatorBroken(f"the print file could not be validated: {said['broken']}")
    try:
        report = report_of(said["report"])
    except (KeyError, TypeError):
        return _report_of_death(answer, source=source, task=task)
    return replace(report, cpu_ms=max(report.cpu_ms, answer.cpu_ms))


def _report_of_death(answer: Answer, *, source: Path, task: Task) -> ValidationReport:
    """Return the report about a file whose reader ended before it could say anything.

    ``ValidatorBroken`` where that was for want of a machine with time to spare: the file is not to blame.
    """
    if answer.overdue and answer.cpu_ms < 1000 * STARVED_SHARE * task.limits.wall_seconds:
        raise ValidatorBroken(
            f"this machine is too busy: in {task.limits.wall_seconds:g} s the print file's reader got "
            f"{answer.cpu_ms / 1000:.1f} s of computing: try again when it has less to do"
        )
    with source.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return ValidationReport(
        format=_claimed_format(task.request),
        source_sha256=sha256,
        size_bytes=source.stat().st_size,
        findings=(_cause_of_death(answer, task.limits),),
        measures=None,
        printability=(),
        canonical_sha256=None,
        readers=(),
        cpu_ms=answer.cpu_ms,
        peak_kib=answer.peak_kib,
    )


def _claimed_format(request: ValidationRequest) -> PrintFileFormat:
    ending = Path(request.file_name).suffix.lower()
    return "3mf" if ending == ".3mf" else "stl" if ending == ".stl" else "unknown"


def _cause_of_death(answer: Answer, limits: ChildLimits) -> Finding:
    advice = "Export it with fewer triangles (a coarser tolerance), or split it into several files."
    if answer.overdue:
        return _error("TOO_COMPLEX", f"Reading it took longer than {limits.wall_seconds:g} s.", advice)
    if answer.signal == signal.SIGXCPU or answer.cpu_ms >= 1000 * limits.cpu_seconds:
        return _error("TOO_COMPLEX", f"Reading it took more than {limits.cpu_seconds} s of computing.", advice)
    if answer.said is not None and "exceeded" in answer.said:
        return _error("TOO_COMPLEX", f"Reading it took {_excess(str(answer.said['exceeded']), limits)}.", advice)
    if answer.signal == signal.SIGKILL:
        return _error("TOO_COMPLEX", "Reading it took more memory than this machine has left.", advice)
    how = f" ({signal.Signals(answer.signal).name})" if answer.signal else ""
    advice = "Export it again, perhaps with another program; if that doesn't help, let us know."
    return _error("READER_CRASHED", f"The program that reads print files crashed on this file{how}.", advice)


def _excess(kind: str, limits: ChildLimits) -> str:
    if kind == "memory":
        return f"more than {limits.memory_bytes / 2**20:,.0f} MiB of memory"
    return f"too much {kind}" if kind == "file size" else f"too many {kind}"


def _error(code: str, message: str, advice: str) -> Finding:
    return Finding(code=code, severity="error", message=message, advice=advice)
