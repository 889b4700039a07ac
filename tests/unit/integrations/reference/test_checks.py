"""What must fit together between the files."""

from pathlib import Path

import pytest

from tests.factories.reference import FILES, changed, problems_of, write_reference

_NEXT_DUTY = "EU-2,EU,b2c,150,4,0,2028-07-02,2029-07-01,D\n"


def doubled(file: str, *, line: int = 1) -> dict[str, str]:
    """Return a file with one of its lines twice."""
    lines = FILES[f"{file}.csv"].splitlines()
    return {file: "\n".join([*lines, lines[line]]) + "\n"}


def test_good_files_fit_together(tmp_path: Path) -> None:
    assert problems_of(write_reference(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "line", "column"),
    [
        ("nodes", 3, "node_id"),
        ("machine_models", 4, "model"),
        ("materials", 4, "code"),
        ("node_assets", 4, "material"),
        ("node_certs", 4, "cert"),
        ("parts", 3, "part_no"),
        ("places", 3, "city"),
        ("carrier_tariffs", 3, "zone"),
        ("duty_rules", 4, "rule_id"),
        ("carbon_factors", 9, "mode"),
        ("grid_intensities", 4, "country"),
        ("exchange_rates", 3, "currency"),
    ],
)
def test_a_thing_that_stands_there_twice_names_both_lines(tmp_path: Path, file: str, line: int, column: str) -> None:
    found = problems_of(write_reference(tmp_path, **doubled(file)))
    assert [(problem.file, problem.line, problem.column) for problem in found] == [(f"{file}.csv", line, column)]
    assert found[0].advice == "stands on line 2 already: remove or rename one of the two"


def test_a_city_is_there_twice_when_only_accents_differ(tmp_path: Path) -> None:
    found = problems_of(write_reference(tmp_path, places=FILES["places.csv"] + "DE,BERLÍN,1,1,0,\n"))
    assert [(problem.line, problem.value) for problem in found] == [(3, "BERLÍN")]


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "column", "advice"),
    [
        ("node_assets", "N1,N1-A", "N9,N1-A", 2, "node_id", "N9 is not in nodes.csv: add it there, or correct it here"),
        ("node_assets", "EOS M 290", "EOS M 1", 3, "model", "EOS M 1 is not in machine_models.csv: add it there"),
        ("node_assets", "LPBF,316L", "LPBF,GOLD", 3, "material", "GOLD is not in materials.csv: add it there"),
        ("node_certs", "N1,ISO9001", "N9,ISO9001", 2, "node_id", "N9 is not in nodes.csv: add it there"),
        ("node_certs", "MJF:PA12-MJF", "SLS:PA12-MJF", 3, "scope_process_material", "SLS:PA12-MJF is not in materials"),
        ("parts", "LPBF:316L", "LPBF:TI64", 2, "allowed_process_material", "LPBF:TI64 is not in materials.csv"),
        ("parts", "MJF:PA12-MJF|", "|", 2, "allowed_process_material", "name at least one PROCESS:MATERIAL, several"),
        ("carbon_factors", "rail,35,2010-01-01,2099-12-31,V\n", "", 0, "mode", "has no line for rail"),
    ],
)
def test_an_id_that_leads_nowhere_is_found(
    tmp_path: Path, file: str, old: str, new: str, line: int, column: str, advice: str
) -> None:
    found = problems_of(write_reference(tmp_path, **changed(file, old, new)))
    assert [(problem.file, problem.line, problem.column) for problem in found] == [(f"{file}.csv", line, column)]
    assert found[0].advice.startswith(advice)


