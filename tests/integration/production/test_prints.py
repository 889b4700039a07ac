"""What a bureau tells of its prints, with evidence; reprints, which the owner grants."""

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.production.service import (
    EvidenceExists,
    FileNotFetched,
    InvalidEvidence,
    InvalidPrint,
    InvalidReprint,
    JobStateConflict,
    JobUnqualified,
    NewEvidence,
    NewReprint,
    NoPrintsLeft,
    NotTheNode,
    NotTheOwner,
    PrintConflict,
    PrintReport,
    PrintView,
    ReprintConflict,
    ReprintDecision,
    ReprintView,
    UnknownEvidence,
    UnknownJob,
    UnknownReprint,
    add_evidence,
    decide_reprint,
    get_evidence,
    get_job,
    get_reprint,
    list_evidence,
    list_prints,
    list_reprints,
    report_print,
    request_reprint,
    take_back_job,
)
from fabroute.production.service.leases import ReportedLate
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, a_photo, key_of

GRANT = ReprintDecision(granted=True)
REFUSE = ReprintDecision(granted=False, reason="the part is not needed any more")


def report(floor: Floor, job_id: str, it: PrintReport, who: Principal = BUREAU_KEY) -> PrintView:
    return floor.do(lambda session: report_print(session, principal=who, job_id=job_id, report=it, now=NOW))


def request(floor: Floor, job_id: str, it: NewReprint, who: Principal = BUREAU_KEY) -> ReprintView:
    return floor.do(lambda session: request_reprint(session, principal=who, job_id=job_id, request=it, now=NOW))


def decide(floor: Floor, request_id: str, it: ReprintDecision, who: Principal) -> ReprintView:
    return floor.do(lambda session: decide_reprint(session, principal=who, request_id=request_id, decision=it, now=NOW))


def add(floor: Floor, job_id: str, it: NewEvidence, who: Principal = BUREAU_KEY) -> str:
    return floor.do(
        lambda session: add_evidence(session, principal=who, job_id=job_id, evidence=it, now=NOW)
    ).evidence_id


def in_production(floor: Floor, quantity: int = 1) -> str:
    job_id = floor.accepted(quantity)
    floor.fetched(job_id)
    return job_id


def counted(floor: Floor) -> list[tuple[object, ...]]:
    return floor.table("SELECT good_prints, failed_prints, granted_reprints FROM jobs")


def a_failed_print(floor: Floor, quantity: int = 1) -> tuple[str, NewReprint]:
    job_id = in_production(floor, quantity)
    floor.printed(job_id, "failed")
    return job_id, NewReprint(print_number=1, reason="warped off the plate", evidence_id=floor.photographed(job_id))


def test_prints_are_numbered_counted_told_and_audited(floor: Floor) -> None:
    job_id = in_production(floor, 3)
    photo = floor.photographed(job_id)

    first = report(floor, job_id, PrintReport(result="good", serial="SN-1", note="bed 4"))
    second = report(floor, job_id, PrintReport(result="failed", evidence_id=photo))

    assert (first.number, first.result, first.serial, first.note) == (1, "good", "SN-1", "bed 4")
    assert (second.number, second.result, second.evidence_id) == (2, "failed", photo)
    assert (first.reported_by, first.reported_at) == ("key_bureau", NOW)
    assert counted(floor) == [(1, 1, 0)]
    assert floor.told("job.print_reported") == [job_id, job_id]
    assert floor.audited("job.print_reported")[0] == (
        "key_bureau",
        job_id,
        {"node_id": "N101", "number": 1, "result": "good"},
    )


def test_a_report_that_is_repeated_counts_once(floor: Floor) -> None:
    job_id = in_production(floor, 3)
    it = PrintReport(result="good", serial="SN-1", number=1)

    assert report(floor, job_id, it) == report(floor, job_id, it)
    assert counted(floor) == [(1, 0, 0)]


def test_a_report_with_other_facts_or_too_far_ahead_is_refused(floor: Floor) -> None:
    job_id = in_production(floor, 3)
    report(floor, job_id, PrintReport(result="good", number=1))

    with pytest.raises(PrintConflict, match=r"print 1 of .* was reported as good with other facts"):
        report(floor, job_id, PrintReport(result="failed", number=1))
    with pytest.raises(PrintConflict, match="can't be reported yet: 2 comes next") as refusal:
        report(floor, job_id, PrintReport(result="good", number=3))
    assert (refusal.value.code, refusal.value.status) == ("print_conflict", 409)
    assert counted(floor) == [(1, 0, 0)]


def test_nobody_prints_a_file_that_was_never_fetched(floor: Floor) -> None:
    job_id = floor.accepted()

    with pytest.raises(FileNotFetched, match="was never fetched") as refusal:
        floor.printed(job_id, "good")
    assert (refusal.value.code, refusal.value.status) == ("file_not_fetched", 409)
    assert counted(floor) == [(0, 0, 0)]


