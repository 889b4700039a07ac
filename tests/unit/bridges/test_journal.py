"""The journal: what is in it is there after a kill, and nothing is in it twice."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fabroute.bridges.journal import Heard, Journal
from tests.factories.processes import plain_environment

HEARD = Heard(account="shop", foreign_id="1", number="#1", payload={"id": 1}, delivery_id="d-1")
KILLED = """
import os, signal, sys
from pathlib import Path
from fabroute.bridges.journal import Heard, Journal
journal = Journal(Path(sys.argv[1]))
for number in range(50):
    journal.hear(Heard(account="shop", foreign_id=str(number), payload={"id": number}))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "j.sqlite3")) as made:
        yield made


def placed(journal: Journal, heard: Heard = HEARD) -> int:
    journal.hear(heard)
    entry = journal.find(account=heard.account, foreign_id=heard.foreign_id)
    assert entry is not None
    journal.change(entry.id, stage="placed", order_id=f"ord_{heard.foreign_id}")
    return entry.id


def test_what_was_heard_is_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "killed.sqlite3"
    process = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=plain_environment(), check=False)
    with closing(Journal(path)) as journal:
        found = [entry.payload["id"] for entry in journal.all()]
    assert process.returncode == -signal.SIGKILL
    assert found == list(range(50))


def test_a_message_counts_once_and_so_does_an_order(journal: Journal) -> None:
    assert journal.hear(HEARD) is True
    assert journal.hear(HEARD) is False
    assert journal.hear(Heard(account="shop", foreign_id="1", payload={"id": 1}, delivery_id="d-2")) is False
    assert journal.hear(Heard(account="other", foreign_id="1", payload={}, delivery_id="d-3")) is True
    assert [(it.account, it.foreign_id, it.stage) for it in journal.all()] == [
        ("shop", "1", "received"),
        ("other", "1", "received"),
    ]


def test_a_refused_order_is_taken_again_only_if_it_changed(journal: Journal) -> None:
    journal.hear(HEARD)
    journal.change(1, stage="refused", detail="no")
    assert journal.hear(Heard(account="shop", foreign_id="1", payload={"id": 1})) is False
    assert journal.hear(Heard(account="shop", foreign_id="1", payload={"id": 1, "mended": True})) is True
    entry = journal.get(1)
    assert (entry.stage, entry.detail, entry.payload) == ("received", "", {"id": 1, "mended": True})


def test_a_cancellation_is_asked_once(journal: Journal) -> None:
    entry_id = placed(journal)
    taken_back = Heard(account="shop", foreign_id="1", payload={}, cancelled=True)
    assert [journal.hear(taken_back), journal.hear(taken_back)] == [True, False]
    assert [it.id for it in journal.to_cancel(now=0)] == [entry_id]
    journal.change(entry_id, cancel="done")
    assert (journal.hear(taken_back), journal.to_cancel(now=0)) == (False, [])


def test_a_status_is_told_when_it_changed_and_one_that_waits_is_overtaken(journal: Journal) -> None:
    entry_id = placed(journal)
    for state in ("pending", "pending", "routed", "pending"):
        journal.looked(journal.get(entry_id), state=state, reports=[("status", "status", {"state": state})])
    told = [(it.key, it.facts["state"], it.stage) for it in journal.reports(entry_id)]
    assert told == [
        ("status:1", "pending", "overtaken"),
        ("status:2", "routed", "overtaken"),
        ("status:3", "pending", "waiting"),
    ]
    assert journal.get(entry_id).state == "pending"


def test_reports_of_an_order_keep_their_turn(journal: Journal) -> None:
    first, second = placed(journal), placed(journal, Heard(account="shop", foreign_id="2", payload={}))
    for entry_id in (first, second):
        journal.add_report(entry_id, "shipment", "shipment:1", {})
        journal.add_report(entry_id, "delivered", "delivered:1", {})
        journal.add_report(entry_id, "shipment", "shipment:1", {"again": True})
    late = journal.to_tell(now=0)[0]
    journal.put_off_report(late, detail="500", until=100)
    assert [(it.entry_id, it.key) for it in journal.to_tell(now=50)] == [
        (second, "shipment:1"),
        (second, "delivered:1"),
    ]
    assert [it.entry_id for it in journal.to_tell(now=100)] == [first, first, second, second]
    assert journal.to_tell(now=100)[0].attempts == 1


def test_events_mark_orders_together_with_how_far_the_feed_was_read(journal: Journal) -> None:
    entry_id = placed(journal)
    assert (journal.cursor(), journal.to_look_at()) == (None, [])
    journal.mark(["ord_1", "ord_unknown"], cursor="c-7")
    assert (journal.cursor(), [it.id for it in journal.to_look_at()]) == ("c-7", [entry_id])
    journal.looked(journal.get(entry_id), state="routed", reports=[])
    assert journal.to_look_at() == []
    journal.sweep()
    assert [it.id for it in journal.to_look_at()] == [entry_id]


def test_retry_takes_refused_orders_and_given_up_reports_on(journal: Journal) -> None:
    journal.hear(HEARD)
    journal.write_body(1, body={"lines": []}, line_ids=["10"], note="n")
    journal.change(1, stage="refused", detail="unknown article")
    journal.add_report(1, "trouble", "t", {"text": "x"})
    journal.end_report(1, stage="given_up", detail="404")
    assert [journal.retry(foreign_id="9"), journal.retry(foreign_id="1"), journal.retry(foreign_id="1")] == [0, 1, 0]
    entry = journal.get(1)
    assert (entry.stage, entry.body, entry.detail, entry.note) == ("received", None, "", "n")
    assert [it.stage for it in journal.reports(1)] == ["waiting"]


def test_a_file_is_known_with_its_orders(journal: Journal) -> None:
    two = [HEARD, Heard(account="shop", foreign_id="2", payload={})]
    journal.hear_file("digest", two)
    journal.hear_file("digest", [Heard(account="shop", foreign_id="3", payload={})])
    assert journal.orders_of_file("digest") == [("shop", "1"), ("shop", "2")]
    assert (journal.knows_file("digest"), journal.knows_file("other"), len(journal.all())) == (True, False, 2)
