"""``fabroute webhooks``: where you are told of events, what was delivered, and a receiver to try it."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import note, stdout
from fabroute.cli.webhook_receiver import event_line, make_receiver

webhooks = typer.Typer(
    help="Webhook endpoints: add, test, look at deliveries, send again, listen.",
    no_args_is_help=True,
    add_completion=False,
)

_PATH = "/v1/webhook-endpoints"
_WAIT_SECONDS = 25
Endpoint = Annotated[str, typer.Argument(help="The endpoint's id, whe_….")]
Types = Annotated[list[str] | None, typer.Option("--type", help="An event type, or job.* for all of a kind.")]


@webhooks.command("list")
def list_(key: Key, url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """List your endpoints, and how they do."""
    with ApiClient(url=url, key=key) as client:
        found = list(client.pages(_PATH))
    _print(found, as_json, ("id", "url", "types", "state", "pending", "failures_in_a_row", "last_success_at"))


@webhooks.command()
def add(
    target: Annotated[str, typer.Argument(help="Where you want to be told: https://…")],
    key: Key,
    types: Types = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    ed25519: Annotated[bool, typer.Option("--ed25519", help="Sign with a key pair, too.")] = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint. Its secret is printed once: keep it."""
    wanted: list[Json] = [*(types or ["*"])]
    body: JsonObject = {"url": target, "types": wanted, "description": description, "ed25519": ed25519}
    with ApiClient(url=url, key=key) as client:
        added = client.post(_PATH, body)
    if as_json:
        stdout.print(as_json_text(added), markup=False)
        return
    endpoint = added["endpoint"]
    stdout.print(f"endpoint {endpoint['id'] if isinstance(endpoint, dict) else ''}", markup=False)
    for secret in _objects(added["secrets"]):
        stdout.print(f"{secret['kind']}: {secret['secret'] or secret['public_key']}", markup=False)


@webhooks.command("test")
def press_test_button(endpoint: Endpoint, key: Key, url: Url = DEFAULT_URL) -> None:
    """Send a test event to an endpoint."""
    with ApiClient(url=url, key=key) as client:
        sent = client.post(f"{_PATH}/{endpoint}/test")
    stdout.print(f"{sent['event_id']} is on its way: fabroute webhooks deliveries {endpoint}", markup=False)


@webhooks.command()
def deliveries(
    endpoint: Endpoint,
    key: Key,
    state: Annotated[str | None, typer.Option(help="Only pending, delivered or given_up.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to show.")] = 20,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """List the deliveries to an endpoint, the newest first."""
    with ApiClient(url=url, key=key) as client:
        found = _objects(client.get(f"{_PATH}/{endpoint}/deliveries", state=state, limit=limit)["data"])
    _print(found, as_json, ("id", "type", "subject_id", "state", "attempt_count", "next_attempt_at", "reason"))


@webhooks.command()
def replay(
    name: Annotated[str, typer.Argument(help="A delivery, whd_…; with --since an endpoint, whe_….")],
    key: Key,
    since: Annotated[datetime | None, typer.Option(help="Send everything again since then (UTC).")] = None,
    types: Types = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Send an event again, or all since an instant, under the same ids."""
    with ApiClient(url=url, key=key) as client:
        if since is None:
            again = client.post(f"/v1/webhook-deliveries/{name}/replay")
            stdout.print(f"{again['event_id']} is on its way again: {again['id']}", markup=False)
            return
        wanted: list[Json] = [*(types or [])]
        made = client.post(f"{_PATH}/{name}/replays", {"since": f"{since.isoformat()}Z", "types": wanted})
    more = "" if made["is_whole"] else ", and there are more: ask again later"
    stdout.print(f"{made['deliveries']} events are on their way again{more}", markup=False)


@webhooks.command()
def listen(
    secret: Annotated[str, typer.Option(envvar="FABROUTE_WEBHOOK_SECRET", help="whsec_…, or whpk_… of a key pair.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of this machine.")] = 4400,
) -> None:
    """Receive webhooks on this machine, check their signatures and print them, until stopped.

    To be told here by an installation on this machine it needs FABROUTE_WEBHOOKS_TO_THIS_MACHINE=true, as the demo has.
    """
    server = make_receiver(port, secret=secret, tell=lambda line: stdout.print(line, markup=False))
    note(f"listening: fabroute webhooks add http://127.0.0.1:{server.server_port}/")
    try:
        server.serve_forever()
    finally:
        server.server_close()


@webhooks.command()
def follow(
    key: Key,
    types: Types = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest that is kept.")] = False,
    most: Annotated[int | None, typer.Option(min=1, help="Stop after so many.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Print your events as they come, without any endpoint: by the pull twin of webhooks, until stopped."""
    with ApiClient(url=url, key=key) as client:
        cursor = None if from_start else _end(client)
        printed = 0
        while most is None or printed < most:
            page = client.get("/v1/events", cursor=cursor, wait=_WAIT_SECONDS, limit=200)
            cursor = str(page["next_cursor"])
            for event in _objects(page["data"]):
                if _is_wanted(str(event["type"]), types):
                    stdout.print(event_line(event), markup=False)
                    printed += 1


def _end(client: ApiClient) -> str:
    cursor: str | None = None
    while True:
        page = client.get("/v1/events", cursor=cursor, limit=200)
        cursor = str(page["next_cursor"])
        if not page["has_more"]:
            return cursor


def _is_wanted(name: str, types: list[str] | None) -> bool:
    return not types or bool({"*", name, f"{name.partition('.')[0]}.*"} & set(types))


def _print(found: list[JsonObject], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        data: list[Json] = [*found]
        stdout.print(as_json_text({"data": data}), markup=False)
        return
    if not found:
        stdout.print("none yet")
        return
    table = Table(*(name.replace("_", " ") for name in columns), box=None)
    for row in found:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    stdout.print(table)


def _cell(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
