import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fabroute.integrations.validation.child import ChildLimits
from fabroute.integrations.validation.sandbox import LimitedValidator
from fabroute.inventory.ports import ValidationOutcome, ValidationRequest, ValidatorBroken
from tests.hostile.stl import TETRAHEDRON, binary, scaled

ROOT = Path(__file__).parents[4]
LIMITS = ChildLimits(wall_seconds=20, cpu_seconds=1, memory_bytes=256 * 2**20, file_bytes=2**20, open_files=32)
REQUEST = ValidationRequest(file_name="part.stl", part_no="P-1", processes=("MJF",))


@pytest.fixture
def validator(monkeypatch: pytest.MonkeyPatch) -> Iterator[LimitedValidator]:
    """A validator whose stages do what the file says."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("FABROUTE_DATABASE_URL", "postgresql://secret")
    with LimitedValidator(limits=LIMITS, stages="tests.fakes.stages") as limited:
        yield limited


def _run(validator: LimitedValidator, folder: Path, order: str) -> ValidationOutcome:
    folder.mkdir(exist_ok=True)
    source = folder / "source"
    source.write_text(order, encoding="ascii")
    return validator(source, request=REQUEST, workspace=folder)


def _children(pid: int) -> list[int]:
    """Return the processes whose parent is ``pid``, whichever of its threads started them."""
    return sorted(child for child, parent in _parents() if parent == pid)


def _parents() -> Iterator[tuple[int, int]]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield int(status.parent.name), int(status.read_text(encoding="utf8").rpartition(")")[2].split()[1])


def _is_gone(pid: int) -> bool:
    """Tell whether a process has ended, waiting a little for it; a zombie has."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_report_and_the_files_come_back(validator: LimitedValidator, tmp_path: Path) -> None:
    outcome = _run(validator, tmp_path, "fine")

    assert outcome.report.valid
    assert outcome.report.readers == ("fine", "P-1", "MJF")
    assert outcome.canonical == tmp_path / "canonical.3mf"
    assert (outcome.preview_png, outcome.preview_glb) == (None, None)
    assert outcome.report.source_sha256 == hashlib.sha256(b"fine").hexdigest()


def test_memory_is_limited_and_what_was_used_is_reported(validator: LimitedValidator, tmp_path: Path) -> None:
    within, beyond = _run(validator, tmp_path, "hold 100").report, _run(validator, tmp_path, "hold 400").report

    assert within.valid
    assert 100 * 1024 <= within.peak_kib < 150 * 1024
    assert [it.code for it in beyond.findings] == ["TOO_COMPLEX"]
    assert beyond.findings[0].message == "Reading it took more than 256 MiB of memory."
    assert beyond.peak_kib < 100 * 1024


def test_computing_is_limited(validator: LimitedValidator, tmp_path: Path) -> None:
    report = _run(validator, tmp_path, "spin").report

    assert [it.code for it in report.findings] == ["TOO_COMPLEX"]
    assert report.findings[0].message == "Reading it took more than 1 s of computing."
    # Linux counts the limit in ticks and the usage exactly: on a busy machine they are far apart.
    assert 100 <= report.cpu_ms <= 2_500


