"""``fabroute readiness``: which of your parts could be made now, in thirty days, and with any one node gone."""

import time
from itertools import islice
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, ApiRefusal, JsonObject
from fabroute.cli.follow import NothingMoves
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import note, stdout
from fabroute.cli.readiness_story import entries_table, report_sentences, sources_table
from fabroute.kernel.errors import DomainError

EXIT_NO_ROUTE = 3
"""Something that is asked about has no route."""
_PATH = "/v1/readiness"
_NONE_YET = "no_readiness_report"
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 300.0
_SHORT = ("no_route", "ends_soon", "one_failure_away")
_SOURCES_SHOWN = 10


class NoSuchPart(DomainError):
    """No released part has the number that was asked for."""

    code = "no_such_part"
    status = 404


class ReportNotMade(DomainError):
    """The report that was asked for could not be made."""

    code = "report_not_made"
    status = 500


def readiness(
    key: Key,
    now: Annotated[bool, typer.Option("--now", help="Have a new report made; otherwise the last night's.")] = False,
    state: Annotated[str | None, typer.Option(help="Only no_route, ends_soon, one_failure_away or ready.")] = None,
    part: Annotated[str | None, typer.Option(help="Only this part number.")] = None,
    region: Annotated[str | None, typer.Option(help="Only europe, north_america, asia_pacific or rest.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many parts and regions to show.")] = 50,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Tell which parts could be made now, in 30 days and with any one node gone, and what would help most.

    Without --state and --part, parts that are ready are only counted. Exit code 3 if something shown has no route.
    """
    with ApiClient(url=url, key=key) as client:
        report = _report(client, afresh=now)
        entries = list(islice(_entries(client, state=state, part=part, region=region), limit))
        if part is not None and not entries:
            _require_part(client, part)
    if as_json:
        data: list[Json] = [*entries]
        stdout.print(as_json_text({"report": report, "data": data}), markup=False)
    else:
        _show(report, entries)
    if any(entry["state"] == "no_route" for entry in entries):
        raise typer.Exit(EXIT_NO_ROUTE)


def _show(report: JsonObject, entries: list[JsonObject]) -> None:
    for sentence in report_sentences(report):
        stdout.print(sentence, markup=False)
    if entries:
        stdout.print()
        stdout.print(entries_table(entries))
    sources = report["sources"]
    if isinstance(sources, list) and sources:
        stdout.print("\nwhat would add a second source, most parts first:", markup=False)
        stdout.print(sources_table([it for it in sources if isinstance(it, dict)][:_SOURCES_SHOWN]))


def _report(client: ApiClient, *, afresh: bool) -> JsonObject:
    """Return the latest report; a new one if there is none, or if it is asked for."""
    if not afresh:
        try:
            return _latest(client)
        except ApiRefusal as refusal:
            if refusal.code != _NONE_YET:
                raise
        note("no report was made yet: a worker makes one now")
    asked = client.post(_PATH)
    return wait_for_report(client, report_id=str(asked["id"]), seconds=_PATIENCE_SECONDS)


def wait_for_report(client: ApiClient, *, report_id: str, seconds: float) -> JsonObject:
    """Return the report once it is made; ``NothingMoves`` after ``seconds``, ``ReportNotMade`` if it failed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        report = _latest_if_any(client)
        if report is not None and str(report["id"]) >= report_id:
            return report
        if report is not None and report["failed_at"] and not report["asked"]:
            raise ReportNotMade("the report could not be made: the operator finds the reason in the worker's log")
        time.sleep(_POLL_SECONDS)
    raise NothingMoves(
        f"report {report_id} was asked for, and is not made: is a worker running (fabroute work)? "
        f"GET {_PATH} shows it once it is"
    )


def _require_part(client: ApiClient, part: str) -> None:
    """Raise ``NoSuchPart`` where the latest report has no entry at all of a part."""
    if not client.get(_PATH, part=part, limit=2)["data"]:
        raise NoSuchPart(f"no released part {part} in the latest report; fabroute readiness --now makes a new one")


def _latest(client: ApiClient) -> JsonObject:
    report = client.get(_PATH, limit=1)["report"]
    return report if isinstance(report, dict) else {}


def _latest_if_any(client: ApiClient) -> JsonObject | None:
    try:
        return _latest(client)
    except ApiRefusal as refusal:
        if refusal.code != _NONE_YET:
            raise
        return None


def _entries(client: ApiClient, *, state: str | None, part: str | None, region: str | None) -> list[JsonObject]:
    if state is not None or part is not None:
        return list(client.pages(_PATH, state=state, part=part, region=region))
    return [entry for short in _SHORT for entry in client.pages(_PATH, state=short, region=region)]
