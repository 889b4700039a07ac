"""Commands on the digital inventory: find parts, send their files, approve, release and withdraw them."""

import time
from pathlib import Path
from typing import Annotated, NoReturn, cast

import typer
from rich.table import Table

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.folder_files import SUFFIXES
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout
from fabroute.cli.part_story import part_story, validation_story
from fabroute.kernel.errors import DomainError

parts = typer.Typer(help="Find parts, send print files, approve, release and withdraw them.", no_args_is_help=True)

PartNo = Annotated[str, typer.Argument(help="Part number, old or new.")]
RevisionName = Annotated[str | None, typer.Option(help="Name of the revision, e.g. B; needed if several fit.")]
Reason = Annotated[str, typer.Option(help="Why; it stands on the audit log.", prompt=True)]

_POLL_SECONDS = 0.3
_PATIENCE_SECONDS = 180.0
_WAITING = ("queued", "validating")


class RevisionUnclear(DomainError):
    """A part has no revision that fits, or more than one."""

    code = "revision_unclear"
    status = 422


class StillValidating(DomainError):
    """A file is in the queue and nobody seems to validate it."""

    code = "still_validating"
    status = 503


@parts.command()
def find(
    key: Key,
    words: Annotated[str | None, typer.Argument(help="Piece of a part number, an old number, or a name.")] = None,
    asset: Annotated[str | None, typer.Option(help="Where it is installed, e.g. 'pump P-17'.")] = None,
    position: Annotated[str | None, typer.Option(help="Position in the asset, e.g. 4.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    url: Url = DEFAULT_URL,
) -> None:
    """List the parts that fit, with what can be ordered of them."""
    with ApiClient(url=url, key=key) as client:
        pages = client.pages("/v1/parts", q=words, asset=asset, position=position)
        found = [part for part, _ in zip(pages, range(limit), strict=False)]
    stdout.print(_table(found) if found else "no part fits: try fewer words, or fabroute part find without any")


@parts.command()
def show(part: PartNo, key: Key, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Show a part: revisions, files with hashes and measures, requirements, who approved and released it."""
    with ApiClient(url=url, key=key) as client:
        found = client.get(f"/v1/parts/{part}")
    stdout.print(as_json_text(found) if as_json else part_story(found), markup=False)


@parts.command()
def upload(
    part: PartNo,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A .3mf or .stl file.")],
    key: Key,
    revision: RevisionName = None,
    wait: Annotated[bool, typer.Option(help="Wait for the validation's report.")] = True,
    url: Url = DEFAULT_URL,
) -> None:
    """Send the print file of a draft, wait for its validation, and say what to mend; exit code 1 if it is refused."""
    with ApiClient(url=url, key=key) as client:
        chosen = choose_revision(client.get(f"/v1/parts/{part}"), revision, states=("draft", "validated"))
        submission = send_print_file(client, revision_id=str(chosen["id"]), file=file)
        if not wait:
            stdout.print(f"{file.name}: {submission['state']}; fabroute part report {part} shows the outcome")
            return
        report = wait_for_validation(client, revision_id=str(chosen["id"]))
    stdout.print(validation_story(file.name, report), markup=False)
    if report["state"] != "valid":
        raise typer.Exit(1)


@parts.command()
def report(
    part: PartNo, key: Key, revision: RevisionName = None, url: Url = DEFAULT_URL, as_json: AsJson = False
) -> None:
    """Show what the validation of a revision's print file found."""
    with ApiClient(url=url, key=key) as client:
        chosen = choose_revision(client.get(f"/v1/parts/{part}"), revision)
        found = client.get(f"/v1/revisions/{chosen['id']}/validation")
    stdout.print(
        as_json_text(found) if as_json else validation_story(f"{part} {chosen['revision']}", found), markup=False
    )


@parts.command()
def approve(part: PartNo, key: Key, reason: Reason, revision: RevisionName = None, url: Url = DEFAULT_URL) -> None:
    """Approve the validated print file of a revision, so that it may be released."""
    _move(part, revision, key=key, url=url, verb="approval", states=("validated",), reason=reason)


@parts.command()
def release(part: PartNo, key: Key, reason: Reason, revision: RevisionName = None, url: Url = DEFAULT_URL) -> None:
    """Release an approved revision: it is signed, can be ordered, and takes the place of the one before."""
    _move(part, revision, key=key, url=url, verb="release", states=("validated",), reason=reason)


@parts.command()
def withdraw(part: PartNo, key: Key, reason: Reason, revision: RevisionName = None, url: Url = DEFAULT_URL) -> None:
    """Take the revision that --revision names out of use for good; its open jobs are held."""
    if revision is None:
        _refuse_unnamed(part, key=key, url=url)
    _move(part, revision, key=key, url=url, verb="withdrawal", states=None, reason=reason)


def choose_revision(part: JsonObject, name: str | None, *, states: tuple[str, ...] | None = None) -> JsonObject:
    """Return the revision called ``name``, or the only one in one of ``states`` (else the released one).

    Raises ``RevisionUnclear``, which names those there are.
    """
    revisions = cast("list[JsonObject]", part["revisions"])
    named = [revision for revision in revisions if revision["revision"] == name]
    fitting = named if name else [revision for revision in revisions if states and revision["state"] in states]
    if not name and not states:
        fitting = [revision for revision in revisions if revision["state"] == "released"] or revisions[-1:]
    if len(fitting) == 1:
        return fitting[0]
    raise _unclear(part, name, states, several=bool(fitting))


def _unclear(part: JsonObject, name: str | None, states: tuple[str, ...] | None, *, several: bool) -> RevisionUnclear:
    revisions = cast("list[JsonObject]", part["revisions"])
    if not revisions:
        return RevisionUnclear(f"{part['part_no']} has no revision: add one first (fabroute import revisions)")
    there = _revisions_there(revisions)
    wanted = f"a revision {name}" if name else f"one that is {' or '.join(states or ())}"
    advice = "name one with --revision" if several else f"{wanted} is not there; add it first"
    return RevisionUnclear(f"{part['part_no']} has the revisions {there}: {advice}")


def send_print_file(client: ApiClient, *, revision_id: str, file: Path) -> JsonObject:
    """Upload a file and return the submission; sending the same file again is safe."""
    media_type = SUFFIXES.get(file.suffix.lower(), "application/octet-stream")
    return client.send_file(f"/v1/revisions/{revision_id}/print-file", file=file, media_type=media_type, name=file.name)


def wait_for_validation(client: ApiClient, *, revision_id: str) -> JsonObject:
    """Return the validation once it is over; ``StillValidating`` after three minutes."""
    started = time.monotonic()
    while time.monotonic() - started < _PATIENCE_SECONDS:
        found = client.get(f"/v1/revisions/{revision_id}/validation")
        if found["state"] not in _WAITING:
            return found
        time.sleep(_POLL_SECONDS)
    raise StillValidating(
        "the file is safe but not validated yet: is a worker running (fabroute work)? It goes on as soon as one does"
    )


def _move(
    part: str, revision: str | None, *, key: str, url: str, verb: str, states: tuple[str, ...] | None, reason: str
) -> None:
    body: dict[str, Json] = {"reason": reason}
    with ApiClient(url=url, key=key) as client:
        chosen = choose_revision(client.get(f"/v1/parts/{part}"), revision, states=states)
        moved = client.post(f"/v1/revisions/{chosen['id']}/{verb}", body)
    stdout.print(f"{part} {chosen['revision']}: {moved['state']}", markup=False)


def _refuse_unnamed(part: str, *, key: str, url: str) -> NoReturn:
    """Raise ``RevisionUnclear``: what can't be undone is never done to a revision that nobody named."""
    with ApiClient(url=url, key=key) as client:
        found = client.get(f"/v1/parts/{part}")
    if not found["revisions"]:
        raise _unclear(found, None, None, several=False)
    there = _revisions_there(cast("list[JsonObject]", found["revisions"]))
    raise RevisionUnclear(
        f"{found['part_no']} has the revisions {there}: a withdrawal is for good, so name one with --revision"
    )


def _revisions_there(revisions: list[JsonObject]) -> str:
    return ", ".join(f"{revision['revision']} ({revision['state']})" for revision in revisions)


def _table(found: list[JsonObject]) -> Table:
    table = Table("part", "name", "released", "other revisions", box=None, pad_edge=False)
    for part in found:
        revisions = cast("list[JsonObject]", part["revisions"])
        others = [
            f"{revision['revision']} {revision['state']}" for revision in revisions if revision["state"] != "released"
        ]
        table.add_row(str(part["part_no"]), str(part["name"]), str(part["released_revision"] or "–"), ", ".join(others))
    return table
