"""Bodies that would do, but for one value: whatever stands there, the answer is no failure of ours."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.api.matrix.asking import thing_of
from tests.api.matrix.audiences import AUDIENCES, WITH_KEYS
from tests.api.matrix.bodies import sent_with
from tests.api.matrix.operations import operations
from tests.api.matrix.sides import VICTIM
from tests.api.matrix.world import World
from tests.factories.problems import problem_of

ZALGO = "Z̸̢̡̛͎͓a̵l̷g̶o" * 3 + "\u202eletters\u202c\u2066\ufeff\U000e0001"
CURSORS = ("OTk5OTk5OTk5OTk5OTk5", "LTF8LTF8LTE", "MjAyNi0xMi0zMXx4", "MDoxOjE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6MQ")
"""Large numbers, minus one, a day, and zeros, as lists might have given them out."""
TEXTS = ('"\\u0000"', '"\\ud800"', json.dumps(ZALGO), json.dumps("a" * 200_000), '"%00%0d%0a\'; --"')
NUMBERS = ("1e400", "9223372036854775808", "-9223372036854775809", "1" * 400, "NaN", "1.5", "-0")
OTHERS = ("null", "[]", "{}", "true", '"2026-13-45T99:00:00Z"')
HOLE = "hole-in-the-body"
Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where values stand that hold no others."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
        return
    for name, each in items:
        yield from leaves(each, (*path, name))


def with_hole(value: Any, path: Path) -> Any:
    """Return a body whose value at a path is the hole."""
    if not path:
        return HOLE
    here, *rest = path
    if isinstance(value, Mapping):
        return {name: with_hole(each, tuple(rest)) if name == here else each for name, each in value.items()}
    return [with_hole(each, tuple(rest)) if number == here else each for number, each in enumerate(value)]


def hostile_bodies(body: Any) -> Iterator[str]:
    """Yield the body as JSON with each value replaced in turn: by a text, a number, and something else."""
    for turn, path in enumerate(leaves(body)):
        text = json.dumps(with_hole(body, path))
        for values in (TEXTS, NUMBERS, OTHERS):
            yield text.replace(f'"{HOLE}"', values[turn % len(values)])


def bodies_of(name: str, world: World) -> tuple[str, httpx.Client, str, object]:
    """Return method, client, URL and body of the first who may do an operation."""
    who = next(each for each in WITH_KEYS if AUDIENCES[name][each] == "yes")
    ids, operation = thing_of(world.ids_of(VICTIM), name), operations()[name]
    body = sent_with(name, ids=ids, side=VICTIM, who=who).json
    return operation.method, world.clients[who], operation.url(ids), body


ASKED = tuple(
    name for name, audience in AUDIENCES.items() if "yes" in audience.values() and not name.startswith("close_")
)
"""A closed node would refuse the rest of them."""


@pytest.mark.parametrize("name", ASKED)
def test_no_value_in_a_body_is_our_failure(world: World, name: str) -> None:
    method, client, url, body = bodies_of(name, world)
    if body is None or body == {}:
        return
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    failed = {}
    for number, content in enumerate(hostile_bodies(body)):
        key = {"Idempotency-Key": f"{name} {number}"}
        answer = client.request(method, url, content=content.encode(), headers=headers | key)
        if answer.status_code >= 500:
            failed[content[:200]] = answer.status_code
        elif answer.is_error:
            problem_of(answer)
    assert failed == {}


@pytest.mark.parametrize("name", [name for name in ASKED if name.startswith(("list_", "get_timeline"))])
def test_no_cursor_is_our_failure(world: World, name: str) -> None:
    method, client, url, _ = bodies_of(name, world)
    query = sent_with(name, ids=world.ids_of(VICTIM), side=VICTIM, who="owner").query or "?"
    answers = [client.request(method, f"{url}{query}&cursor={cursor}") for cursor in CURSORS]

    assert {answer.status_code for answer in answers} <= {200, 422}
    assert {problem_of(answer)["status"] for answer in answers if answer.is_error} <= {422}
