"""``fabroute policy``: how your lines are routed, and what that costs."""

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout
from fabroute.cli.policy_story import costs_story, policy_story
from fabroute.cli.tables import UnreadableFile

_PATH = "/v1/routing-policies"

policies = typer.Typer(
    help="Show, state and price how your lines are routed.", no_args_is_help=True, add_completion=False
)

PolicyFile = Annotated[Path, typer.Argument(help="JSON as POST /v1/routing-policies takes it.")]
Since = Annotated[str | None, typer.Option(help="From here on: a day (2026-11-01) or an instant with its offset.")]
Until = Annotated[str | None, typer.Option(help="Up to here; now if left out.")]


@policies.command()
def show(
    key: Key,
    versions: Annotated[bool, typer.Option("--versions", help="All versions, the newest first.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Show the policy that holds, or all its versions."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages(_PATH)) if versions else _newest(client)
    if as_json:
        stdout.print(as_json_text({"data": [*found]}), markup=False)
    elif found:
        stdout.print("\n\n".join(policy_story(policy) for policy in found), markup=False)
    else:
        stdout.print("no policy is stated: lines are routed the usual way")


@policies.command("set")
def set_policy(file: PolicyFile, key: Key, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """State a policy from a file: it holds for whatever is decided from now on."""
    with ApiClient(url=url, key=key) as client:
        stated = client.post(_PATH, read_policy(file))
    stdout.print(as_json_text(stated) if as_json else policy_story(stated), markup=False)


@policies.command()
def costs(key: Key, since: Since = None, until: Until = None, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Tell what each rule of the policy cost; over the last seven days, if no time is named."""
    with ApiClient(url=url, key=key) as client:
        found = client.get(f"{_PATH}/costs", since=instant_text(since), until=instant_text(until))
    stdout.print(as_json_text(found) if as_json else costs_story(found), markup=False)


def read_policy(file: Path) -> JsonObject:
    """Return the policy in a file; ``UnreadableFile`` where there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf8"))
    except OSError as error:
        raise UnreadableFile(f"can't read {file}: {error.strerror}") from error
    except ValueError as error:
        raise UnreadableFile(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UnreadableFile(f'{file} holds no JSON object: write a policy such as {{"caps": [{{"share": 0.4}}]}}')
    return found


def instant_text(text: str | None) -> str | None:
    """Return an instant as the API takes it; a day is its first instant in UTC."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return datetime.combine(day, time(), tzinfo=UTC).isoformat()


def _newest(client: ApiClient) -> list[JsonObject]:
    found = client.get(_PATH, limit=1)["data"]
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