def test_more_good_prints_than_ordered_are_refused_for_the_audit_log(floor: Floor) -> None:
    job_id = in_production(floor, 2)
    floor.printed(job_id, "good")
    floor.printed(job_id, "good")

    with pytest.raises(NoPrintsLeft, match="is for 2 good prints; 2 good and 0 failed ones are reported") as refusal:
        floor.printed(job_id, "good")
    assert (refusal.value.code, refusal.value.status) == ("no_prints_left", 409)
    entry = refusal.value.entry
    assert (entry.action, entry.actor, entry.subject_id) == ("print.refused", "key_bureau", job_id)
    assert entry.data == {"quantity": 2, "good": 2, "failed": 0, "granted_reprints": 0}
    assert counted(floor) == [(2, 0, 0)]


def test_a_good_print_needs_every_gate_open_a_failed_one_is_only_told(floor: Floor) -> None:
    job_id = in_production(floor, 2)
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")

    with pytest.raises(JobUnqualified, match="can't be printed: CERTIFICATE_MISSING"):
        floor.printed(job_id, "good")
    assert floor.printed(job_id, "failed").number == 1
    assert counted(floor) == [(0, 1, 0)]


@pytest.mark.parametrize("state", ["offered", "held"])
def test_prints_of_a_job_that_is_not_accepted_are_refused(floor: Floor, state: str) -> None:
    job_id = in_production(floor)
    floor.table(f"UPDATE jobs SET state = '{state}', held_reason = 'LOT_BLOCKED' RETURNING 1")

    with pytest.raises(JobStateConflict, match=f"is {state}, so it can't be printed"):
        floor.printed(job_id, "good")
    assert counted(floor) == [(0, 0, 0)]


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_print_of_a_job_that_was_taken_from_its_node_is_refused_and_comes_to_a_person(
    floor: Floor, state: str
) -> None:
    job_id = in_production(floor)
    floor.table(f"UPDATE jobs SET state = '{state}', ended_at = accepted_at RETURNING 1")

    with pytest.raises(ReportedLate, match=f"it is {state}") as refusal:
        floor.printed(job_id, "good")
    assert (refusal.value.late.physical.what, refusal.value.late.physical.quantity) == ("print", 1)
    assert counted(floor) == [(0, 0, 0)]


def test_only_the_node_and_the_operator_report_prints(floor: Floor) -> None:
    job_id = in_production(floor)

    with pytest.raises(NotTheNode):
        report(floor, job_id, PrintReport(result="good"), key_of(floor.owner))
    with pytest.raises(UnknownJob):
        report(floor, job_id, PrintReport(result="good"), RIVAL_KEY)
    assert report(floor, job_id, PrintReport(result="good"), OPERATOR_KEY).reported_by == "key_operator"


def test_a_print_that_says_too_much_or_the_wrong_thing_is_refused() -> None:
    with pytest.raises(InvalidPrint) as refusal:
        PrintReport(result="perfect", serial="1" * 121, note="x" * 1001)
    assert [problem.pointer for problem in refusal.value.problems] == ["/result", "/serial", "/note"]
    assert "use good or failed" in refusal.value.message


def test_prints_are_read_in_pages_by_those_who_see_the_job(floor: Floor) -> None:
    job_id = in_production(floor, 12)
    for _ in range(11):
        floor.printed(job_id, "good")

    def numbers(cursor: str | None, who: Principal = BUREAU_KEY) -> tuple[list[int], str | None]:
        page = floor.do(lambda session: list_prints(session, principal=who, job_id=job_id, cursor=cursor, limit=10))
        return [item.number for item in page.items], page.next_cursor

    assert numbers(None) == (list(range(1, 11)), "10")
    assert numbers("10", key_of(floor.owner)) == ([11], None)
    with pytest.raises(UnknownJob):
        numbers(None, RIVAL_KEY)


def test_evidence_is_kept_under_its_name_and_never_changes(floor: Floor) -> None:
    job_id = floor.accepted()

    first = add(floor, job_id, a_photo())
    again = add(floor, job_id, a_photo())
    with pytest.raises(EvidenceExists, match=r"other evidence called 'crack\.jpg'") as refusal:
        add(floor, job_id, a_photo(content=b"another photo"))

    assert first == again
    assert (refusal.value.code, refusal.value.status) == ("evidence_exists", 409)
    photo = floor.do(
        lambda session: get_evidence(session, principal=key_of(floor.owner), job_id=job_id, name="crack.jpg")
    )
    assert (photo.evidence_id, photo.kind, photo.sha256) == (first, "photo", a_photo().sha256)
    data = {"name": "crack.jpg", "kind": "photo", "sha256": a_photo().sha256}
    assert floor.audited("job.evidence_added") == [("key_bureau", job_id, data)]


