"""``fabroute builds``: what a node could make at one go, and the builds that it opens, starts and closes."""

from datetime import datetime
from typing import Annotated

import typer

from fabroute.cli.build_story import build_sentence, builds_table, plan_table, shares_table
from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now

builds = typer.Typer(help="Plan, open, start and close builds of a node.", no_args_is_help=True, add_completion=False)

Node = Annotated[str, typer.Argument(help="The node's id.")]
BuildName = Annotated[str, typer.Argument(help="The build's id, bld_….")]


class NotAPart(DomainError):
    """What was given is no job with a number of parts."""

    code = "not_a_part"
    status = 422


class NoProposal(DomainError):
    """The plan has no build of this number."""

    code = "no_proposal"
    status = 404


@builds.command("list")
def list_(
    node: Node,
    key: Key,
    state: Annotated[str | None, typer.Option(help="Only planned, running, closed or cancelled.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the builds of a node, oldest first."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages(f"/v1/nodes/{node}/builds", state=state))
    if as_json:
        data: list[Json] = [*found]
        stdout.print(as_json_text({"data": data}), markup=False)
    elif found:
        stdout.print(builds_table(found))
    else:
        stdout.print("no builds yet: fabroute builds plan proposes some")


@builds.command()
def plan(node: Node, key: Key, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Propose builds of what is left of a node's accepted jobs, those due first in front."""
    with ApiClient(url=url, key=key) as client:
        found = client.get(f"/v1/nodes/{node}/build-plan")
    if as_json:
        stdout.print(as_json_text(found), markup=False)
        return
    proposals = _objects(found["builds"])
    stdout.print(plan_table(proposals) if proposals else "nothing is left to be built")
    for job in _objects(found["unplaced"]):
        stdout.print(f"{job['job_id']}: {job['reason']}", markup=False)


@builds.command("open")
def open_(
    node: Node,
    key: Key,
    number: Annotated[int, typer.Option(min=1, help="Which build of the plan: 1 for the first.")] = 1,
    part: Annotated[list[str] | None, typer.Option(help="In its place: a job and how many parts, job_…=12.")] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Open a build: one of the plan, or of the jobs that you name."""
    with ApiClient(url=url, key=key) as client:
        jobs = parts_of(part) if part else _proposed(client, node, number)
        body: dict[str, Json] = {"jobs": jobs}
        _show(client.post(f"/v1/nodes/{node}/builds", body), as_json)


@builds.command()
def start(build: BuildName, key: Key, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Say that a build runs from now on."""
    with ApiClient(url=url, key=key) as client:
        _show(client.post(f"/v1/builds/{build}/start", {}), as_json)


@builds.command()
def close(
    build: BuildName,
    key: Key,
    minutes: Annotated[int, typer.Option(min=1, help="Of the machine, from the start of the set-up until it is free.")],
    grams: Annotated[int, typer.Option(min=0, help="That left the lot.")],
    finished_at: Annotated[
        datetime | None, typer.Option(help="When the machine was free again, in UTC; else now.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Close a build with what it really took, and tell who bears what of its cost."""
    ended = utc_now().isoformat() if finished_at is None else f"{finished_at.isoformat()}+00:00"
    body: dict[str, Json] = {"finished_at": ended, "machine_minutes": minutes, "grams_used": grams}
    with ApiClient(url=url, key=key) as client:
        _show(client.post(f"/v1/builds/{build}/closing", body), as_json)


def parts_of(words: list[str]) -> list[Json]:
    """Return the jobs of a build from words such as ``job_1=12``. Raises ``NotAPart``."""
    found: list[Json] = []
    for word in words:
        job_id, _, parts = word.partition("=")
        if not job_id or not parts.isascii() or not parts.isdecimal():
            raise NotAPart(f"{word!r} is no job with a number of parts: write it as job_…=12")
        found.append({"job_id": job_id, "parts": int(parts)})
    return found


def _proposed(client: ApiClient, node: str, number: int) -> list[Json]:
    proposals = _objects(client.get(f"/v1/nodes/{node}/build-plan")["builds"])
    if number > len(proposals):
        raise NoProposal(f"the plan of {node} has {len(proposals)} builds, not {number}: fabroute builds plan {node}")
    return [{"job_id": job["job_id"], "parts": job["parts"]} for job in _objects(proposals[number - 1]["jobs"])]


def _show(build: JsonObject, as_json: bool) -> None:
    if as_json:
        stdout.print(as_json_text(build), markup=False)
        return
    stdout.print(build_sentence(build), markup=False)
    stdout.print(shares_table(build))


def _objects(value: Json) -> list[JsonObject]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []
