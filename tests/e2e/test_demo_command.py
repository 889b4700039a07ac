"""``fabroute demo`` as a newcomer runs it, in an empty folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.factories.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(600)


def _demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fabroute.cli", "demo", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "220", "FABROUTE_DATABASE_URL": "postgresql://nowhere.invalid/ignored"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )


def _is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended but was not waited for yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_demo_routes_its_orders_shows_why_and_answers_until_it_is_stopped(workplace: Path) -> None:
    kept = _demo(workplace, "--orders", "48", "--keep")

    assert kept.returncode == 0, kept.stderr
    rows = re.findall(r"^demo-(\d{4}) .*$", kept.stdout, flags=re.MULTILINE)
    assert rows == [f"{number:04d}" for number in range(1, 49)]
    assert re.search(r"^demo-\d{4} +\d+ × ZZ-0901 .* no route ", kept.stdout, flags=re.MULTILINE)
    assert re.search(r"^\d+ of 48 order lines routed to \d+ nodes$", kept.stdout, flags=re.MULTILINE)
    assert "one by one, cheapest first, on the same snapshots" in kept.stdout
    assert "32 parts, 22 other numbers, 18 installations, 32 print files (0 drawn now)" in kept.stderr
    state_file = workplace / ".fabroute" / "demo.json"
    state = json.loads(state_file.read_text(encoding="utf8"))
    assert state_file.stat().st_mode & 0o077 == 0
    assert httpx.get(f"{state['url']}/readyz").status_code == 200
    page = httpx.get(f"{state['url']}/nowhere").json()["doc_url"]
    assert page == f"{state['url']}/docs/errors/not_found"
    assert (f"{state['url']}/docs)" in kept.stdout, httpx.get(page).status_code) == (True, 200)
    assert state.keys() == {"url", "folder", "pids"}
    environment = (workplace / ".fabroute" / "env").read_text(encoding="utf8")
    assert all(line.startswith("export FABROUTE_") for line in environment.splitlines())
    again = _demo(workplace, "--keep")
    assert (again.returncode, f"a demo is running at {state['url']} already" in again.stderr) == (1, True)

    stopped = _demo(workplace, "--stop")

    assert "the demo that was left running is stopped" in stopped.stderr
    assert not any(_is_alive(pid) for pid in state["pids"])
    assert not Path(state["folder"]).exists()
    assert not state_file.exists()
    again = _demo(workplace, "--stop")
    assert (again.returncode, "no demo was left running" in again.stderr) == (0, True)
