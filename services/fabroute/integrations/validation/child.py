"""The process that validates: a server that has loaded the libraries, and forks a limited child for each file.

Started by ``sandbox``; it ends when its owner closes the control socket or is gone. Never imported by the parent's hot
path for its libraries: they are named here, and loaded by the server only.
"""

import ctypes
import errno
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from fabroute.inventory.ports import ValidationReport, ValidationRequest, report_document

PIPELINE = "fabroute.integrations.validation.pipeline"
LONGEST_REQUEST = 65_536
LONGEST_ANSWER = 8 * 2**20
"""Bytes of JSON from a child; a report has a few thousand."""

_REPLY_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_OUT_OF = {errno.ENOMEM: "memory", errno.EFBIG: "file size", errno.EMFILE: "open files"}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What the process that reads one file may use."""

    wall_seconds: float = 30.0
    cpu_seconds: int = 25
    memory_bytes: int = 1536 * 2**20
    """Of data: what it allocates, libraries' own included; shared code and unused reservations don't count."""
    file_bytes: int = 512 * 2**20
    """Of each file that it writes."""
    open_files: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One file to validate, as the owner asks for it."""

    source: str
    workspace: str
    request: ValidationRequest
    limits: ChildLimits

    def to_json(self) -> bytes:
        """Return it as it goes over the control socket."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a child ended, as the server saw it, and what it said."""

    said: dict[str, Any] | None
    """``{"report": …}``, ``{"exceeded": what}`` or ``{"broken": why}``; None if it died before."""
    signal: int
    """That ended it, or 0."""
    overdue: bool
    cpu_ms: int
    peak_kib: int

    def to_json(self) -> bytes:
        """Return it as it goes back to the owner."""
        return json.dumps(asdict(self)).encode()


@dataclass(slots=True, kw_only=True)
class _Job:
    pid: int
    pipe: int
    reply: socket.socket
    deadline: float
    overdue: bool = False
    output: bytearray = field(default_factory=bytearray)


class ForkServer:
    """Takes tasks from the control socket, runs each in a child of its own, and answers on the task's own socket."""

    def __init__(self, control: socket.socket, *, stages: str) -> None:
        self._stages = stages
        self._control = control
        self._jobs: dict[int, _Job] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until the owner is gone; whatever still runs then is killed."""
        while True:
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._control:
                    if not self._accept():
                        return self._stop()
                else:
                    self._read(self._jobs[key.fd])
            self._kill_overdue()

    def _patience(self) -> float | None:
        waits = [job.deadline - time.monotonic() for job in self._jobs.values() if not job.overdue]
        return max(0.0, min(waits)) if waits else None

    def _accept(self) -> bool:
        """Start a child for the next task; False if the owner is gone."""
        message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST_REQUEST, 1)
        if not message or not descriptors:
            return False
        task = _task(json.loads(message))
        reply = socket.socket(fileno=descriptors[0])
        reply.settimeout(_REPLY_SECONDS)
        reading, writing = os.pipe()
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            _be_child(task, stages=self._stages, pipe=writing, server=server)
        os.close(writing)
        deadline = time.monotonic() + task.limits.wall_seconds
        self._jobs[reading] = _Job(pid=pid, pipe=reading, reply=reply, deadline=deadline)
        self._selector.register(reading, selectors.EVENT_READ)
        return True

    def _read(self, job: _Job) -> None:
        piece = os.read(job.pipe, 65_536)
        job.output += piece
        if not piece or len(job.output) > LONGEST_ANSWER:
            self._finish(job)

    def _kill_overdue(self) -> None:
        for job in self._jobs.values():
            if not job.overdue and time.monotonic() >= job.deadline:
                job.overdue = True
                os.kill(job.pid, signal.SIGKILL)

    def _finish(self, job: _Job) -> None:
        """Bury the child, whose end of the pipe is closed, and tell the owner."""
        self._selector.unregister(job.pipe)
        del self._jobs[job.pipe]
        os.close(job.pipe)
        os.kill(job.pid, signal.SIGKILL)
        _, status, usage = os.wait4(job.pid, 0)
        answer = Answer(
            said=_said(job.output),
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) and len(job.output) <= LONGEST_ANSWER else 0,
            overdue=job.overdue,
            cpu_ms=round(1000 * (usage.ru_utime + usage.ru_stime)),
            peak_kib=usage.ru_maxrss,
        )
        _tell(job.reply, answer)

    def _stop(self) -> None:
        for job in self._jobs.values():
            os.kill(job.pid, signal.SIGKILL)
            os.wait4(job.pid, 0)


def validate_here(task: Task, *, stages: str = PIPELINE) -> dict[str, Any]:
    """Validate in this process, and return what is to be said about it, with its CPU time and peak memory."""
    validate = import_module(stages).validate
    try:
        report: ValidationReport = validate(Path(task.source), request=task.request, workspace=Path(task.workspace))
    except MemoryError:
        return {"exceeded": "memory"}
    except OSError as error:
        if error.errno in _OUT_OF:
            return {"exceeded": _OUT_OF[error.errno]}
        return {"broken": str(error)}
    report = replace(report, cpu_ms=round(1000 * time.process_time()), peak_kib=peak_kib())
    return {"report": report_document(report)}


def peak_kib() -> int:
    """Return the most memory that this process has had resident, in KiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _be_child(task: Task, *, stages: str, pipe: int, server: int) -> NoReturn:
    _confine(task.limits, keep=pipe, server=server)
    document = validate_here(task, stages=stages)
    with open(pipe, "wb", closefd=False) as stream:
        stream.write(json.dumps(document).encode())
    os._exit(0)


def _confine(limits: ChildLimits, *, keep: int, server: int) -> None:
    """Bind this process: no new rights, no core, little memory, time and files, and an end with its server."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.closerange(3, keep)
    os.closerange(keep + 1, max(keep + 1, 1024))
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ):
        resource.setrlimit(kind, (soft, hard))


def _task(document: dict[str, Any]) -> Task:
    request = document["request"]
    box = request["expected_box_mm"]
    return Task(
        source=document["source"],
        workspace=document["workspace"],
        request=ValidationRequest(
            **request | {"processes": tuple(request["processes"]), "expected_box_mm": tuple(box) if box else None}
        ),
        limits=ChildLimits(**document["limits"]),
    )


def _said(output: bytearray) -> dict[str, Any] | None:
    """Return what the child said, if it is whole."""
    try:
        document = json.loads(output)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _tell(reply: socket.socket, answer: Answer) -> None:
    with reply:
        try:
            reply.sendall(answer.to_json())
        except OSError:
            return


def main() -> None:
    """Load the libraries and serve; the arguments are the control socket's number and the module of the stages."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    import_module(sys.argv[2])
    gc.collect()
    gc.freeze()
    ForkServer(control, stages=sys.argv[2]).run()


if __name__ == "__main__":
    main()
