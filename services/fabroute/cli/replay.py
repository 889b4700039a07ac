"""``fabroute replay``: does a decision come out the same again?"""

import time
from typing import Annotated

import typer

from fabroute.cli.client import ApiClient, JsonObject
from fabroute.cli.follow import NothingMoves
from fabroute.cli.mapping import Json
from fabroute.cli.orders import DEFAULT_URL, AsJson, Key, Url, as_json_text
from fabroute.cli.output import stdout

_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 120.0
EXIT_CODES = {"same": 0, "differs": 3, "gone": 4}
"""By outcome; 1 is a refusal, 2 a wrong use of the command."""


def replay(
    decision: Annotated[str, typer.Argument(help="The decision's id, dec_… (fabroute order why shows it).")],
    key: Key,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> None:
    """Make a decision again from what it was made from, and compare: exit 0 the same, 3 another one, 4 input gone."""
    with ApiClient(url=url, key=key) as client:
        asked = client.post(f"/v1/decisions/{decision}/replay")
        found = _wait(client, str(asked["id"]))
    stdout.print(as_json_text(found) if as_json else replay_sentence(found), markup=False)
    code = EXIT_CODES[str(found["outcome"])]
    if code:
        raise typer.Exit(code)


def replay_sentence(found: JsonObject) -> str:
    """Return what came of a replay in words."""
    reasons = "; ".join(str(reason["message"]) for reason in _objects(found["reasons"]))
    if found["outcome"] == "gone":
        return f"{found['decision_id']} can't be made again: {reasons}"
    line, plan = _object(found["line"]), _object(found["plan"])
    then, now = _place(line["then"]), _place(line["now"])
    if found["outcome"] == "same":
        whole = f", and so do all {plan['lines']} lines of its plan" if plan else ""
        return f"{found['decision_id']} comes out the same: {then}{whole}"
    changed = f"; {plan['lines_that_differ']} of {plan['lines']} lines differ" if plan else ""
    return f"{found['decision_id']} was {then}, is {now}{changed}: {reasons}"


def _wait(client: ApiClient, replay_id: str) -> JsonObject:
    started = time.monotonic()
    while True:
        found = client.get(f"/v1/replays/{replay_id}")
        if found["state"] == "done":
            return found
        if time.monotonic() - started > _PATIENCE_SECONDS:
            raise NothingMoves(f"replay {replay_id} is not begun: is a worker running (fabroute work)?")
        time.sleep(_POLL_SECONDS)


def _place(option: Json) -> str:
    found = _object(option)
    if found.get("node_id") is None:
        return "without a place"
    return f"{found['node_id']} at {int(str(found['landed_minor'])) / 100:,.2f} EUR"


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
