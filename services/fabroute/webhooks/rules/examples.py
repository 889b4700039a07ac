"""An example of each event, made by the same code as the real ones."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from fabroute.webhooks.rules.catalogue import CATALOGUE
from fabroute.webhooks.rules.messages import envelope
from fabroute.webhooks.rules.telling import Fact, data_of

_AT = datetime(2026, 6, 15, 8, 30, tzinfo=UTC)
_JOB: Mapping[str, object] = {
    "job_id": "job_01jxsf2v7m5e8q0c4t6b9d3k1h",
    "node_id": "DE-07",
    "order_id": "ord_01jxsf1p3c8k2m6w0z4r7n5t9v",
    "order_reference": "PO-4711",
    "order_line_id": "line_01jxsf1p3d1x5b7f9h2k4m6q8s",
    "part": "RL-0001",
    "revision_id": "rev_01jxse9y2n4q6s8v0x1z3b5d7f",
    "quantity": 2,
    "price_minor": 8_450,
    "produce_by": date(2026, 6, 19),
}
_LINE = {
    "position": 1,
    "part": "RL-0001",
    "quantity": 2,
    "state": "routed",
    "state_reason": "",
    "promised_at": "2026-06-23T16:00:00Z",
    "promised": {"amount_minor": 11_300, "currency": "EUR"},
}
_KNOWN: Mapping[str, object] = {
    **_JOB,
    "line_count": 1,
    "lines": [_LINE],
    "carrier": "dpd",
    "tracking_number": "09981122330044",
    "url": "https://example.com/hooks/fabroute",
}
_MOVED: Mapping[str, object] = {
    "line_id": "line_01jxsf1p3d1x5b7f9h2k4m6q8s",
    "position": 1,
    "cause": "declined",
    "outcome": "kept",
    "from_node": "DE-07",
    "to_node": "NL-02",
    "promised_at": "2026-06-23T16:00:00Z",
    "arrives_at": "2026-06-23T11:00:00Z",
    "promised_minor": 11_300,
    "landed_minor": 11_180,
    "reason": "",
}
_COUNTER = {
    "counter_id": "ctr_01jxsf5t8a2c4e6g8j0m2p4r6t",
    "price_minor": 9_100,
    "produce_by": "2026-06-22",
    "waits_because": "the price is above the owner's band",
}
_LATE = {"reconciliation_id": "rec_01jxsf6b1d3f5h7k9n1q3s5v7x", "what": "print", "quantity": 1, "epoch": 3}
_LOT = {
    "node_id": "DE-07",
    "material": "PA12",
    "supplier_lot": "EOS-2231",
    "from": "available",
    "grams": 0,
    "note": "seal was broken",
}
_LICENCE = {
    "revision_id": "rev_01jxse9y2n4q6s8v0x1z3b5d7f",
    "node_ids": "DE-07 NL-02",
    "unprinted": 40,
    "reason": "the contract ended",
}
_FILE = {"revision_id": "rev_01jxse9y2n4q6s8v0x1z3b5d7f"}
_FIRST = {"print": 1, "reason": "measured, good", "evidence": "evd_01jxsf6w2y4a6c8e0g2j4m6p8r", "note": ""}
_SAID: Mapping[str, Mapping[str, object]] = {
    "order.rerouted": _MOVED,
    "order.promise_changed": {**_MOVED, "outcome": "late", "arrives_at": "2026-06-25T11:00:00Z"},
    "job.claimed": {"epoch": 3},
    "job.accepted": {},
    "job.countered": _COUNTER,
    "job.counter_refused": {"counter_id": _COUNTER["counter_id"]},
    "job.went_offline": {"hours": 8},
    "job.suspicion_decided": {"decision": "reroute", "reason": "nobody answers the phone"},
    "job.reported_late": _LATE,
    "job.duplicate_detected": _LATE,
    "job.resumed": {"state": "accepted"},
    "job.revived": {"state": "in_production"},
    "job.print_reported": {"number": 1, "result": "good"},
    "job.print_scrapped": {"number": 1, "reason": "warped", "evidence": "evd_01jxsf6w2y4a6c8e0g2j4m6p8r"},
    "job.first_article_submitted": _FIRST,
    "job.first_article_approved": _FIRST,
    "job.first_article_refused": _FIRST,
    "job.inspection_reported": {
        "inspection": "ins_01jxsf7c3e5g7j9m1p3r5t7w9y",
        "level": "dimensional",
        "result": "pass",
        "print": 1,
    },
    "job.delivered": {"quantity": 2},
    "conformity.withdrawn": {"reason": "material recalled: contaminated powder"},
    "recall.opened": {"supplier_lot": "EOS-2231", "reason": "contaminated powder", "lots": 3, "jobs": 12},
    "recall.parts_shipped": {"supplier_lot": "EOS-2231", "reason": "contaminated powder", "jobs": 2, "parts": 5},
    "part_revision.released": {"part_no": "RL-0001"},
    "part_revision.superseded": {"part_no": "RL-0001"},
    "part_revision.withdrawn": {"part_no": "RL-0001"},
    "person.invited": {"role": "buyer"},
    "readiness.worsened": {"count": 2, "parts": "RL-0001,RL-0007"},
    "readiness.improved": {"count": 1, "parts": "RL-0007"},
    "installation.restored": {"snapshot_at": "2026-06-15T02:00:00Z", "restored_at": "2026-06-15T08:30:00Z"},
    "webhook_endpoint.disabled": {"cause": "gone", "reason": "HTTP 410: the receiver wants no more"},
}
_OF_FAMILIES: Mapping[str, Mapping[str, object]] = {
    "lot": _LOT,
    "print_licence": _LICENCE,
    "print_file": _FILE,
    "build": {"node_id": "DE-07", "jobs": 1},
}
_REASONED = frozenset(
    {"job.suspect", "job.cancel_requested", "job.cancel_refused", "job.cancel_withdrawn", "job.held", "job.cancelled"}
    | {"job.declined", "job.lapsed", "job.failed", "job.reopened"}
)
_SUBJECTS: Mapping[str, tuple[str, str]] = {
    "order": ("order", str(_JOB["order_id"])),
    "job": ("job", str(_JOB["job_id"])),
    "note": ("owner_note", "note_01jxsf8d4f6h8k0n2q4s6v8x0z"),
    "reprint": ("reprint_request", "rpr_01jxsf8e5g7j9m1p3r5t7w9y1a"),
    "build": ("build", "bld_01jxsf8f6h8k0n2q4s6v8x0z2b"),
    "shipment": ("shipment", "shp_01jxsf8g7j9m1p3r5t7w9y1a3c"),
    "conformity": ("conformity_certificate", "coc_01jxsf8h8k0n2q4s6v8x0z2b4d"),
    "recall": ("recall", "rcl_01jxsf8j9m1p3r5t7w9y1a3c5e"),
    "lot": ("material_lot", "DE-07-PA12-1"),
    "part_revision": ("part_revision", str(_JOB["revision_id"])),
    "print_file": ("print_file_submission", "sub_01jxsf8m1p3r5t7w9y1a3c5e7g"),
    "print_licence": ("print_licence", "lic_01jxsf8n2q4s6v8x0z2b4d6f8h"),
    "routing_policy": ("routing_policy", "pol_01jxsf8p3r5t7w9y1a3c5e7g9j"),
    "shadow_run": ("shadow_run", "shr_01jxsf8q4s6v8x0z2b4d6f8h0k"),
    "readiness": ("readiness_report", "rdy_01jxsf8r5t7w9y1a3c5e7g9j1m"),
    "screening": ("screening", "scr_01jxsf8s6v8x0z2b4d6f8h0k2n"),
    "person": ("person", "per_01jxsf8s8x0z2b4d6f8h0k2n4q"),
    "installation": ("installation", "installation"),
    "webhook_endpoint": ("webhook_endpoint", "whe_01jxsf8t7w9y1a3c5e7g9j1m3p"),
}


def example_of(name: str) -> dict[str, object]:
    """Return an example of a type, as the organisation is told it that the event is about."""
    kind = CATALOGUE[name]
    family = name.partition(".")[0]
    subject_type, subject_id = _SUBJECTS[family]
    said = _SAID.get(name, _OF_FAMILIES.get(family, {"reason": "the machine is down"} if name in _REASONED else {}))
    fact = Fact(
        id=1,
        event_id=f"evt_{subject_id.rpartition('_')[2].lower()[:26]}",
        name=name,
        subject_type=subject_type,
        subject_id=subject_id,
        organisation_id="org_owner",
        occurred_at=_AT,
        data=said,
    )
    return envelope(
        event_id=fact.event_id,
        organisation_id="org_owner",
        type=name,
        version=kind.version,
        subject_type=subject_type,
        subject_id=subject_id,
        occurred_at=_AT,
        data=data_of(kind, fact, _KNOWN, to_bureau=False),
    )
