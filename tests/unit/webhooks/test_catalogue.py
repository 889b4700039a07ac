import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import fabroute
from fabroute.inventory.states import RevisionState
from fabroute.production.events import (
    BuildEvent,
    JobEvent,
    NoteEvent,
    RecallEvent,
    ReprintEvent,
    ShipmentEventName,
)
from fabroute.webhooks.rules.catalogue import CATALOGUE, FAMILIES, INTERNAL, may_reach
from fabroute.webhooks.rules.data import OWNER_ONLY
from fabroute.webhooks.rules.examples import example_of
from fabroute.webhooks.rules.forms import FORMS, form_name
from fabroute.webhooks.rules.messages import LARGEST_BODY_BYTES, body_of, envelope
from fabroute.webhooks.rules.patterns import UnknownEventType, require_known, split_patterns
from fabroute.webhooks.rules.telling import LONGEST_LINE_REASON, LONGEST_TEXT, MOST_ITEMS, Fact, data_of
from tests.factories.organisations import NOW

SOURCES = Path(fabroute.__file__).parent
NAME = re.compile(r"[a-z_]+\.[a-z_]+")
NOT_EVENTS = frozenset({"fabroute.outbox", "fabroute.tenant"})
LINE = {"position": 50, "quantity": 10_000, "state": "routed", "promised": {"amount_minor": 10**9, "currency": "EUR"}}
# What the f-strings of events.py can become, by their beginning.
MADE_UP = {
    "lot.": ("released", "quarantined", "blocked", "corrected", "refreshed"),
    "part_revision.": tuple(it for it in get_args(RevisionState) if it not in ("draft", "validated")),
    "print_file.": ("submitted", "validated", "refused", "failed"),
    "print_licence.": ("granted", "frozen", "revoked"),
    "readiness.": ("asked", "worsened", "improved"),
    "screening.": ("asked", "paused", "judged"),
    "shadow_run.": ("asked", "paused", "done"),
}


@cache
def trees() -> tuple[ast.AST, ...]:
    """The events modules of all contexts, and every call that makes an event elsewhere."""
    return tuple(_trees())


def _trees() -> Iterator[ast.AST]:
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text(encoding="utf8")
        if path.name != "events.py" and "DomainEvent(" not in text:
            continue
        tree = ast.parse(text)
        if path.name == "events.py" and path.parent.parent == SOURCES and path.parent.name != "kernel":
            yield tree
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "DomainEvent")


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def names_in_the_code() -> set[str]:
    """Every event name that stands in the code whole."""
    texts = (
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if NAME.fullmatch(text)} - NOT_EVENTS


