"""What happened to an order in words, and what lies beside it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fabroute.console.drawing.text import isolated
from fabroute.console.pages.order.records import act_rows, delivery_rows, papers_of
from fabroute.console.pages.order.story import StoryEntry, story_entries
from fabroute.inventory.service import DocumentView
from fabroute.production.service import EvidenceView
from fabroute.production.service.order_records import OrderAct
from fabroute.production.service.rerouting.timeline import TimelineEntry
from fabroute.webhooks.service.deliveries import AnsweredDelivery
from tests.factories.order_pages import FMT, NOW, an_entry, some_facts

NBSP = "\N{NO-BREAK SPACE}"


def told(entry: TimelineEntry) -> StoryEntry:
    (found,) = story_entries((entry,), FMT)
    return found


def test_a_re_route_tells_its_cause_and_what_was_said() -> None:
    found = told(an_entry("line.rerouted", node_id="N101", cause="node_down", reason="power cut"))
    assert (found.title, found.kind, found.words) == ("Left its node", "waits", "N101: the node went down. Power cut")


def test_what_became_of_a_promise_is_told_beside_what_it_was() -> None:
    found = told(
        an_entry(
            "line.promise_settled",
            outcome="late_and_dearer",
            promised_at=NOW.isoformat(),
            arrives_at=(NOW + timedelta(days=2)).isoformat(),
            promised_minor=3140,
            landed_minor=3500,
        )
    )
    assert (found.title, found.kind) == ("Routed again, later and dearer than promised", "waits")
    assert found.words == "there by 17 Jun 2026 instead of 15 Jun 2026; for €35.00 instead of €31.40"
    same = told(an_entry("line.promise_settled", outcome="kept", arrives_at=NOW.isoformat()))
    assert (same.title, same.kind, same.words) == ("Routed again, the promise is kept", "good", "there by 15 Jun 2026")


def test_decisions_tell_why_how_often_and_lead_to_their_json() -> None:
    found = told(an_entry("line.decided", outcome="no_route", why="nobody can", decision_id="dec_9", times=3))
    assert (found.title, found.kind, found.words, found.decision_id) == (
        "No node can make it",
        "bad",
        "nobody can (decided 3 times alike)",
        "dec_9",
    )
    assert told(an_entry("line.decided", outcome="routed", kind="improved", why="x")).title == "Moved to a better place"


@pytest.mark.parametrize(
    ("entry", "title", "words"),
    [
        (an_entry("job.offered", node_id="N1", quantity=1, produce_by="2026-06-16"), "Offered",
         f"To N1: 1{NBSP}piece, to be printed by 16 Jun 2026"),
        (an_entry("job.countered", node_id="N1", price_minor=990, produce_by="2026-06-16", reason="full"),
         "The node proposes other terms", "N1: full, €9.90, printed by 16 Jun 2026"),
        (an_entry("order.objective_changed", objective="fastest", before="cheapest"),
         "To be routed by another objective", "fastest instead of cheapest"),
        (an_entry("job.something_new", reason="x_y"), "Something new", "x y"),
        (an_entry("order.placed"), "Order placed", ""),
    ],
)  # fmt: skip
def test_entries_are_told_in_words(entry: TimelineEntry, title: str, words: str) -> None:
    assert (told(entry).title, told(entry).words) == (title, words)


def test_who_did_it_is_told_by_name_where_the_viewer_may_know_it() -> None:
    placed = an_entry("order.placed", by="person")

    assert told(replace(placed, who="Ada Lovelace")).by == f"by {isolated('Ada Lovelace')}"
    assert told(replace(placed, who="ERP", who_kind="key")).by == f"by the API key {isolated('ERP')}"
    assert told(placed).by == "by a person"
    assert told(an_entry("line.decided", why="x")).by == ""


def test_papers_lead_to_their_files() -> None:
    document = DocumentView(
        document_id="doc_1", revision_id="rev_1", kind="drawing", name="a b/ü.pdf", media_type="application/pdf",
        size_bytes=1, sha256="0" * 64, added_by="key_1", added_at=NOW,
    )  # fmt: skip
    photo = EvidenceView(
        evidence_id="evd_1", job_id="job_1", kind="photo", name="top.jpg", media_type="image/jpeg", size_bytes=1,
        sha256="0" * 64, added_by="key_1", added_at=NOW,
    )  # fmt: skip
    papers = papers_of(some_facts(documents=(document,), evidence=(photo,)))
    assert [(it.label, it.path, it.of) for it in papers] == [
        ("Photo", "/v1/jobs/job_1/evidence/top.jpg", "job_1"),
        ("Drawing", "/v1/revisions/rev_1/documents/a%20b%2F%C3%BC.pdf", "SP-10042 rev B"),
    ]


def a_delivery(**changes: object) -> AnsweredDelivery:
    usual = {
        "delivery_id": "whd_1", "endpoint_id": "whe_1", "url": "https://erp.example.com", "event_id": "evt_1",
        "type": "order.routed", "subject_type": "order", "subject_id": "ord_1", "replay_of": None, "state": "pending",
        "attempt_count": 0, "next_attempt_at": NOW, "created_at": NOW, "finished_at": None, "reason": "",
        "last_attempt_at": None, "last_status": None, "last_duration_ms": None,
    }  # fmt: skip
    return AnsweredDelivery(**usual | changes)  # type: ignore[arg-type]


def test_deliveries_tell_what_came_of_the_last_attempt() -> None:
    rows = delivery_rows(
        (
            a_delivery(),
            a_delivery(state="delivered", attempt_count=1, last_status=204, last_duration_ms=38, last_attempt_at=NOW),
            a_delivery(state="given_up", attempt_count=10, reason="it took too long", last_attempt_at=NOW),
        )
    )
    assert [(it.state, it.words, it.next_at is not None) for it in rows] == [
        ("waits", "not sent yet", True),
        ("delivered", "first try: answered 204 in 38 ms", False),
        ("failed", "try 10: it took too long", False),
    ]


def test_requests_tell_who_made_them() -> None:
    def act(kind: str, name: str | None) -> OrderAct:
        return OrderAct(
            entry_id=1, at=NOW, actor="x", actor_kind=kind, actor_name=name, action="order.line_retried",
            subject_type="order", subject_id="ord_1", data={},
        )  # fmt: skip

    rows = act_rows((act("key", "ERP"), act("person", None), act("system", None)))
    assert [(it.action, it.actor_kind, it.actor) for it in rows] == [
        ("order line retried", "API key", "ERP"),
        ("order line retried", "person", "of another organisation"),
        ("order line retried", "fabroute itself", ""),
    ]
