"""Dated tables from the command line: a rate comes in, goes out, and a broken table says what is wrong with it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiRefusal
from fabroute.cli.stack import Stack
from fabroute.kernel.errors import DomainError

pytestmark = pytest.mark.timeout(600)

HEADER = "currency,per_eur,valid_from,valid_to,source\n"
FORINT = "HUF,400,2026-01-01,2027-12-31,a bank\n"
NAMES = ("carrier-tariffs", "duty-rules", "carbon-factors", "grid-intensities", "exchange-rates")


def _run(stack: Stack, *arguments: str, key: str | None = None) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": key or stack.operator_key}
    done = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def test_a_rate_comes_in_once_and_goes_out_with_the_others(stack: Stack, tmp_path: Path) -> None:
    table = tmp_path / "rates.csv"
    table.write_text(HEADER + FORINT, encoding="utf8")
    tried = _run(stack, "import", "exchange-rates", str(table), "--dry-run")
    done = _run(stack, "import", "exchange-rates", str(table))
    again = _run(stack, "import", "exchange-rates", str(table))
    exported = _run(stack, "export", "exchange-rates").stdout.splitlines()

    assert tried.stdout == "rates.csv: 1 rows: would be 1 created, 0 changed, 0 unchanged; 0 problems\n"
    assert done.stdout == "rates.csv: 1 rows: 1 created, 0 changed, 0 unchanged; 0 problems\n"
    assert again.stdout == "rates.csv: 1 rows: 0 created, 0 changed, 1 unchanged; 0 problems\n"
    assert exported[0] + "\n" == HEADER
    assert "HUF,400.0,2026-01-01,2027-12-31,a bank" in exported


@pytest.mark.parametrize("name", NAMES)
def test_every_table_that_goes_out_comes_in_unchanged(stack: Stack, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.csv"
    written = _run(stack, "export", name, "--output", str(file))
    back = _run(stack, "import", name, str(file))
    count = len(file.read_text(encoding="utf8").splitlines()) - 1
    assert (written.exit_code, back.exit_code) == (0, 0)
    assert back.stdout == f"{name}.csv: {count} rows: 0 created, 0 changed, {count} unchanged; 0 problems\n"


def test_a_broken_table_names_line_and_field_and_ends_with_one(stack: Stack, tmp_path: Path) -> None:
    table = tmp_path / "rates.csv"
    table.write_text(HEADER + "HUX,0,2026-12-31,2026-01-01,a bank\n", encoding="utf8")
    done = _run(stack, "import", "exchange-rates", str(table))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "  line 2, currency: is no currency: use three capital letters of ISO 4217, as USD (validation_failed)",
        "  line 2, per_eur: must be more than 0 (validation_failed)",
        "rates.csv: 2 problems: nothing was imported",
    ]


def test_an_owner_is_told_whose_tables_these_are(stack: Stack, tmp_path: Path) -> None:
    table = tmp_path / "rates.csv"
    table.write_text(HEADER + FORINT, encoding="utf8")
    with pytest.raises(ApiRefusal, match="needs an API key with the scope network:write") as refusal:
        _run(stack, "import", "exchange-rates", str(table), key=stack.owner_key)
    assert refusal.value.status == 403
    assert "HUF" not in _run(stack, "export", "carrier-tariffs", key=stack.owner_key).stdout