@pytest.mark.parametrize(
    ("file", "row", "column", "advice"),
    [
        (
            "carrier_tariffs",
            "reference,Z1,express,2026-01-01,2026-12-31,9,1,0.18,0,1,1,hgv,D\n",
            "valid_from",
            "2026-01-01 to 2026-12-31 overlaps 2010-01-01 to 2099-12-31 of reference Z1 express, also in this table: "
            "let that one end on 2025-12-31, in the same table",
        ),
        (
            "duty_rules",
            "EU-2,EU,b2c,150,4,0,2028-07-01,2029-07-01,D\n",
            "valid_from",
            "2028-07-01 to 2029-07-01 overlaps 2026-07-01 to 2028-07-01 of EU b2c up to 150 EUR, also in this table: "
            "let that one end on 2028-06-30, in the same table",
        ),
        (
            "exchange_rates",
            "USD,1.2,2025-01-01,2026-01-01,D\n",
            "valid_from",
            "2026-01-01 to 2026-12-31 overlaps 2025-01-01 to 2026-01-01 of USD, also in this table: "
            "let that one end on 2025-12-31, in the same table",
        ),
        (
            "grid_intensities",
            "DE,300,2023-01-01,2023-12-31,D\n",
            "country",
            "stands on line 2 already: remove or rename one of the two",
        ),
    ],
)
def test_rows_of_one_thing_have_no_day_in_common(tmp_path: Path, file: str, row: str, column: str, advice: str) -> None:
    found = problems_of(write_reference(tmp_path, **{file: FILES[f"{file}.csv"] + row}))
    assert [(problem.file, problem.column, problem.advice) for problem in found] == [(f"{file}.csv", column, advice)]
    assert problems_of(write_reference(tmp_path, duty_rules=FILES["duty_rules.csv"] + _NEXT_DUTY)) == []


def test_the_process_of_an_asset_is_that_of_its_model_and_of_its_material(tmp_path: Path) -> None:
    found = problems_of(write_reference(tmp_path, **changed("node_assets", "290,LPBF,316L", "290,MJF,PA12-MJF")))
    assert [str(problem) for problem in found] == [
        "node_assets.csv line 3, process: 'MJF': the model EOS M 290 is LPBF: correct the process or the model"
    ]
    other = problems_of(write_reference(tmp_path, **changed("node_assets", "MJF,PA12-MJF", "MJF,316L")))
    assert [str(problem) for problem in other] == [
        "node_assets.csv line 2, process: 'MJF': the material 316L is LPBF: correct the process or the material"
    ]


def test_a_machine_has_one_node_and_one_model(tmp_path: Path) -> None:
    nodes = FILES["nodes.csv"] + FILES["nodes.csv"].splitlines()[1].replace("N1", "N2") + "\n"
    assets = FILES["node_assets.csv"] + "N2,N1-A,EOS M 290,LPBF,316L,PS-3,0.5\n"
    found = problems_of(write_reference(tmp_path, nodes=nodes, node_assets=assets))
    assert [str(problem) for problem in found] == [
        "node_assets.csv line 4, node_id: 'N2': machine N1-A stands at N1 on another line: it has one home",
        "node_assets.csv line 4, model: 'EOS M 290': machine N1-A is a HP MJF 5200 on another line: it has one model",
    ]


@pytest.mark.parametrize(
    ("file", "named"), [("nodes", "N1"), ("machine_models", "HP MJF 5200"), ("materials", "PA12-MJF")]
)
def test_a_file_with_a_header_only_is_refused_where_machines_name_something_of_it(
    tmp_path: Path, file: str, named: str
) -> None:
    header = FILES[f"{file}.csv"].splitlines()[0] + "\n"
    found = problems_of(write_reference(tmp_path, **{file: header}))
    assert [str(problem) for problem in found] == [
        f"{file}.csv: has no rows, but node_assets.csv names {named}: add all that it names"
    ]
    nobody = FILES["node_assets.csv"].splitlines()[0] + "\n"
    assert problems_of(write_reference(tmp_path, **{file: header, "node_assets": nobody})) == []


def test_a_file_that_is_missing_is_one_problem_and_not_one_for_every_line_that_needs_it(tmp_path: Path) -> None:
    folder = write_reference(tmp_path)
    (folder / "materials.csv").unlink()
    assert [problem.file for problem in problems_of(folder)] == ["materials.csv"]
