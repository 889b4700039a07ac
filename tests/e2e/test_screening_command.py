"""``fabroute screen`` against everything running: the example list, terms, a result file, and lists that can't be."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiRefusal
from fabroute.cli.stack import Stack
from fabroute.cli.tables import UnreadableFile
from fabroute.integrations.reference import reference_folder
from fabroute.kernel.errors import DomainError
from tests.factories.screenings import as_csv, example_list

pytestmark = pytest.mark.timeout(600)

EXAMPLE = reference_folder() / "screening_example.csv"


def _run(stack: Stack, *arguments: str) -> Result:
    """Run a command in this process; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": stack.url, "FABROUTE_API_KEY": stack.owner_key}
    done = CliRunner().invoke(app, ["screen", *arguments], env=environment, catch_exceptions=True)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def _json(done: Result) -> Any:
    return json.loads(done.stdout)


def test_the_example_list_is_the_made_up_one() -> None:
    assert EXAMPLE.read_text(encoding="utf8") == as_csv(example_list())
    assert len(example_list()) == 50


def test_the_example_list_is_screened_and_no_is_the_usual_answer(stack: Stack, tmp_path: Path) -> None:
    out = tmp_path / "result.csv"
    done = _run(stack, str(EXAMPLE), "--out", str(out))
    *table, sentence = done.stdout.splitlines()
    with out.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert done.exit_code == 0, done.output
    assert re.fullmatch(
        r"of 50 parts 1 \(2\.0%\) is worth a digital twin, saving €[\d,]+ a year; 47 no, mostly because nobody prints "
        r"their material; 2 unclear, mostly because their (price|material) is not known",
        sentence,
    )
    assert [row["verdict"] for row in rows].count("no") == 47
    assert (rows[0]["verdict"], rows[0]["rank"], len(rows)) == ("digital_twin", "1", 50)
    assert any(rows[0]["part_no"] in line for line in table)  # a narrow terminal has headings of several lines
    assert any(rows[0]["node_id"] in line for line in table)


def test_terms_change_the_verdict_and_are_told_back(stack: Stack) -> None:
    demanding = _json(_run(stack, str(EXAMPLE), "--term", "minimum_saving_minor=100000000", "--json"))
    named = _json(
        _run(stack, str(EXAMPLE), "--name", "mill", "--term", "process_materials=PA12|LPBF", "--limit", "1", "--json")
    )

    assert (demanding["screening"]["summary"]["digital_twin"], demanding["rows"]) == (0, [])
    assert demanding["screening"]["name"] == "screening_example"
    assert (named["screening"]["name"], named["screening"]["terms"]["process_materials"]) == ("mill", ["PA12", "LPBF"])
    assert [row["verdict"] for row in named["rows"]] == ["digital_twin"]
    assert named["screening"]["summary"]["unclear"] == 1


def test_a_part_of_the_inventory_brings_its_own_facts(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps([{"part_no": "FU-0201", "unit_price": 60, "demand": 30, "moq": 1}]), encoding="utf8")
    answer = _json(_run(stack, str(file), "--json"))
    (row,) = answer["rows"]

    assert "box_mm: from your inventory" in row["assumed"]
    assert "digitisation" not in {item["code"] for item in row["saving_rows"]}
    assert row["verdict"] == "digital_twin"


def test_what_can_not_be_is_told_row_by_row_and_nothing_is_screened(stack: Stack, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("part_no,unit_price,moq\nA,-1,0\nA,1,1\n", encoding="utf8")
    refused = _run(stack, str(bad))
    misspelt = _run(stack, str(EXAMPLE), "--term", "holding_cost")

    assert refused.exit_code == 1
    assert [line.strip().partition(": ")[0] for line in refused.stdout.splitlines()] == [
        "/rows/1/unit_price",
        "/rows/1/moq",
        "/rows/2",
        "bad.csv",
    ]
    assert refused.stdout.endswith("bad.csv: 3 problem(s): nothing was screened\n")
    assert misspelt.exit_code == 2
    assert "write name=value" in misspelt.output
    with pytest.raises(ApiRefusal, match="parameter holdingcost"):
        _run(stack, str(EXAMPLE), "--term", "holdingcost=0.2")
    with pytest.raises(UnreadableFile, match="No such file"):
        _run(stack, str(tmp_path / "missing.csv"))
