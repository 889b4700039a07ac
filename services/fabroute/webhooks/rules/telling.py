"""From a fact in the outbox to what each organisation is told of it. It never fails: what is missing is null."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import get_args

from fabroute.orders.rules import CURRENCY
from fabroute.webhooks.rules.catalogue import CATALOGUE, EventType
from fabroute.webhooks.rules.data import OWNER_ONLY, EventData, EventMoney

LONGEST_TEXT = 1_000
MOST_ITEMS = 50
LONGEST_ITEM = 120
LONGEST_LINE_REASON = 150
"""Of each of fifty lines: the whole message stays below 64 kB."""

_SUBJECTS: Mapping[str, str] = {
    "order": "order_id",
    "job": "job_id",
    "shipment": "shipment_id",
    "owner_note": "note_id",
    "build": "build_id",
    "reprint_request": "reprint_request_id",
    "recall": "recall_id",
    "conformity_certificate": "certificate_id",
    "part_revision": "revision_id",
    "print_file_submission": "submission_id",
    "print_licence": "licence_id",
    "material_lot": "lot_id",
    "routing_policy": "policy_id",
    "shadow_run": "shadow_run_id",
    "readiness_report": "report_id",
    "screening": "screening_id",
    "person": "person_id",
    "webhook_endpoint": "endpoint_id",
}
"""The field of ``data`` in which the subject's id stands."""
_RENAMED: Mapping[str, str] = {
    "from": "state_before",
    "from_node": "from_node_id",
    "to_node": "to_node_id",
    "line_id": "order_line_id",
    "print": "print_number",
    "inspection": "inspection_id",
    "evidence": "evidence_ids",
    "part_no": "part",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An event of the outbox."""

    id: int
    event_id: str
    name: str
    subject_type: str
    subject_id: str
    organisation_id: str | None
    occurred_at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is to know beside an event: of its job, order, shipment; whose node it is; who operates this."""

    facts: Mapping[str, object] = field(default_factory=dict)
    bureau: str | None = None
    """The organisation of the node, where that was told of the job."""
    operators: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as one organisation is told it."""

    event_id: str
    organisation_id: str
    type: str
    version: int
    subject_type: str
    subject_id: str
    data: Mapping[str, object]
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    source: str
    is_money: bool
    is_list: bool
    separator: str
    owner_only: bool


def told_of(fact: Fact, known: Known) -> tuple[Told, ...]:
    """Return what each organisation that an event concerns is told of it: nothing of what stays inside."""
    kind = CATALOGUE.get(fact.name)
    if kind is None:
        return ()
    return tuple(
        Told(
            event_id=fact.event_id,
            organisation_id=organisation_id,
            type=kind.name,
            version=kind.version,
            subject_type=fact.subject_type,
            subject_id=fact.subject_id,
            data=data_of(kind, fact, known.facts, to_bureau=to_bureau),
            occurred_at=fact.occurred_at,
        )
        for organisation_id, to_bureau in _audience(kind, fact, known)
    )


def data_of(kind: EventType, fact: Fact, known: Mapping[str, object], *, to_bureau: bool) -> dict[str, object]:
    """Return the data of an event in the form of its kind; fields that are the owner's are null to a bureau."""
    said = {kind.renamed.get(name, _RENAMED.get(name, name)): value for name, value in fact.data.items()}
    source: dict[str, object] = {**known, **said, _SUBJECTS.get(fact.subject_type, "subject_id"): fact.subject_id}
    if not said.get("state"):
        source["state"] = kind.state
    return {
        it.name: None if it.owner_only and to_bureau else _value(it, source.get(it.source)) for it in _fields(kind.data)
    }


def _audience(kind: EventType, fact: Fact, known: Known) -> Iterator[tuple[str, bool]]:
    owner = fact.organisation_id if "owner" in kind.audiences else None
    if owner is not None:
        yield owner, False
    if "bureau" in kind.audiences and known.bureau not in (None, owner):
        yield str(known.bureau), True
    if "operator" in kind.audiences:
        yield from ((operator, False) for operator in known.operators)


def _value(it: _Field, found: object) -> object:
    if it.is_list:
        items = [each for each in found.split(it.separator) if each] if isinstance(found, str) else found or []
        return [_cut(each, LONGEST_ITEM) for each in items[:MOST_ITEMS]] if isinstance(items, list | tuple) else []
    if found is None:
        return None
    if it.is_money:
        return {"amount_minor": found, "currency": CURRENCY}
    if isinstance(found, date):
        return found.isoformat()
    return _cut(found, LONGEST_TEXT)


def _cut(found: object, longest: int) -> object:
    return found[:longest] if isinstance(found, str) else found


@cache
def _fields(model: type[EventData]) -> tuple[_Field, ...]:
    fields = []
    for name, info in model.model_fields.items():
        is_money = EventMoney in (info.annotation, *get_args(info.annotation))
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        fields.append(
            _Field(
                name=name,
                source=f"{name}_minor" if is_money else name,
                is_money=is_money,
                is_list=str(info.annotation).startswith("list["),
                separator=" " if name == "node_ids" else ",",
                owner_only=bool(extra.get(OWNER_ONLY)),
            )
        )
    return tuple(fields)