def beginnings_in_the_code() -> set[str]:
    """The beginnings of event names that are put together."""
    parts = (node.values[0] for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    texts = (part.value for part in parts if isinstance(part, ast.Constant))
    return {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z_]+\.", text)}


def test_every_event_that_a_context_can_record_is_in_the_catalogue_or_stays_inside() -> None:
    known = set(CATALOGUE) | INTERNAL
    made_up = {beginning + ending for beginning, endings in MADE_UP.items() for ending in endings}

    assert sorted(names_in_the_code() - known) == []
    assert beginnings_in_the_code() == set(MADE_UP)
    assert sorted(made_up - known) == []
    assert len(names_in_the_code()) >= 60  # the search finds something


def test_the_catalogue_holds_nothing_that_nobody_records() -> None:
    made_up = {beginning + ending for beginning, endings in MADE_UP.items() for ending in endings}

    assert sorted(set(CATALOGUE) - names_in_the_code() - made_up) == []
    assert set(CATALOGUE) & INTERNAL == set()
    assert set(CATALOGUE) >= set(get_args(BuildEvent)) | set(get_args(NoteEvent)) | set(get_args(RecallEvent))
    assert set(CATALOGUE) >= set(get_args(ReprintEvent)) | set(get_args(ShipmentEventName))
    assert set(get_args(JobEvent)) - set(CATALOGUE) == {"build.timed", "build.withdrawn"}


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_example_has_the_form_of_its_type(name: str) -> None:
    example = example_of(name)
    form = FORMS[name].model_validate(example)

    assert (form.type, form.version) == (name, 1)
    assert form.model_dump(mode="json") == {**example, "timestamp": "2026-06-15T08:30:00Z"}


@pytest.mark.parametrize(
    ("organisation_id", "is_sandbox"),
    [("org_owner", False), ("org_sandbox_7f", True), ("org_sandbox_7f_bureau", True), ("my_org_sandbox_7f", False)],
)
def test_an_event_says_whether_it_is_of_a_sandbox(organisation_id: str, is_sandbox: bool) -> None:
    told = example_of("order.placed")
    again = envelope(
        event_id="evt_1",
        organisation_id=organisation_id,
        type="order.placed",
        version=1,
        subject_type="order",
        subject_id="ord_1",
        occurred_at=NOW,
        data={},
    )

    assert (told["sandbox"], again["sandbox"]) == (False, is_sandbox)
    assert list(told) == list(again) == ["id", "type", "version", "timestamp", "sandbox", "subject", "data"]


def test_names_tell_what_happened_and_forms_have_names_of_their_own() -> None:
    assert all(NAME.fullmatch(name) for name in CATALOGUE)
    assert len({form_name(kind) for kind in CATALOGUE.values()}) == len(CATALOGUE) == 82
    assert form_name(CATALOGUE["order.no_route"]) == "OrderNoRouteEvent"
    assert FAMILIES[:3] == ("build", "conformity", "installation")


def test_a_bureau_is_told_nothing_of_its_customers_customer() -> None:
    told_to_bureaus = [kind for kind in CATALOGUE.values() if "bureau" in kind.audiences]
    secrets = {"landed", "promised", "promised_at", "arrives_at", "lines", "ship_to", "customer", "url"}
    for kind in told_to_bureaus:
        fields = kind.data.model_fields
        assert secrets & set(fields) == set()
        if "order_reference" in fields:
            assert fields["order_reference"].json_schema_extra == {OWNER_ONLY: True}

    assert len(told_to_bureaus) == 49
    assert not any(name.startswith("order.") for name in (kind.name for kind in told_to_bureaus))


def test_the_largest_message_fits_into_64_kilobytes() -> None:
    text = "\u20ac" * (LONGEST_TEXT * 10)
    line = {"part": text[:120], "state_reason": text[:LONGEST_LINE_REASON], "promised_at": "x" * 32}
    known = {"lines": [line | LINE] * 500, "line_count": 500, "order_reference": text}
    sizes = []
    for kind in CATALOGUE.values():
        names = set(kind.data.model_fields) | set(kind.renamed) | {"print", "from", "parts", "node_ids", "evidence"}
        said = dict.fromkeys(names, text) | {"parts": ",".join([text[:120]] * 500), "lines": None}
        fact = Fact(
            id=1,
            event_id="evt_1",
            name=kind.name,
            subject_type="order",
            subject_id="ord_1",
            organisation_id="org",
            occurred_at=NOW,
            data={name: value for name, value in said.items() if name != "lines"},
        )
        data = data_of(kind, fact, known, to_bureau=False)
        told = envelope(
            event_id="evt_1",
            organisation_id="org",
            type=kind.name,
            version=1,
            subject_type="order",
            subject_id="ord_1",
            occurred_at=NOW,
            data=data,
        )
        sizes.append(len(body_of(told)))

    assert max(sizes) <= LARGEST_BODY_BYTES
    assert MOST_ITEMS == 50


@pytest.mark.parametrize(
    ("types", "split"),
    [
        (("*",), ((), ())),
        (("job.*", "order.placed"), (("order.placed",), ("job",))),
        (("*", "job.held"), ((), ())),
        ((), ((), ())),
    ],
)
def test_patterns_are_types_families_or_everything(
    types: tuple[str, ...], split: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    assert split_patterns(require_known(types)) == split
    assert require_known((*types, *types)) == require_known(types)


@pytest.mark.parametrize(
    ("name", "hint"), [("order.place", "did you mean order.placed"), ("jobs.*", "did you mean job.*"), ("x", "GET")]
)
def test_an_unknown_type_is_refused_with_what_was_meant(name: str, hint: str) -> None:
    with pytest.raises(UnknownEventType, match=re.escape(hint)) as refusal:
        require_known(["order.placed", name])

    assert refusal.value.problems[0].pointer == "/types/1"
    assert refusal.value.status == 422


def test_a_catalogue_says_whom_an_event_can_reach() -> None:
    assert may_reach(CATALOGUE["order.placed"], "owner")
    assert not may_reach(CATALOGUE["order.placed"], "bureau")
    assert may_reach(CATALOGUE["job.offered"], "bureau")
    assert may_reach(CATALOGUE["lot.blocked"], "owner")  # an owner may have nodes of its own
    assert may_reach(CATALOGUE["webhook_endpoint.tested"], "bureau")
    assert not may_reach(CATALOGUE["recall.opened"], "owner")
