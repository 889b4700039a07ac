"""``fabroute screen``: which parts of a spare-part list are worth a digital twin."""

import os
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from fabroute.cli.client import ApiClient, ApiRefusal, JsonObject
from fabroute.cli.follow import NothingMoves
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import note, stdout
from fabroute.cli.progress import Step, counted_progress
from fabroute.cli.screening_story import ranking_table, screening_sentence
from fabroute.cli.tables import UnreadableFile
from fabroute.kernel.errors import DomainError

_PATH = "/v1/advice/screenings"
_POLL_SECONDS = 0.3
_STALL_SECONDS = 120.0
_REFUSED = "import_refused"
_SHOWN_PROBLEMS = 50
_LISTS = ("process_materials",)


class UnwritableFile(DomainError):
    """The file for the result can't be written."""

    code = "unwritable_file"
    status = 422


def screen(
    file: Annotated[Path, typer.Argument(help="CSV file with a header line, or JSON array of objects.")],
    key: Key,
    name: Annotated[str | None, typer.Option(help="What to call it; the file's name by default.")] = None,
    term: Annotated[list[str] | None, typer.Option(help="An assumption, e.g. holding_cost=0.2; many times.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write all parts, ranked, to this CSV.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many worthwhile parts to show.")] = 30,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell which spare parts of a list are worth a digital twin, ranked by what each saves a year.

    Columns: part_no, and of name, demand (a year), demand_history (a|b|c) or demand_2026-01 …, unit_price, currency,
    moq, lead_days, tooling, stock, stockout_cost_per_day, box_x_mm, box_y_mm, box_z_mm, volume_cm3, mass_g,
    process_materials (PA12|LPBF:316L), required_certificates, tolerance_mm, printable what is known. Parts of your
    inventory bring their own facts. Terms and their defaults: see POST /v1/advice/screenings.
    """
    _require_writable(out)
    terms = [("name", file.stem if name is None else name), *_terms(term or ())]
    with ApiClient(url=url, key=key) as client:
        asked = _asked(client, file, terms)
        with counted_progress() as step:
            done = wait_for_screening(client, screening_id=str(asked["id"]), step=step)
        worth = client.pages(f"{_PATH}/{done['id']}/rows", verdict="digital_twin")
        shown = list(islice(worth, limit))
        if out is not None:
            out.write_text(client.text(f"{_PATH}/{done['id']}/result"), encoding="utf8", newline="")
    _show(done, shown, out=out, as_json=as_json)


def wait_for_screening(client: ApiClient, *, screening_id: str, step: Step) -> JsonObject:
    """Return a screening once it is done, telling ``step`` how far it is; ``NothingMoves`` after two still minutes."""
    last, since = -1, time.monotonic()
    while True:
        found = client.get(f"{_PATH}/{screening_id}")
        judged, rows = int(str(found["judged"])), int(str(found["rows"]))
        step("parts judged", judged, rows)
        if found["state"] == "done":
            return found
        if judged != last:
            last, since = judged, time.monotonic()
        if time.monotonic() - since > _STALL_SECONDS:
            raise NothingMoves(
                f"{rows - judged} of {rows} parts are not judged and nothing moves: is a worker running "
                f"(fabroute work)? The list is safe: GET {_PATH}/{screening_id} tells how far it is"
            )
        time.sleep(_POLL_SECONDS)


def _require_writable(out: Path | None) -> None:
    """Raise ``UnwritableFile`` before any work is done for a file that could not be written after it."""
    if out is None:
        return
    folder = out.parent
    if not folder.is_dir():
        raise UnwritableFile(f"can't write {out}: there is no folder {folder}")
    if out.is_dir():
        raise UnwritableFile(f"can't write {out}: it is a folder")
    if not os.access(out if out.exists() else folder, os.W_OK):
        raise UnwritableFile(f"can't write {out}: permission denied")


def _terms(stated: Sequence[str]) -> list[tuple[str, str]]:
    """Return terms as query parameters; several materials are written ``process_materials=PA12|LPBF``."""
    found: list[tuple[str, str]] = []
    for text in stated:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{text!r}: write name=value, e.g. holding_cost=0.2", param_hint="--term")
        values = value.split("|") if name.strip() in _LISTS else [value]
        found += [(name.strip(), item.strip()) for item in values]
    return found


def _asked(client: ApiClient, file: Path, terms: Sequence[tuple[str, str]]) -> JsonObject:
    media_type = "application/json" if file.suffix.lower() == ".json" else "text/csv"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"can't read {file}: {error.strerror}") from error
    try:
        return client.send("POST", f"{_PATH}?{urlencode(terms)}", content=content, media_type=media_type)
    except ApiRefusal as refusal:
        if refusal.code != _REFUSED:
            raise
        _show_problems(file, refusal)
        raise typer.Exit(1) from refusal


def _show_problems(file: Path, refusal: ApiRefusal) -> None:
    for problem in refusal.lines[:_SHOWN_PROBLEMS]:
        stdout.print(f"  {problem}", markup=False)
    more = len(refusal.lines) - _SHOWN_PROBLEMS
    if more > 0:
        stdout.print(f"… and {more} more problems")
    stdout.print(f"{file.name}: {len(refusal.lines)} problem(s): nothing was screened", markup=False)


def _show(done: JsonObject, shown: list[JsonObject], *, out: Path | None, as_json: bool) -> None:
    if as_json:
        stdout.print(as_json_text({"screening": done, "rows": [*shown]}), markup=False)
    else:
        if shown:
            stdout.print(ranking_table(shown))
        stdout.print(screening_sentence(done), markup=False)
    if out is not None:
        note(f"all parts, ranked: {out}")
