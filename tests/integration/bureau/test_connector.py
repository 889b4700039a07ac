"""A bureau's connector against a small fabroute: what it asks, what lies in its folder, what it survives."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fabroute.bureau.disk import FolderInUse
from fabroute.bureau.settings import AcceptancePolicy
from fabroute.bureau.watching import Watcher
from fabroute.bureau.wire import Unavailable
from tests.factories.bureau import Bureau, a_bureau
from tests.fakes.fabroute_server import CONTENT, DROPPED, FakeFabroute, FakeJob, once, problem
from tests.fakes.web_server import Answer, json_answer

FILE = "RL-0001_A.3mf"


def placed(bureau: Bureau) -> None:
    """Claim, accept and fetch."""
    bureau.claim()
    bureau.work(2)
    assert bureau.record().stage == "placed", bureau.said


# ---------------------------------------------------------------- the ordinary way


def test_a_claimed_job_is_accepted_checked_and_laid_into_the_folder(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        bureau.once()
        packet = tmp_path / "jobs" / "job_1"
        assert sorted(path.name for path in packet.iterdir()) == [FILE, "evidence", "job.json", "traveller.txt"]
        assert (packet / FILE).read_bytes() == CONTENT
        job = json.loads((packet / "job.json").read_text(encoding="utf8"))
        assert (job["job"]["id"], job["print_file"]["name"]) == ("job_1", FILE)
        traveller = (packet / "traveller.txt").read_text(encoding="utf8")
        assert "quantity    2 good prints" in traveller
        assert "material    PA12   lot any" in traveller
    assert fabroute.jobs["job_1"].state == "accepted"
    assert fabroute.steps() == [
        "POST claims",
        "POST acceptance",
        "GET signing-key",
        "POST file-tickets",
        f"GET {fabroute.asked[4].path.rsplit('/', 1)[-1]}",
        "GET packet",
    ]


def test_every_write_names_the_lease(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        bureau.beat()
        bureau.drop("started.json", {})
        bureau.work()
    written = [asked for asked in fabroute.asked if "/jobs/" in asked.path]
    assert {asked.headers["fabroute-lease"] for asked in written} == {"lse_job_1x1;epoch=1"}
    assert len(written) == 5


def test_results_are_reported_in_order_with_numbers_and_evidence_goes_first(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    job = fabroute.jobs["job_1"]
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        (bureau.bench.folder_of("job_1") / "evidence" / "crack.jpg").write_bytes(b"\xff\xd8 photo")
        bureau.drop("started.json", {})
        bureau.drop("printed-10.json", [{"result": "good", "serial": "S2"}, {"result": "good", "serial": "S3"}])
        bureau.drop("printed-2.json", {"result": "failed", "note": "warped", "evidence": "crack.jpg"})
        bureau.work()
        reported = bureau.bench.folder_of("job_1") / "reported"
        assert len(list(reported.iterdir())) == 3
        assert bureau.record().errands == ()
    assert job.evidence == {"crack.jpg": b"\xff\xd8 photo"}
    told = [(number, report["name"], report["data"]) for number, report in sorted(job.reports.items())]
    assert told == [
        (1, "started", {}),
        (2, "printed", {"result": "failed", "note": "warped", "evidence_id": "evd_crack.jpg"}),
        (3, "printed", {"result": "good", "serial": "S2"}),
        (4, "printed", {"result": "good", "serial": "S3"}),
    ]


def test_the_same_words_a_second_time_are_a_second_print(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        for _ in range(2):
            bureau.drop("printed.json", {"result": "good"})
            bureau.work()
    assert [it["data"] for it in fabroute.jobs["job_1"].reports.values()] == [{"result": "good"}, {"result": "good"}]


PARCELS = {"carrier": "DHL", "tracking_number": "T1", "parcels": [{"quantity": 2, "weight_grams": 310}]}


@pytest.mark.parametrize("lost", ["", "shipments", "handover"])
def test_a_shipped_job_is_done_and_put_away_and_no_parcel_is_shipped_twice(lost: str, tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        fabroute.lost_posts.append(lost)
        bureau.drop("shipped.json", PARCELS)
        bureau.drop("inspected.json", {"level": "visual", "inspector": "Ada"})
        bureau.work_in_spite_of(2)
        assert (bureau.record().stage, bureau.said[-1]) == ("done", "job_1: done")
    job = fabroute.jobs["job_1"]
    assert job.reports[1]["data"] == {"level": "visual", "inspector": "Ada"}
    assert (job.shipment["state"], job.shipment["tracking_number"]) == ("handed_over", "T1")
    assert fabroute.steps().count("POST shipments") == 1
    assert (tmp_path / "done" / "job_1" / FILE).exists()
    assert not (tmp_path / "jobs" / "job_1").exists()


def test_what_the_policy_does_not_take_is_declined_with_the_reason(tmp_path: Path) -> None:
    fabroute = FakeFabroute(
        FakeJob(job_id="job_1", material="TPU"), FakeJob(job_id="job_2", machine_id="M9"), FakeJob(job_id="job_3")
    )
    policy = AcceptancePolicy(materials=frozenset({"PA12"}), machines=frozenset({"M1"}))
    with a_bureau(tmp_path, fabroute, policy=policy) as bureau:
        bureau.once()
        assert [bureau.record(job_id).stage for job_id in fabroute.jobs] == ["declined", "declined", "placed"]
    reasons = [job.calls for job in fabroute.jobs.values()]
    assert reasons[0] == [("decline", {"reason": "material", "text": "TPU is not processed here at present"})]
    assert reasons[1] == [("decline", {"reason": "machine_down", "text": "machine M9 takes no jobs at present"})]


def test_no_more_is_claimed_than_there_is_room_for(tmp_path: Path) -> None:
    fabroute = FakeFabroute(*(FakeJob(job_id=f"job_{number}") for number in range(5)))
    with a_bureau(tmp_path, fabroute, policy=AcceptancePolicy(max_open=3)) as bureau:
        bureau.claim()
        assert len(bureau.bench.records.open()) == 3
        assert bureau.claim() == 2.0
    assert fabroute.steps() == ["POST claims"]
    assert json.loads(fabroute.asked[0].body) == {"max": 3, "wait_seconds": 0}


# ---------------------------------------------------------------- what may go wrong on the wire


def test_a_lost_answer_to_a_claim_loses_no_job(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    fabroute.lost_answers.append("claims")
    with a_bureau(tmp_path, fabroute) as bureau:
        with pytest.raises(Unavailable, match="no answer from fabroute"):
            bureau.claim()
        assert bureau.bench.records.open() == ()
    with a_bureau(tmp_path, fabroute) as restarted:
        restarted.claim()
        assert [record.job_id for record in restarted.bench.records.open()] == ["job_1"]
    first, second = fabroute.asked
    assert (first.headers["idempotency-key"], first.body) == (second.headers["idempotency-key"], second.body)


def test_each_claim_has_a_key_of_its_own(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        assert (bureau.claim(), bureau.claim()) == (0.0, 1.0)
    assert len({asked.headers["idempotency-key"] for asked in fabroute.asked}) == 2


@pytest.mark.parametrize("step", ["acceptance", "file-tickets", "packet", "reports", "crack.jpg"])
def test_any_lost_answer_is_made_up_for_and_nothing_counts_twice(step: str, tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    fabroute.lost_answers.append(step)
    with a_bureau(tmp_path, fabroute) as bureau:
        bureau.claim()
        bureau.work_in_spite_of(4)
        (bureau.bench.folder_of("job_1") / "evidence" / "crack.jpg").write_bytes(b"photo")
        bureau.drop("printed.json", {"result": "failed", "evidence": "crack.jpg"})
        bureau.work_in_spite_of(2)
        assert bureau.record().errands == ()
    assert list(fabroute.jobs["job_1"].reports) == [1]
    assert fabroute.lost_answers == []


def test_what_the_server_asks_to_wait_is_passed_on(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    fabroute.faults.append(once("claims", problem(503, "temporarily_unavailable", **{"Retry-After": "7"})))
    with a_bureau(tmp_path, fabroute) as bureau, pytest.raises(Unavailable) as refusal:
        bureau.claim()
    assert refusal.value.retry_after == 7.0


def test_how_long_fabroute_wants_to_be_left_alone_outlives_a_crash_in_every_instant(tmp_path: Path) -> None:
    fabroute = FakeFabroute()
    nothing = Answer(status=204, headers={"Retry-After": "200"})
    busy = problem(503, "temporarily_unavailable", **{"Retry-After": "100"})
    fabroute.faults += [once("claims", busy), once("claims", nothing)]
    with a_bureau(tmp_path, fabroute) as bureau, pytest.raises(Unavailable):
        bureau.claim()
    with a_bureau(tmp_path, fabroute) as restarted:
        records = restarted.bench.records
        assert 0.0 < restarted.claim() <= 100.0
        claim = records.claim_under_way()
        assert claim is not None
        records.rest(until=0.0)  # a hundred seconds later
        assert restarted.claim() == 200.0
        records.begin_claim(claim)  # killed after the rest was written down, before the claim was forgotten
        assert 100.0 < restarted.claim() <= 200.0
    assert [asked.headers["idempotency-key"] for asked in fabroute.asked] == [claim["key"]] * 2


def test_a_claim_that_is_refused_is_given_up_and_said_once(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    refusal = problem(403, "missing_scope", "this key may not claim")
    fabroute.faults += [once("claims", refusal), once("claims", refusal)]
    with a_bureau(tmp_path, fabroute) as bureau:
        assert (bureau.claim(), bureau.bench.records.claim_under_way()) == (60.0, None)
        assert bureau.said == ["no claim is taken: this key may not claim (missing_scope)"]


def test_a_damaged_download_is_fetched_again_with_another_ticket(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    fabroute.damaged_downloads = 1
    with a_bureau(tmp_path, fabroute) as bureau:
        bureau.claim()
        bureau.work(2)
        assert (bureau.record().stage, (tmp_path / "jobs" / "job_1").exists()) == ("accepted", False)
        assert "the download has SHA-256" in bureau.record().trouble
        bureau.work()
        assert (bureau.record().stage, bureau.record().trouble) == ("placed", "")
    assert (tmp_path / "jobs" / "job_1" / FILE).read_bytes() == CONTENT
    assert fabroute.steps().count("POST file-tickets") == 2


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_that_another_key_released_is_never_laid_into_the_folder(pinned: bool, tmp_path: Path) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"\2" * 32)
    fabroute = FakeFabroute(FakeJob(job_id="job_1"), signer=stranger)
    ours = FakeFabroute().public_key
    if not pinned:
        fabroute.faults.append(once("signing-key", json_answer({"public_key": ours})))
    with a_bureau(tmp_path, fabroute, public_keys=(ours,) if pinned else ()) as bureau:
        bureau.claim()
        bureau.work(2)
        assert (bureau.record().stage, (tmp_path / "jobs" / "job_1").exists()) == ("accepted", False)
        assert "signed with another key" in bureau.record().trouble
    assert not [step for step in fabroute.steps() if step.startswith("GET t")]


# ---------------------------------------------------------------- leases


def test_a_heartbeat_is_sent_for_accepted_jobs_only_and_not_too_often(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        bureau.claim()
        bureau.beat()
        assert fabroute.jobs["job_1"].heartbeats == 0
        bureau.work()
        bureau.beat()
        assert fabroute.jobs["job_1"].heartbeats == 1


def test_a_lost_lease_stops_the_work_and_says_do_not_print(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        fabroute.take_away("job_1")
        bureau.beat()
        bureau.work()
        bureau.beat()
        assert (bureau.record().stage, bureau.bench.records.open()) == ("lost", ())
    note = (tmp_path / "lost" / "job_1" / "DO-NOT-PRINT.txt").read_text(encoding="utf8")
    assert note.startswith("DO NOT PRINT job job_1: it is not yours any more.")
    assert not (tmp_path / "jobs" / "job_1").exists()
    assert fabroute.steps()[-1] == "POST heartbeat"


def test_prints_that_were_made_before_the_lease_was_lost_are_told_once(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        fabroute.faults.append(once("reports", DROPPED))
        bureau.drop("printed.json", {"result": "good"})
        bureau.work_in_spite_of(1)
        fabroute.take_away("job_1")
        bureau.beat()
        bureau.work(3)
        assert (bureau.record().stage, bureau.record().errands) == ("lost", ())
    assert fabroute.steps().count("POST reports") == 2


def test_a_job_that_was_lost_may_be_claimed_again_under_a_new_lease(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        fabroute.take_away("job_1")
        bureau.beat()
        job = fabroute.jobs["job_1"]
        job.state, job.lease_id = "offered", ""
        bureau.once()
        assert (bureau.record().stage, bureau.record().epoch) == ("placed", 3)


def test_a_cancel_is_agreed_to_where_nothing_was_started_and_nobody_need_be_asked(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute, cancellations="agree_unstarted") as bureau:
        placed(bureau)
        fabroute.jobs["job_1"].cancel_requested = True
        bureau.beat()
        bureau.work()
        assert bureau.record().stage == "cancelled"
    assert fabroute.jobs["job_1"].calls == [("cancellation", {"agreed": True, "reason": "nothing was started"})]
    assert (tmp_path / "cancelled" / "job_1" / "CANCEL-REQUESTED.txt").exists()


@pytest.mark.parametrize(("agreed", "stage"), [(True, "cancelled"), (False, "placed")])
def test_otherwise_a_person_answers_a_cancel(agreed: bool, stage: str, tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        fabroute.jobs["job_1"].cancel_requested = True
        bureau.beat()
        bureau.work()
        assert fabroute.jobs["job_1"].calls == []
        assert "asks to cancel" in (tmp_path / "jobs" / "job_1" / "CANCEL-REQUESTED.txt").read_text(encoding="utf8")
        bureau.drop("cancellation.json", {"agreed": agreed, "reason": "one is printed"})
        bureau.work()
        assert bureau.record().stage == stage
    assert fabroute.jobs["job_1"].calls == [("cancellation", {"agreed": agreed, "reason": "one is printed"})]


def test_a_node_with_a_poor_link_holds_its_jobs_for_hours(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute, offline_hours=12) as bureau:
        placed(bureau)
        assert bureau.record().lease_kind == "offline"
    assert fabroute.jobs["job_1"].calls == [("offline-lease", {"hours": 12})]


# ---------------------------------------------------------------- what may go wrong here


def test_a_result_that_nobody_can_read_waits_until_it_is_mended(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        broken = bureau.bench.folder_of("job_1") / "printed.json"
        broken.write_text('{"result": "good"', encoding="utf-8")
        bureau.work(2)
        assert "printed.json is no JSON" in bureau.record().trouble
        assert sum("printed.json is no JSON" in line for line in bureau.said) == 1
        broken.write_text('{"result": "good"}', encoding="utf-8")
        bureau.work()
        assert bureau.record().trouble == ""
    assert list(fabroute.jobs["job_1"].reports) == [1]


def test_a_result_waits_for_the_evidence_that_it_names(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        bureau.drop("printed.json", {"result": "failed", "evidence": "crack.jpg"})
        bureau.work()
        assert "names crack.jpg: put that into evidence/" in bureau.record().trouble
        (bureau.bench.folder_of("job_1") / "evidence" / "crack.jpg").write_bytes(b"photo")
        bureau.work()
    assert fabroute.jobs["job_1"].reports[1]["data"] == {"result": "failed", "evidence_id": "evd_crack.jpg"}


def test_what_fabroute_refuses_is_put_aside_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    fabroute.faults.append(once("cancellation", problem(409, "nothing_to_cancel", "nobody asked")))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        bureau.drop("cancellation.json", {"agreed": True})
        bureau.drop("started-2.json", {})
        bureau.work()
        bureau.drop("failed.json", {"reason": "too thin"})
        bureau.work()
        assert bureau.record().errands == ()
    note = next(tmp_path.glob("*/job_1/*.refused.txt"))
    assert (note.name, note.read_text(encoding="utf8").splitlines()[1]) == (
        "call-cancellation.refused.txt",
        "nobody asked",
    )
    assert fabroute.jobs["job_1"].calls == [("failure", {"reason": "too thin"})]


def test_one_job_that_is_refused_does_not_hold_up_the_others(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"), FakeJob(job_id="job_2"))
    fabroute.faults.append(once("job_1/acceptance", problem(409, "job_unqualified", "its certificate has run out")))
    with a_bureau(tmp_path, fabroute) as bureau:
        bureau.claim()
        bureau.work(3)
        assert (bureau.record().stage, bureau.record().trouble) == ("claimed", "its certificate has run out")
        assert bureau.record("job_2").stage == "placed"


def test_two_connectors_never_work_in_one_folder(tmp_path: Path) -> None:
    with (
        a_bureau(tmp_path, FakeFabroute()),
        pytest.raises(FolderInUse, match="another fabroute bureau works in"),
        a_bureau(tmp_path, FakeFabroute()),
    ):
        pass
    with a_bureau(tmp_path, FakeFabroute()) as again:
        assert again.bench.records.all() == ()


def test_a_crash_between_taking_a_result_and_moving_it_reports_it_once(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        path = bureau.drop("printed.json", {"result": "good"})
        bureau.work()
        reported = next((path.parent / "reported").iterdir())
        reported.rename(path)  # as if the move had never been made
    with a_bureau(tmp_path, fabroute) as restarted:
        restarted.work(2)
        assert not path.exists()
    assert list(fabroute.jobs["job_1"].reports) == [1]


def test_a_look_at_the_list_costs_nothing_where_nothing_changed_and_tells_of_holds_and_cancels(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with a_bureau(tmp_path, fabroute) as bureau:
        placed(bureau)
        watcher = Watcher(bureau.bench)
        assert [watcher.step() for _ in range(2)] == [30.0, 30.0]
        fabroute.jobs["job_1"].state = "held"
        watcher.step()
        assert bureau.record().trouble == "held by fabroute: no reason was given"
        row = {
            "id": "job_1",
            "state": "accepted",
            "cancel_requested_at": "2026-11-22T12:00:00Z",
            "cancel_reason": "late",
        }
        fabroute.faults.append(once("jobs", json_answer({"data": [row]})))
        watcher.step()
        assert bureau.record().cancel_requested
        assert bureau.said[-1] == "job_1: the customer asks to cancel: late"
    looks = [asked for asked in fabroute.asked if "/jobs?" in asked.path]
    assert ["if-none-match" in asked.headers for asked in looks] == [False, True, True, True]