def test_evidence_is_listed_in_pages_and_hidden_from_rivals(floor: Floor) -> None:
    job_id = floor.accepted()
    ids = sorted(add(floor, job_id, a_photo(name=f"photo-{number}.jpg")) for number in range(3))

    def read(cursor: str | None, who: Principal = BUREAU_KEY) -> list[str]:
        page = floor.do(lambda session: list_evidence(session, principal=who, job_id=job_id, cursor=cursor, limit=2))
        return [item.evidence_id for item in page.items]

    assert read(None) == ids[:2]
    assert read(ids[1], key_of(floor.owner)) == ids[2:]
    with pytest.raises(UnknownJob):
        read(None, RIVAL_KEY)
    with pytest.raises(UnknownEvidence, match="has no evidence 'none'"):
        floor.do(lambda session: get_evidence(session, principal=BUREAU_KEY, job_id=job_id, name="none"))


def test_evidence_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidEvidence) as refusal:
        NewEvidence(kind="rumour", name="../x", media_type="text/plain", size_bytes=0, sha256="0" * 64, head=b"")
    assert [problem.pointer for problem in refusal.value.problems] == ["/kind", "/name", ""]
    with pytest.raises(ValueError, match="no SHA-256"):
        NewEvidence(kind="photo", name="x", media_type="image/jpeg", size_bytes=2, sha256="abc", head=b"\xff\xd8")
    with pytest.raises(InvalidEvidence, match="the content is no image/png: send a photo"):
        NewEvidence(kind="photo", name="x", media_type="image/png", size_bytes=2, sha256="0" * 64, head=b"1;")


def test_evidence_of_a_cancelled_job_or_by_others_is_refused(floor: Floor) -> None:
    job_id = floor.accepted()
    with pytest.raises(NotTheNode):
        add(floor, job_id, a_photo(), key_of(floor.owner))
    floor.table("UPDATE jobs SET state = 'cancelled' RETURNING 1")

    with pytest.raises(JobStateConflict, match="can't be given evidence"):
        add(floor, job_id, a_photo())
    assert floor.table("SELECT id FROM job_evidence") == []


def test_a_print_names_only_evidence_of_its_own_job(floor: Floor) -> None:
    job_id, other = in_production(floor), in_production(floor)
    photo = floor.photographed(other)

    with pytest.raises(UnknownEvidence):
        report(floor, job_id, PrintReport(result="failed", evidence_id=photo))
    with pytest.raises(UnknownEvidence):
        report(floor, job_id, PrintReport(result="failed", evidence_id="evd_none"))
    assert floor.table("SELECT job_id FROM print_records") == []


def test_a_granted_reprint_allows_one_more_try(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor)
    with pytest.raises(NoPrintsLeft):
        floor.printed(job_id, "good")

    asked = request(floor, job_id, wish)
    granted = decide(floor, asked.request_id, GRANT, key_of(floor.owner))

    assert (asked.state, asked.print_number, asked.requested_by) == ("requested", 1, "key_bureau")
    assert (granted.state, granted.decided_by, granted.decided_at) == ("granted", floor.owner.key_id, NOW)
    assert floor.printed(job_id, "good").number == 2
    assert counted(floor) == [(1, 1, 1)]
    with pytest.raises(NoPrintsLeft):
        floor.printed(job_id, "good")
    assert floor.told("reprint.requested") == floor.told("reprint.granted") == [asked.request_id]


def test_a_reprint_is_asked_for_once_and_decided_once(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor)
    asked = request(floor, job_id, wish)
    other = NewReprint(print_number=1, reason="another story", evidence_id=wish.evidence_id)

    assert request(floor, job_id, wish) == asked
    with pytest.raises(ReprintConflict, match="was asked for already"):
        request(floor, job_id, other)
    granted = decide(floor, asked.request_id, GRANT, key_of(floor.owner))
    assert decide(floor, asked.request_id, GRANT, key_of(floor.owner)) == granted
    with pytest.raises(ReprintConflict, match="is granted already") as refusal:
        decide(floor, asked.request_id, REFUSE, key_of(floor.owner))
    assert (refusal.value.code, refusal.value.status) == ("reprint_conflict", 409)
    assert counted(floor) == [(0, 1, 1)]


