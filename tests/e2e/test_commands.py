"""The commands, run as a person runs them, against a running installation."""

import csv
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import COMMANDS, app
from fabroute.cli.client import ApiRefusal, ApiUnreachable
from fabroute.cli.stack import Stack
from fabroute.kernel.errors import DomainError
from tests.factories.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(600)

MAPPING = Path(__file__).parents[2] / "infra/reference/mappings/openrepair.toml"
REAL_REPAIRS = Path(__file__).parents[3] / "shared/realdata/orders/openrepair_missing_spares.csv"
HEADER = "part,quantity,city,country,need_by,reference\n"


def _run(stack: Stack, *arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": stack.owner_key}
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def _process(stack: Stack, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fabroute.cli", *arguments],
        env={**stack.environment, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def _order_id(output: str) -> str:
    found = re.search(r"ord_\w+", output)
    assert found is not None, output
    return found.group()


def test_an_order_is_placed_shown_explained_listed_and_cancelled(stack: Stack) -> None:
    placed = _run(stack, "order", "place", "AP-0105", "--city", "Hamburg", "--country", "DE", "--quantity", "2")
    order_id = _order_id(placed.stdout)
    shown, explained = _run(stack, "order", "show", order_id), _run(stack, "order", "why", order_id, "--json")
    told = _run(stack, "order", "why", order_id)
    listed = _run(stack, "order", "list", "--limit", "1")
    cancelled = _run(stack, "order", "cancel", order_id)
    after = _run(stack, "order", "show", order_id, "--json")

    assert placed.stdout.startswith(f"order {order_id}: routed\n  2 × AP-0105 to Hamburg, DE")
    assert shown.stdout == placed.stdout
    assert json.loads(explained.stdout)["decisions"][0]["outcome"] == "routed"
    assert "  decided alone: optimal, at most 0.00 % from the best plan" in told.stdout
    assert order_id in listed.stdout
    assert cancelled.stdout == f"{order_id} is cancelled\n"
    assert json.loads(after.stdout)["state"] == "cancelled"


def test_an_order_takes_an_objective_and_a_deadline(stack: Stack) -> None:
    options = ("--city", "Lyon", "--country", "FR", "--objective", "greenest", "--need-by", "2090-01-01T00:00:00Z")

    with pytest.raises(ApiRefusal, match="/need_by"):
        _run(stack, "order", "place", "AP-0101", *options)
    placed = _run(stack, "order", "place", "AP-0101", *options[:-2])

    assert "(greenest)" in placed.stdout
    assert "routed" in placed.stdout


def test_what_the_api_refuses_is_told_in_its_own_words(stack: Stack) -> None:
    with pytest.raises(ApiRefusal, match="/lines/0/part: ") as unknown:
        _run(stack, "order", "place", "XX-1", "--city", "Hamburg", "--country", "DE")
    with pytest.raises(ApiRefusal) as missing:
        _run(stack, "order", "show", "ord_unknown")
    with pytest.raises(ApiRefusal) as stranger:
        _run(stack, "order", "list", "--key", "fr_test_nobody_000")

    assert (unknown.value.status, missing.value.status, stranger.value.status) == (422, 404, 401)


def test_an_api_that_is_not_there_says_how_to_start_it(stack: Stack) -> None:
    with pytest.raises(ApiUnreachable, match=r"no answer from http://127.0.0.1:9 .*fabroute serve") as refusal:
        _run(stack, "order", "list", "--url", "http://127.0.0.1:9")

    assert refusal.value.status == 503


def test_a_csv_is_imported_with_every_row_accounted_for(stack: Stack, tmp_path: Path) -> None:
    file, rejects = tmp_path / "orders.csv", tmp_path / "rejects.csv"
    rows = ("AP-0101,2,Hamburg,DE,,a", "XX-1,1,Hamburg,DE,,b", "AP-0102,0,Paris,FR,,c", "AP-0102,one,Paris,FR,,d")
    file.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf8")

    done = _run(stack, "import", "orders", str(file), "--batch", "spring", "--rejects", str(rejects))
    again = _run(stack, "import", "orders", str(file), "--batch", "spring")

    assert "1 of 1 order lines routed to 1 nodes" in done.stdout
    assert "3 rows are not orders:" in done.stdout
    with rejects.open(encoding="utf8", newline="") as handle:
        told = {row["reference"]: row["reason"] for row in csv.DictReader(handle)}
    assert told.keys() == {"b", "c", "d"}
    assert told["d"] == "quantity 'one' is not a whole number"
    assert told["b"].startswith("refused: /lines/0/part")
    assert "1 of 1 order lines routed to 1 nodes" in again.stdout


def test_a_dry_run_orders_nothing(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "dry.csv"
    file.write_text(HEADER + "AP-0101,2,Hamburg,DE,,a\n", encoding="utf8")

    done = _run(stack, "import", "orders", str(file), "--dry-run")

    assert "dry.csv: 1 rows, 1 map to orders, 0 don't" in done.stderr
    assert _run(stack, "order", "list", "--batch", "dry").stdout == "no orders\n"


def test_a_file_that_cannot_be_read_is_named(stack: Stack, tmp_path: Path) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"part\xff\xfe")

    with pytest.raises(DomainError, match=r"can't read .*nothing.csv"):
        _run(stack, "import", "orders", str(tmp_path / "nothing.csv"))
    with pytest.raises(DomainError, match=r"is not UTF-8 .byte 4.: save it as UTF-8"):
        _run(stack, "import", "orders", str(binary))


@pytest.mark.skipif(not REAL_REPAIRS.exists(), reason="the real repairs lie beside the project, not in it")
def test_real_repairs_are_ordered_and_the_rest_is_listed_with_reasons(stack: Stack, tmp_path: Path) -> None:
    lines = REAL_REPAIRS.read_text(encoding="utf8").splitlines(keepends=True)
    sample = tmp_path / "repairs.csv"
    sample.write_text("".join(lines[:81]), encoding="utf8")

    done = _run(stack, "import", "orders", str(sample), "--mapping", str(MAPPING))

    mapped = re.search(r"80 rows, (\d+) map to orders, (\d+) don't", done.stderr)
    assert mapped is not None
    assert int(mapped[1]) + int(mapped[2]) == 80
    assert f"of {mapped[1]} order lines routed" in done.stdout
    assert "Open Repair Alliance data, 2025-07, CC BY-SA 4.0" in done.stdout
    assert re.search(r"^DK +\d+ +\d+", done.stdout, flags=re.MULTILINE)


def test_the_operator_s_commands_work_on_the_same_database(stack: Stack) -> None:
    migrated, checked = _process(stack, "migrate"), _process(stack, "doctor")
    made = _process(stack, "keys", "create", "org_owner", "--scope", "orders:read")

    assert (migrated.returncode, migrated.stdout) == (0, "schema: current\n")
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.splitlines()[-1] == "100 invariants checked, 0 broken"
    key = made.stdout.strip()
    assert _run(stack, "order", "list", "--key", key).exit_code == 0
    with pytest.raises(ApiRefusal) as refusal:
        _run(stack, "order", "place", "AP-0101", "--city", "Hamburg", "--country", "DE", "--key", key)
    assert refusal.value.status == 403


def test_a_revoked_key_is_refused_within_a_second(stack: Stack) -> None:
    key = _process(stack, "keys", "create", "org_owner").stdout.strip()
    assert _run(stack, "order", "list", "--key", key).exit_code == 0

    revoked = _process(stack, "keys", "revoke", key.split("_")[2])

    assert revoked.returncode == 0, revoked.stderr
    time.sleep(1)  # how long the API may remember a key
    with pytest.raises(ApiRefusal) as refusal:
        _run(stack, "order", "list", "--key", key)
    assert refusal.value.status == 401


@pytest.mark.parametrize(("command", "codes"), [("doctor", (1, 1)), ("work", (78, 75))])
def test_a_database_that_is_missing_or_down_is_told_in_one_line(
    stack: Stack, command: str, codes: tuple[int, int]
) -> None:
    down = "postgresql://fabroute@127.0.0.1:9/fabroute"

    missing = _process(stack, command, FABROUTE_DATABASE_URL="", FABROUTE_MIGRATION_DATABASE_URL="")
    silent = _process(stack, command, FABROUTE_DATABASE_URL=down, FABROUTE_MIGRATION_DATABASE_URL=down)

    for done, words in ((missing, "set FABROUTE_DATABASE_URL"), (silent, "PostgreSQL does not answer")):
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert (missing.returncode, silent.returncode) == codes


def test_embedded_servers_are_refused_outside_their_profile(stack: Stack) -> None:
    done = _process(stack, "doctor", FABROUTE_PROFILE="production")

    assert done.returncode == 1
    assert "embedded servers, which are for the demo and the tests only" in done.stderr.replace("\n", " ")


def test_help_names_every_command_and_starts_with_the_newcomer_s(stack: Stack) -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).stdout
    names = re.findall(r"^│ (\w+) ", shown, flags=re.MULTILINE)

    assert names == list(COMMANDS)
    assert names[:6] == ["demo", "inspect", "order", "quote", "accept", "part"]
    assert "New here? Run: fabroute demo" in shown
    assert os.environ.get("FABROUTE_URL") != stack.url
