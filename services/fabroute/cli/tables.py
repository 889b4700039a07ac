"""Commands that bring tables in and out, and print files by the folder."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import typer

from fabroute.cli.client import ApiClient, ApiRefusal, JsonObject
from fabroute.cli.folder_files import KnownRevision, MatchedFile, UnmatchedFile, match_files, print_files_in
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, Key, Url
from fabroute.cli.output import note, stdout
from fabroute.cli.part_story import validation_story
from fabroute.cli.parts import send_print_file, wait_for_validation
from fabroute.cli.progress import counted_progress
from fabroute.kernel.errors import DomainError

Kind = Literal[
    "parts",
    "revisions",
    "certificates",
    "carrier-tariffs",
    "duty-rules",
    "carbon-factors",
    "grid-intensities",
    "exchange-rates",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, and everything that is wrong.")]
TableFile = Annotated[Path, typer.Argument(help="CSV file with a header line, or JSON array of objects.")]

_MEDIA_TYPES = {".json": "application/json", ".csv": "text/csv", ".tsv": "text/csv", ".txt": "text/csv"}
_SENDERS = 2
_SHOWN_PROBLEMS = 50
_REFUSED = "import_refused"


class UnreadableFile(DomainError):
    """A file that was named can't be read."""

    code = "unreadable_file"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table as it goes to the API."""

    kind: Kind
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """What became of one print file."""

    file: Path
    state: str
    story: str = ""


def import_parts(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Add and change parts by a table: all of its rows, or none. The same table again changes nothing."""
    _import("parts", file, key=key, url=url, dry_run=dry_run)


