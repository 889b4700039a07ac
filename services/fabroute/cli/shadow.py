"""``fabroute shadow``: what another policy or network had made of a past time."""

import time
from pathlib import Path
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.follow import NothingMoves
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout
from fabroute.cli.policies import instant_text, read_policy
from fabroute.cli.progress import Step, counted_progress
from fabroute.cli.shadow_story import node_table, shadow_sentence, shadow_table

_PATH = "/v1/shadow-runs"
_POLL_SECONDS = 0.3
_STALL_SECONDS = 120.0
_OVER = ("done", "failed")


def shadow(
    since: Annotated[str, typer.Option(help="From here on: a day (2026-11-01) or an instant with its offset.")],
    key: Key,
    until: Annotated[str | None, typer.Option(help="Up to here; now if left out.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy to suppose, a JSON file.")] = None,
    policy_version: Annotated[int | None, typer.Option(min=1, help="Or a version that was stated.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Whose policy it is; for the operator.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="A node to leave out; many times; operator only.")] = None,
    capacity: Annotated[
        list[str] | None, typer.Option(help="NODE=FACTOR of its machines' free time; many times; for the operator.")
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Decide a past time again as supposed, without doing anything, and compare cost, lateness, CO2e and shares."""
    body: dict[str, Json] = {"since": instant_text(since)}
    named: dict[str, Json] = {
        "until": instant_text(until),
        "policy": None if policy is None else read_policy(policy),
        "policy_version": policy_version,
        "organisation_id": organisation,
        "network": _network(without or [], capacity or []),
    }
    body |= {name: value for name, value in named.items() if value is not None}
    with ApiClient(url=url, key=key) as client:
        asked = client.post(_PATH, body)
        with counted_progress() as step:
            done = wait_for_shadow_run(client, path=f"{_PATH}/{asked['id']}", step=step)
    _show(done, as_json=as_json)
    if done["state"] == "failed":
        raise typer.Exit(1)


def wait_for_shadow_run(client: ApiClient, *, path: str, step: Step) -> JsonObject:
    """Return a shadow run once it is over, telling ``step`` how far it is; ``NothingMoves`` after two still minutes."""
    last, since = -1, time.monotonic()
    while True:
        found = client.get(path)
        done, total = int(str(found["runs_done"])), int(str(found["runs_total"]))
        step("runs decided again", done, total)
        if found["state"] in _OVER:
            return found
        if done != last:
            last, since = done, time.monotonic()
        if time.monotonic() - since > _STALL_SECONDS:
            raise NothingMoves(
                f"{total - done} of {total} runs are left and nothing moves: is a worker running (fabroute work)? "
                f"What is done is safe: GET {path} tells how far it is"
            )
        time.sleep(_POLL_SECONDS)


def _network(without: list[str], capacity: list[str]) -> JsonObject | None:
    if not (without or capacity):
        return None
    factors: dict[str, Json] = {}
    for text in capacity:
        node_id, equals, factor = text.partition("=")
        if not equals or not _is_number(factor):
            raise typer.BadParameter(f"{text!r}: write NODE=FACTOR, e.g. N101=0.5", param_hint="--capacity")
        factors[node_id.strip()] = float(factor)
    return {"without_nodes": [*without], "capacity_factor": factors}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _show(done: JsonObject, *, as_json: bool) -> None:
    if as_json:
        stdout.print(as_json_text(done), markup=False)
        return
    if done["total"] is not None:
        stdout.print(shadow_table(done))
        stdout.print(node_table(done))
    stdout.print(shadow_sentence(done), markup=False)
