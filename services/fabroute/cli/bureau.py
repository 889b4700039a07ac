"""``fabroute bureau``: a bureau's connector: jobs come into a folder, results go out of it."""

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from fabroute.bureau.connector import Connector, open_bench, records_in
from fabroute.bureau.disk import write_whole
from fabroute.bureau.packets import EVIDENCE_FOLDER
from fabroute.bureau.records import OPEN_STAGES, JobRecord
from fabroute.bureau.settings import BureauMisconfigured, load_settings
from fabroute.cli.mapping import Json
from fabroute.cli.orders import AsJson, as_json_text
from fabroute.cli.output import note, stderr, stdout
from fabroute.kernel.errors import DomainError

bureau = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Folder = Annotated[
    Path, typer.Option(envvar="FABROUTE_BUREAU_FOLDER", help="Where packets are laid, and results are found.")
]
_RESULTS = ("started", "printed", "inspected", "shipped", "failed", "cancellation")


class NoSuchJob(DomainError):
    """No packet of that job lies in the folder."""

    code = "no_such_job"
    status = 404


@bureau.command()
def run(
    url: Annotated[str | None, typer.Option(help="Of fabroute (FABROUTE_URL).")] = None,
    key: Annotated[str | None, typer.Option(help="API key of your node (FABROUTE_API_KEY).")] = None,
    node: Annotated[str | None, typer.Option(help="Your node's id (FABROUTE_NODE).")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where packets are laid (FABROUTE_BUREAU_FOLDER).")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with all of this.")] = None,
    material: Annotated[list[str] | None, typer.Option(help="Accept only this material; many times.")] = None,
    machine: Annotated[list[str] | None, typer.Option(help="Accept only jobs of this machine; many times.")] = None,
    max_open: Annotated[int | None, typer.Option(help="Claim no more while so many jobs are open.")] = None,
    script: Annotated[str | None, typer.Option(help="Start this with each packet's folder.")] = None,
    cancellations: Annotated[str | None, typer.Option(help="ask, or agree_unstarted.")] = None,
    offline_hours: Annotated[int | None, typer.Option(help="Hold accepted jobs without heartbeats so long.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Do what can be done now, and end.")] = False,
) -> None:
    """Claim jobs, check their files, lay packets into the folder, and report what comes back, until stopped.

    It may be killed at any time and started again: nothing is lost, nothing counts twice. One process a folder.
    """
    flags = {
        **{"url": url, "key": key, "node": node, "folder": folder, "script": script, "max_open": max_open},
        **{"materials": material, "machines": machine, "cancellations": cancellations, "offline_hours": offline_hours},
    }
    settings = load_settings(flags=flags, environment=os.environ, config=config)
    with open_bench(settings, say=_say) as bench:
        connector = Connector(bench)
        if once:
            connector.run_once()
            return
        _say(f"{settings.node} at {settings.url}: jobs come into {settings.folder}")
        stop = threading.Event()
        try:
            connector.run(stop)
        except KeyboardInterrupt:
            _say("stopped; what is not sent yet is kept, and goes on with the next start")


@bureau.command()
def status(
    folder: Folder,
    all_jobs: Annotated[bool, typer.Option("--all", help="Ended ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the jobs of a folder: what is done, what waits to be sent, what needs you."""
    records = [it for it in records_in(folder).all() if all_jobs or it.stage in OPEN_STAGES]
    if as_json:
        stdout.print(as_json_text({"jobs": [_facts(record) for record in records]}), markup=False)
        return
    table = Table("job", "stage", "part", "make by", "to send", "needs you", pad_edge=False, header_style="bold")
    for record in records:
        facts = _facts(record)
        table.add_row(*(str(facts[name]) for name in ("job", "progress", "part", "produce_by", "to_send", "trouble")))
    stdout.print(table if records else "no jobs", markup=False)


@bureau.command()
def report(
    folder: Folder,
    job: Annotated[str, typer.Argument(help="The job's id.")],
    what: Annotated[str, typer.Argument(help=f"One of {', '.join(_RESULTS)}.")],
    result: Annotated[str | None, typer.Option(help="Of a print: good or failed.")] = None,
    serial: Annotated[str | None, typer.Option(help="Of the part made.")] = None,
    text: Annotated[str | None, typer.Option("--note", help="What there is to say.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="A photo, a measurement or a report.")] = None,
    data: Annotated[str | None, typer.Option(help="More, as a JSON object.")] = None,
) -> None:
    """Leave a result in a job's folder; the connector reports it, now or once it runs and is online again."""
    packet = folder / "jobs" / job
    if not re.fullmatch(r"[\w-]+", job) or not packet.is_dir():
        raise NoSuchJob(f"no packet of {job} lies in {folder}: fabroute bureau status shows what does")
    if what not in _RESULTS:
        raise BureauMisconfigured(f"{what} is no result: use one of {', '.join(_RESULTS)}")
    told = _object(data) | {"result": result, "serial": serial, "note": text}
    if evidence is not None:
        _leave_evidence(packet, evidence)
        told["evidence"] = evidence.name
    content = json.dumps({name: value for name, value in told.items() if value is not None})
    write_whole(packet / f"{what}-{time.time_ns()}.json", content.encode())
    note(f"{what} of {job} is left to be reported")


def _object(data: str | None) -> dict[str, object]:
    try:
        told = json.loads(data) if data else {}
    except ValueError as error:
        raise BureauMisconfigured(f"--data is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise BureauMisconfigured('--data is a JSON object, such as \'{"reason": "warped"}\'')
    return told


def _leave_evidence(packet: Path, file: Path) -> None:
    target = packet / EVIDENCE_FOLDER / file.name
    draft = target.with_name(f".{file.name}.draft")
    try:
        shutil.copyfile(file, draft)
    except OSError as error:
        raise BureauMisconfigured(f"can't read {file}: {error.strerror}") from error
    draft.replace(target)


def _facts(record: JobRecord) -> dict[str, Json]:
    job = record.job.get("job", {})
    return {
        "job": record.job_id,
        "stage": record.stage + (" (cancel asked)" if record.cancel_requested and not record.cancel_answered else ""),
        "progress": _progress(record),
        "part": f"{job.get('quantity', '')} × {job.get('part', '')}",
        "produce_by": job.get("produce_by", ""),
        "to_send": len(record.errands),
        "trouble": record.trouble,
    }


def _progress(record: JobRecord) -> str:
    """Return how far a job is, by what was left in its folder, and what is next."""
    asked = " (cancel asked)" if record.cancel_requested and not record.cancel_answered else ""
    if record.stage != "placed":
        return record.stage + asked
    quantity = int(record.job.get("job", {}).get("quantity") or 0)
    if record.shipments:
        said = f"{len(record.shipments)} shipped, more to ship"
    elif record.inspected:
        said = "inspected, ship next"
    elif record.printed:
        said = f"printed {record.printed} of {quantity}" + (", inspect next" if record.printed >= quantity else "")
    else:
        said = "started" if record.started else "placed, print next"
    return said + asked


def _say(line: str) -> None:
    stderr.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {line.replace('[', chr(92) + '[')}", soft_wrap=True)