def test_a_reader_that_is_held_up_is_ended_and_the_file_is_not_to_blame(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    limits = ChildLimits(wall_seconds=0.5)

    with LimitedValidator(limits=limits, stages="tests.fakes.stages") as limited:
        with pytest.raises(
            ValidatorBroken, match=r"too busy: in 0\.5 s the print file's reader got 0\.\d s of"
        ) as refusal:
            _run(limited, tmp_path, "sleep 60")
        assert refusal.value.message.endswith("try again when it has less to do")
        assert _run(limited, tmp_path, "fine").report.valid


@pytest.mark.parametrize(
    ("order", "code", "message"),
    [
        ("fall", "READER_CRASHED", "The program that reads print files crashed on this file (SIGSEGV)."),
        ("kill 6", "READER_CRASHED", "The program that reads print files crashed on this file (SIGABRT)."),
        ("raise", "READER_CRASHED", "The program that reads print files crashed on this file."),
        ("exit 3", "READER_CRASHED", "The program that reads print files crashed on this file."),
        ("exit 0", "READER_CRASHED", "The program that reads print files crashed on this file."),
        ("kill 9", "TOO_COMPLEX", "Reading it took more memory than this machine has left."),
        ("fill 3", "TOO_COMPLEX", "Reading it took too much file size."),
        ("descriptors", "TOO_COMPLEX", "Reading it took too many open files."),
        ("babble 9", "READER_CRASHED", "The program that reads print files crashed on this file."),
    ],
)
def test_a_reader_that_dies_is_a_finding_and_no_exception(
    validator: LimitedValidator, tmp_path: Path, order: str, code: str, message: str
) -> None:
    report = _run(validator, tmp_path, order).report

    assert [(it.code, it.message, it.severity) for it in report.findings] == [(code, message, "error")]
    assert not report.valid
    assert (report.format, report.size_bytes) == ("stl", len(order))
    assert report.source_sha256 == hashlib.sha256(order.encode()).hexdigest()
    assert _run(validator, tmp_path, "fine").report.valid


def test_our_own_trouble_is_not_the_files_fault(validator: LimitedValidator, tmp_path: Path) -> None:
    with pytest.raises(ValidatorBroken, match="No such file or directory"):
        _run(validator, tmp_path, "missing")

    assert _run(validator, tmp_path, "fine").report.valid


def test_names_without_bounds_are_not_passed_on(validator: LimitedValidator, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("fine", encoding="ascii")
    request = ValidationRequest(file_name="n" * 70_000)

    with pytest.raises(ValidatorBroken, match="too long"):
        validator(source, request=request, workspace=tmp_path)


def test_children_gain_no_rights_leave_no_core_and_know_no_secrets(validator: LimitedValidator, tmp_path: Path) -> None:
    rights = _run(validator, tmp_path, "rights").report.readers[0]
    variables = _run(validator, tmp_path, "environment").report.readers[0].split()

    assert rights == "no_new_privs=1 core=(0, 0) fds=[0, 1, 2]"
    assert "OPENBLAS_NUM_THREADS" in variables
    assert not [name for name in variables if name.startswith(("FABROUTE", "PG", "DATABASE"))]


def test_threads_are_served_at_the_same_time(validator: LimitedValidator, tmp_path: Path) -> None:
    _run(validator, tmp_path, "fine")
    orders = ["meet 3", "fine", "fall", "meet 0", "fine"]

    with ThreadPoolExecutor(5) as pool:
        futures = [pool.submit(_run, validator, tmp_path / str(place), order) for place, order in enumerate(orders)]
        reports = [future.result().report for future in futures]

    assert [report.valid for report in reports] == [True, True, False, True, True]
    assert [report.size_bytes for report in reports] == [len(order) for order in orders]
    assert [reports[place].readers[0] for place in (0, 3)] == ["met", "met"]


def test_a_thread_that_started_the_server_may_end(validator: LimitedValidator, tmp_path: Path) -> None:
    outcomes, before = [], set(_children(os.getpid()))
    starter = threading.Thread(target=lambda: outcomes.append(_run(validator, tmp_path, "fine")))
    starter.start()
    starter.join()
    (server,) = set(_children(os.getpid())) - before

    again = _run(validator, tmp_path, "fine")

    assert outcomes[0].report.valid
    assert again.report.valid
    assert set(_children(os.getpid())) - before == {server}


def test_no_child_and_no_server_is_left(validator: LimitedValidator, tmp_path: Path) -> None:
    before = _children(os.getpid())
    _run(validator, tmp_path, "fine")
    _run(validator, tmp_path, "fall")
    (server,) = set(_children(os.getpid())) - set(before)
    assert _children(server) == []

    validator.close()

    assert _children(os.getpid()) == before
    assert not Path(f"/proc/{server}").exists()
    assert _run(validator, tmp_path, "fine").report.valid


def test_a_server_that_was_killed_is_replaced(validator: LimitedValidator, tmp_path: Path) -> None:
    before = set(_children(os.getpid()))
    _run(validator, tmp_path, "fine")
    (server,) = set(_children(os.getpid())) - before
    os.kill(server, signal.SIGKILL)

    report = _run(validator, tmp_path, "fine").report

    assert report.valid
    assert server not in _children(os.getpid())


def test_children_die_with_their_server(validator: LimitedValidator, tmp_path: Path) -> None:
    before = set(_children(os.getpid()))
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(_run, validator, tmp_path, "pid")
        pids = _pids(tmp_path / "pids")
        os.kill(pids[1], signal.SIGKILL)
        assert _is_gone(pids[0])
        again = _pids(tmp_path / "pids", other_than=pids)
        validator.close()
        with pytest.raises(ValidatorBroken, match="does not stay up"):
            pending.result()

    assert again != pids
    assert _is_gone(again[0])
    assert set(_children(os.getpid())) == before


def _pids(path: Path, *, other_than: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Return the ids of a child and its server that the child wrote down, as soon as they are there."""
    for _ in range(200):
        if path.exists() and len(found := path.read_text(encoding="ascii").split()) == 2:
            child, server = map(int, found)
            if (child, server) != other_than:
                return child, server
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


OWNER = """
import os, sys
from pathlib import Path
from fabroute.integrations.validation.sandbox import LimitedValidator
from fabroute.inventory.ports import ValidationRequest
folder = Path(sys.argv[1])
validator = LimitedValidator(stages="tests.fakes.stages")
def run(order, name):
    (folder / name).mkdir()
    (folder / name / "source").write_text(order)
    request = ValidationRequest(file_name="part.stl")
    return validator(folder / name / "source", request=request, workspace=folder / name).report.valid
"""
FORKING = """
assert run("fine", "before")
child = os.fork()
if child == 0:
    os._exit(0 if run("fine", "in the child") and run("fine", "again") else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), run("fine", "after"))
"""
KILLED = """
run("pid", "busy")
"""


def _owner(script: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER + script, str(folder)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def test_a_fork_of_the_owner_gets_a_server_of_its_own(tmp_path: Path) -> None:
    with _owner(FORKING, tmp_path) as owner:
        output, _ = owner.communicate(timeout=60)

    assert output == "0 True\n"
    assert owner.returncode == 0


def test_nothing_outlives_an_owner_that_is_killed(tmp_path: Path) -> None:
    with _owner(KILLED, tmp_path) as owner:
        child, server = _pids(tmp_path / "busy" / "pids")
        owner.kill()

    assert _is_gone(server)
    assert _is_gone(child)
    assert server != owner.pid


LIGHT = """
import sys
import fabroute.integrations.validation.guard.stl, fabroute.integrations.validation.sandbox
print(sorted({"numpy", "lib3mf", "manifold3d", "embreex", "PIL", "trimesh"} & set(sys.modules)))
"""


def test_owner_and_guards_load_no_library_that_reads_meshes() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, encoding="utf-8", timeout=60, check=True)

    assert done.stdout == "[]\n"
    assert done.stderr == ""


def test_the_real_stages_run_within_the_standard_limits(tmp_path: Path) -> None:
    source = tmp_path / "part.stl"
    source.write_bytes(binary(scaled(TETRAHEDRON, 3.0)))

    with LimitedValidator() as limited:
        outcome = limited(source, request=REQUEST, workspace=tmp_path)

    assert outcome.report.valid
    assert outcome.canonical is not None
    assert outcome.preview_png is not None
    assert outcome.preview_glb is not None
    assert hashlib.sha256(outcome.canonical.read_bytes()).hexdigest() == outcome.report.canonical_sha256
    assert outcome.report.peak_kib <= 128 * 1024