def test_a_refused_reprint_grants_nothing_and_says_why(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor)

    refused = decide(floor, request(floor, job_id, wish).request_id, REFUSE, key_of(floor.owner))

    assert (refused.state, refused.decision_reason) == ("refused", REFUSE.reason)
    assert counted(floor) == [(0, 1, 0)]
    data = {"request": refused.request_id, "print": 1, "reason": REFUSE.reason}
    assert floor.audited("reprint.refused") == [(floor.owner.key_id, job_id, data)]
    with pytest.raises(InvalidReprint, match="say why"):
        ReprintDecision(granted=False)


def test_a_reprint_needs_a_failed_print_a_reason_and_evidence(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor, quantity=2)
    floor.printed(job_id, "good")

    for number in (2, 3):
        with pytest.raises(InvalidReprint, match="was not reported as failed") as refusal:
            request(floor, job_id, NewReprint(print_number=number, reason="why", evidence_id=wish.evidence_id))
        assert refusal.value.problems[0].pointer == "/print_number"
    with pytest.raises(UnknownEvidence):
        request(floor, job_id, NewReprint(print_number=1, reason="why", evidence_id="evd_none"))
    with pytest.raises(InvalidReprint, match="1 to 1,000 characters"):
        NewReprint(print_number=1, reason="", evidence_id=wish.evidence_id)
    assert floor.table("SELECT id FROM reprint_requests") == []


def test_the_node_asks_and_the_owner_decides_and_nobody_else(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor)
    with pytest.raises(NotTheNode):
        request(floor, job_id, wish, key_of(floor.owner))
    asked = request(floor, job_id, wish)

    for bystander in (BUREAU_KEY, OPERATOR_KEY):
        with pytest.raises(NotTheOwner, match="this is for its owner to decide") as refusal:
            decide(floor, asked.request_id, GRANT, bystander)
        assert (refusal.value.code, refusal.value.status) == ("not_the_owner", 403)
    assert floor.table("SELECT state, decided_by FROM reprint_requests") == [("requested", None)]
    for stranger, request_id in ((RIVAL_KEY, asked.request_id), (BUREAU_KEY, "rep_none")):
        with pytest.raises(UnknownReprint):
            decide(floor, request_id, GRANT, stranger)
        with pytest.raises(UnknownReprint), unit_of_work(floor.engine) as session:
            get_reprint(session, principal=stranger, request_id=request_id)
    assert decide(floor, asked.request_id, GRANT, key_of(floor.owner)).decided_by == floor.owner.key_id


def test_requests_are_listed_for_the_owner_the_node_and_the_operator(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor, quantity=2)
    floor.printed(job_id, "failed")
    first = request(floor, job_id, wish)
    second = request(floor, job_id, NewReprint(print_number=2, reason="again", evidence_id=wish.evidence_id))
    decide(floor, first.request_id, GRANT, key_of(floor.owner))

    def read(who: Principal, state: str | None = None, cursor: str | None = None, limit: int = 10) -> list[str]:
        page = floor.do(lambda session: list_reprints(session, principal=who, state=state, cursor=cursor, limit=limit))
        return [item.request_id for item in page.items]

    both = [first.request_id, second.request_id]
    for who in (key_of(floor.owner), BUREAU_KEY, OPERATOR_KEY):
        assert sorted(read(who)) == sorted(both)
        assert read(who, "requested") == [second.request_id]
    assert read(RIVAL_KEY) == []
    assert read(OPERATOR_KEY, limit=1) + read(OPERATOR_KEY, cursor=sorted(both)[0]) == sorted(both)
    with pytest.raises(InvalidReprint, match="never 'lost'"):
        read(OPERATOR_KEY, "lost")
    assert floor.do(lambda session: get_reprint(session, principal=BUREAU_KEY, request_id=both[0])).state == "granted"


def test_a_job_that_was_taken_back_gets_no_reprint(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor)
    asked = request(floor, job_id, wish)
    floor.do(lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="lost", now=NOW))

    with pytest.raises(JobStateConflict, match="can't be printed again"):
        decide(floor, asked.request_id, GRANT, key_of(floor.owner))
    assert counted(floor) == [(0, 1, 0)]
    assert decide(floor, asked.request_id, REFUSE, key_of(floor.owner)).state == "refused"


def test_a_view_says_how_many_tries_are_left(floor: Floor) -> None:
    job_id, wish = a_failed_print(floor, quantity=2)
    decide(floor, request(floor, job_id, wish).request_id, GRANT, key_of(floor.owner))
    floor.printed(job_id, "good")

    job = floor.do(lambda session: get_job(session, principal=key_of(floor.owner), job_id=job_id))
    assert (job.good_prints, job.failed_prints, job.granted_reprints, job.prints_left) == (1, 1, 1, 1)
    floor.printed(job_id, "good")
    done = floor.do(lambda session: get_job(session, principal=key_of(floor.owner), job_id=job_id))
    assert (done.prints_left, done.file_available, done.state) == (0, False, "in_production")