def import_revisions(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Add draft revisions and change drafts by a table: all of its rows, or none."""
    _import("revisions", file, key=key, url=url, dry_run=dry_run)


def import_certificates(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Hand in certificates of nodes by a table: all of its rows, or none."""
    _import("certificates", file, key=key, url=url, dry_run=dry_run)


def import_carrier_tariffs(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Put in carriers' tariffs, a row for each weight band: all of its rows, or none. For the operator."""
    _import("carrier-tariffs", file, key=key, url=url, dry_run=dry_run)


def import_duty_rules(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Put in dated duty rules: all of its rows, or none. For the operator."""
    _import("duty-rules", file, key=key, url=url, dry_run=dry_run)


def import_carbon_factors(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Put in an edition of the carbon factors of transport: all of its rows, or none. For the operator."""
    _import("carbon-factors", file, key=key, url=url, dry_run=dry_run)


def import_grid_intensities(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Put in an edition of the carbon of national grids: all of its rows, or none. For the operator."""
    _import("grid-intensities", file, key=key, url=url, dry_run=dry_run)


def import_exchange_rates(file: TableFile, key: Key, dry_run: DryRun = False, url: Url = DEFAULT_URL) -> None:
    """Put in what a euro buys of other currencies: all of its rows, or none. For the operator."""
    _import("exchange-rates", file, key=key, url=url, dry_run=dry_run)


def import_files(
    folder: Annotated[Path, typer.Argument(help="Folder with .3mf and .stl files; those in it are searched, too.")],
    key: Key,
    dry_run: DryRun = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Send the 3MF and STL files of a folder to the drafts that their names say, and report every validation.

    PART.3mf is for a part's only draft, PART_REVISION.3mf names it; / in part numbers is written ~. Sending a folder
    again is safe. Exit code 1 if a file was refused or belongs to no draft.
    """
    with ApiClient(url=url, key=key) as client:
        files, parts = _files_in(folder), list(client.pages("/v1/parts"))
        part_nos = [str(part["part_no"]) for part in parts]
        matched, left_out = match_files(files, _revisions(parts), part_nos=part_nos)
        for item in left_out:
            stdout.print(f"{item.file}: left out: {item.reason}", markup=False)
        if dry_run:
            for match in matched:
                stdout.print(f"{match.file}: for {match.revision.part_no} {match.revision.revision}", markup=False)
            sent: list[SentFile] = []
        else:
            sent = _send_all(client, matched)
    _report_files(matched, sent, left_out)


def export(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    key: Key,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; standard output else.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of CSV, whatever the file is called.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a table that an import takes back as it is; a file called .json gets JSON."""
    named_json = output is not None and output.suffix.lower() == ".json"
    _export(kind, key=key, url=url, output=output, format="json" if as_json or named_json else "csv")


def _import(kind: Kind, file: Path, *, key: str, url: str, dry_run: bool) -> None:
    table = _Table(kind=kind, content=_content(file), media_type=_MEDIA_TYPES.get(file.suffix.lower(), "text/csv"))
    with ApiClient(url=url, key=key) as client:
        done = _done(client, table, dry_run=dry_run)
    problems = _objects(done["problems"])
    _show_problems(problems)
    for warning in cast("list[str]", done.get("warnings") or []):
        stdout.print(f"  warning: {warning}", markup=False)
    stdout.print(f"{file.name}: {_import_summary(done, dry_run=dry_run)}", markup=False)
    if problems:
        raise typer.Exit(1)


def _done(client: ApiClient, table: _Table, *, dry_run: bool) -> JsonObject:
    """Return what became of a table; of one that is refused, what a dry run tells."""
    try:
        return _sent(client, table, dry_run=dry_run)
    except ApiRefusal as refusal:
        if refusal.code != _REFUSED:
            raise
        told = _sent(client, table, dry_run=True)
        if not told["problems"]:
            raise
        return told


def _sent(client: ApiClient, table: _Table, *, dry_run: bool) -> JsonObject:
    return client.send(
        "POST",
        f"/v1/imports/{table.kind}",
        content=table.content,
        media_type=table.media_type,
        dry_run="true" if dry_run else None,
    )


def _show_problems(problems: Sequence[JsonObject]) -> None:
    for problem in problems[:_SHOWN_PROBLEMS]:
        stdout.print(_problem_line(problem), markup=False)
    if len(problems) > _SHOWN_PROBLEMS:
        stdout.print(f"… and {len(problems) - _SHOWN_PROBLEMS} more problems")


def _import_summary(done: JsonObject, *, dry_run: bool) -> str:
    problems = len(_objects(done["problems"]))
    if problems:
        verb = "nothing would be imported" if dry_run else "nothing was imported"
        return f"{problems} problem{'s' * (problems > 1)}: {verb}"
    would = "would be " if dry_run else ""
    counts = ", ".join(f"{done[outcome]} {outcome}" for outcome in ("created", "changed", "unchanged"))
    return f"{done['rows']} rows: {would}{counts}; 0 problems"


def _problem_line(problem: JsonObject) -> str:
    place = f"line {problem['line']}" if problem.get("line") else f"row {problem['row']}"
    field = f", {problem['field']}" if problem.get("field") else ""
    return f"  {place}{field}: {problem['message']} ({problem['code']})"


def _export(kind: str, *, key: str, url: str, output: Path | None, format: str) -> None:
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is no table: use one of {', '.join(KINDS)}", param_hint="KIND")
    with ApiClient(url=url, key=key) as client:
        table = client.text(f"/v1/exports/{kind}", format=format)
    if output is None:
        typer.echo(table, nl=False)
        return
    output.write_text(table, encoding="utf8", newline="")
    note(f"{kind} written to {output}")


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"can't read {file}: {error.strerror}") from error


def _files_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UnreadableFile(f"{folder} is no folder: name the folder that holds the 3MF and STL files")
    return print_files_in(folder)


def _revisions(parts: Sequence[JsonObject]) -> list[KnownRevision]:
    return [
        KnownRevision(
            part_no=str(part["part_no"]),
            revision=str(revision["revision"]),
            revision_id=str(revision["id"]),
            state=str(revision["state"]),
        )
        for part in parts
        for revision in _objects(part["revisions"])
    ]


def _send_all(client: ApiClient, matched: Sequence[MatchedFile]) -> list[SentFile]:
    with counted_progress() as step, ThreadPoolExecutor(max_workers=_SENDERS) as senders:
        sent = []
        for done, result in enumerate(senders.map(lambda match: _send(client, match), matched), start=1):
            step("print files validated", done, len(matched))
            sent.append(result)
    return sent


def _send(client: ApiClient, match: MatchedFile) -> SentFile:
    """Send one file and wait for its report; what the API refuses is told of this file, and the others go on."""
    revision_id = match.revision.revision_id
    try:
        send_print_file(client, revision_id=revision_id, file=match.file)
        report = wait_for_validation(client, revision_id=revision_id)
    except (ApiRefusal, OSError) as error:
        return SentFile(file=match.file, state="refused", story=f"{match.file.name}: {error}")
    return SentFile(file=match.file, state=str(report["state"]), story=validation_story(match.file.name, report))


def _report_files(matched: Sequence[MatchedFile], sent: Sequence[SentFile], left_out: Sequence[UnmatchedFile]) -> None:
    for item in sent:
        if item.state != "valid":
            stdout.print(item.story, markup=False)
    states = ", ".join(f"{count} {state}" for state, count in Counter(item.state for item in sent).items())
    stdout.print(f"{len(matched)} files for drafts{': ' + states if states else ''}; {len(left_out)} left out")
    if left_out or any(item.state != "valid" for item in sent):
        raise typer.Exit(1)


def _objects(value: Json) -> list[JsonObject]:
    return cast("list[JsonObject]", value) if isinstance(value, list) else []
