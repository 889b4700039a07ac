"""``fabroute inspect``: tell what is in print files, and what to mend, without sending them anywhere."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from fabroute.cli.inspect_report import file_report, summary_table
from fabroute.cli.output import complain, stdout
from fabroute.cli.progress import counted_progress
from fabroute.integrations.validation.process_limits import LIMITS
from fabroute.integrations.validation.sandbox import LimitedValidator
from fabroute.inventory.ports import PrintFileValidator, ValidationReport, ValidationRequest, report_document

ENDINGS = (".3mf", ".stl")
NOT_VALID = 1
NOT_READ = 2
MOST_AT_ONCE = 4

_BOX = re.compile(r"(\d+(?:\.\d+)?)[x×](\d+(?:\.\d+)?)[x×](\d+(?:\.\d+)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One path, and its report or why there is none."""

    path: Path
    report: ValidationReport | None = None
    problem: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        if self.report is None:
            return {"path": str(self.path), "valid": False, "problem": self.problem}
        return {"path": str(self.path)} | report_document(self.report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What to hold every file against, and where its pictures go."""

    validator: PrintFileValidator
    processes: tuple[str, ...]
    expected_box_mm: tuple[float, float, float] | None
    previews: Path | None

    def __call__(self, path: Path) -> Inspected:
        """Return the report about the file at ``path``."""
        if problem := _problem(path):
            return Inspected(path=path, problem=problem)
        request = ValidationRequest(
            file_name=path.name, processes=self.processes, name=path.stem, expected_box_mm=self.expected_box_mm
        )
        with TemporaryDirectory(prefix="fabroute-inspect-") as folder:
            outcome = self.validator(path, request=request, workspace=Path(folder))
            for preview in (outcome.preview_png, outcome.preview_glb):
                if self.previews is not None and preview is not None:
                    name = f"{path.stem}-{outcome.report.source_sha256[:8]}{preview.suffix}"
                    shutil.copyfile(preview, self.previews / name)
        return Inspected(path=path, report=outcome.report)


def inspect(
    files: Annotated[list[Path], typer.Argument(help="3MF and STL files, or folders with such files.")],
    process: Annotated[
        list[str] | None, typer.Option(help="Hold it to this process's limits, e.g. MJF; as often as you like.")
    ] = None,
    part_box: Annotated[
        str | None, typer.Option(help="The part's size in mm, e.g. 10x20x30: finds files in metres or inches.")
    ] = None,
    preview: Annotated[Path | None, typer.Option(help="Write pictures (PNG) and 3D previews (GLB) there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> None:
    """Tell what is in print files and what to mend. Exit 0: all valid; 1: some are not; 2: some could not be read."""
    expected_box_mm, processes = _box(part_box), _processes(process or ())
    if preview is not None:
        _make_folder(preview)
    with LimitedValidator() as validator:
        inspection = Inspection(
            validator=validator,
            processes=processes,
            expected_box_mm=expected_box_mm,
            previews=preview,
        )
        inspected = _inspect_all(list(_paths(files)), inspection=inspection, quiet=as_json)
    if as_json:
        typer.echo(json.dumps([it.document() for it in inspected], indent=2))
    elif len(inspected) > 1:
        stdout.print(summary_table([(it.path, it.report) for it in inspected]))
    raise typer.Exit(exit_code(inspected))


def exit_code(inspected: Sequence[Inspected]) -> int:
    """Return 2 if a path could not be read or there was none, 1 if a file is not valid, else 0."""
    if not inspected or any(it.report is None for it in inspected):
        return NOT_READ
    return 0 if all(it.report is not None and it.report.valid for it in inspected) else NOT_VALID


def _inspect_all(paths: Sequence[Path], *, inspection: Inspection, quiet: bool) -> list[Inspected]:
    inspected = []
    with counted_progress() as step, ThreadPoolExecutor(min(MOST_AT_ONCE, os.cpu_count() or 1)) as pool:
        for done, it in enumerate(pool.map(inspection, paths), start=1):
            inspected.append(it)
            if it.report is None:
                complain(f"{it.path}: {it.problem}")
            elif not quiet:
                stdout.print(file_report(it.path, it.report), soft_wrap=False)
            if len(paths) > 1:
                step("inspecting", done, len(paths))
    return inspected


def _paths(given: Sequence[Path]) -> Iterator[Path]:
    """Yield the files, those of folders in order of their names."""
    for path in given:
        if not path.is_dir():
            yield path
            continue
        found = sorted(it for it in path.rglob("*") if it.suffix.lower() in ENDINGS and it.is_file())
        yield from found
        if not found:
            complain(f"{path}: the folder holds no 3MF or STL file")


def _make_folder(folder: Path) -> None:
    """Make the folder for previews, if need be; end with one line and exit code 2 if nothing can be written there."""
    reason = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        reason = "it is no folder"
    except OSError as error:
        reason = str(error.strerror)
    if not reason and not os.access(folder, os.W_OK | os.X_OK):
        reason = "you may not write there"
    if reason:
        complain(f"can't write previews to {folder}: {reason}")
        raise typer.Exit(NOT_READ)


def _problem(path: Path) -> str:
    """Return why the file can't be read, empty if it can."""
    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "it is no file"
    return "" if os.access(path, os.R_OK) else "you may not read it"


def _processes(names: Sequence[str]) -> tuple[str, ...]:
    processes = tuple(name.strip().upper() for name in names)
    if unknown := [name for name, process in zip(names, processes, strict=True) if process not in LIMITS]:
        raise typer.BadParameter(
            f"{', '.join(map(repr, unknown))} is no process that fabroute knows: {', '.join(LIMITS)}",
            param_hint="--process",
        )
    return processes


def _box(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    if (match := _BOX.fullmatch(text.strip())) is None:
        raise typer.BadParameter("give three lengths in mm, e.g. 10x20x30", param_hint="--part-box")
    x, y, z = map(float, match.groups())
    return x, y, z
