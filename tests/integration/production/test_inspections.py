"""Inspections, scrap and certificates of conformity on the record of a job."""

import base64
import hashlib
import json
from datetime import timedelta

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.network.service import Keeper, refresh_lot
from fabroute.production.service import (
    JobStateConflict,
    NewEvidence,
    NewReprint,
    NoPrintsLeft,
    NotTheNode,
    PrintReport,
    ReprintDecision,
    UnknownEvidence,
    UnknownJob,
    add_evidence,
    decide_reprint,
    report_print,
    request_reprint,
)
from fabroute.production.service.conformity import (
    CertificateView,
    NotInspected,
    PartsRecalled,
    UnknownConformityCertificate,
    UnknownPassport,
    certify_inspected,
    find_passport,
    get_certificate,
    issue_certificate,
    list_certificates,
    part_record,
    withdraw_certificates,
)
from fabroute.production.service.inspection import (
    InspectionDone,
    InspectionFailedBefore,
    InspectionResult,
    InvalidInspection,
    Measurement,
    NewInspection,
    PrintMismatch,
    Scrap,
    UnknownPrint,
    list_inspections,
    report_inspection,
    scrap_print,
)
from fabroute.production.service.inspection.serials import SerialTaken
from fabroute.production.service.recall import RecallRequest, recall_lots
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of
from tests.fakes.signer import FakeSigner

PLAN = [{"name": "bore", "kind": "diameter", "nominal_mm": 8.0, "lower_mm": 7.98, "upper_mm": 8.02}]
SIGNER = FakeSigner()


def asks_for(floor: Floor, level: str) -> None:
    plan = json.dumps(PLAN if level == "dimensional" else [])
    floor.table(f"UPDATE part_revisions SET inspection_level = '{level}', inspection_plan = '{plan}' RETURNING 1")


def made(floor: Floor, quantity: int, *, level: str) -> str:
    asks_for(floor, level)
    job_id = floor.accepted(quantity)
    floor.fetched(job_id)
    for _ in range(quantity):
        floor.printed(job_id, "good")
    return job_id


def inspected(floor: Floor, job_id: str, it: NewInspection, who: Principal = BUREAU_KEY) -> InspectionDone:
    return floor.do(lambda session: report_inspection(session, principal=who, job_id=job_id, inspection=it, now=NOW))


def bore(
    value: float,
    number: int | None = 1,
    *,
    claimed: InspectionResult | None = None,
    note: str = "",
    evidence: str | None = None,
    serial: str = "",
) -> NewInspection:
    return NewInspection(
        level="dimensional",
        inspector="A. Weber",
        print_number=number,
        serial=serial,
        measurements=(Measurement(name="bore", value_mm=value),),
        claimed=claimed,
        note=note,
        evidence=evidence,
    )


def looked_at(number: int | None = None, level: str = "visual", evidence: str | None = None) -> NewInspection:
    return NewInspection(level=level, inspector="A. Weber", print_number=number, evidence=evidence)


def scrapped(floor: Floor, job_id: str, number: int, evidence: str) -> str:
    it = Scrap(reason="bore over its limit", evidence=evidence)
    view = floor.do(
        lambda session: scrap_print(session, principal=BUREAU_KEY, job_id=job_id, number=number, scrap=it, now=NOW)
    )
    return view.scrap_reason


def state_of(floor: Floor, job_id: str) -> object:
    return floor.table(f"SELECT state FROM jobs WHERE id = '{job_id}'")[0][0]


def certified(floor: Floor, job_id: str, who: Principal = BUREAU_KEY) -> CertificateView:
    return floor.do(lambda session: issue_certificate(session, principal=who, job_id=job_id, signer=SIGNER, now=NOW))


def test_a_part_that_needs_no_inspection_is_inspected_with_its_last_good_print(floor: Floor) -> None:
    job_id = made(floor, 2, level="none")

    assert floor.table("SELECT state, inspected_at, started_at FROM jobs") == [("inspected", NOW, NOW)]
    assert floor.told("job.started") == floor.told("job.inspected") == [job_id]
    with pytest.raises(NoPrintsLeft, match="is for 2 good prints"):
        floor.printed(job_id, "good")


def test_a_look_at_the_whole_job_finishes_it_once_all_prints_are_made(floor: Floor) -> None:
    asks_for(floor, "visual")
    job_id = floor.accepted(2)
    floor.fetched(job_id)
    floor.printed(job_id, "good")
    early = inspected(floor, job_id, looked_at())
    floor.printed(job_id, "good")

    assert (early.job.state, early.inspection.through_print) == ("in_production", 1)
    assert state_of(floor, job_id) == "in_production"
    assert inspected(floor, job_id, looked_at()).job.state == "inspected"
    assert floor.table("SELECT count(*) FROM inspections") == [(2,)]


def test_the_same_inspection_again_counts_once(floor: Floor) -> None:
    job_id = made(floor, 1, level="dimensional")

    first = inspected(floor, job_id, bore(8.0))
    again = inspected(floor, job_id, bore(8.0))

    assert (first.job.state, again.job.state) == ("inspected", "inspected")
    assert first.inspection == again.inspection
    assert floor.told("job.inspection_reported") == [job_id]


def test_a_bore_over_its_limit_stops_the_job_whatever_is_claimed(floor: Floor) -> None:
    job_id = made(floor, 1, level="dimensional")

    done = inspected(floor, job_id, bore(8.05, claimed="pass"))

    assert (done.inspection.result, done.inspection.findings) == ("fail", ("bore 8.05 mm, limit 8.02",))
    assert done.job.state == "in_production"
    with pytest.raises(InspectionFailedBefore, match=r"bore 8\.05 mm, limit 8\.02.*scrap it") as refusal:
        inspected(floor, job_id, bore(8.0))
    assert (refusal.value.code, refusal.value.status) == ("inspection_failed_before", 409)
    with pytest.raises(NotInspected, match="is in_production"):
        certified(floor, job_id)


def test_a_part_that_was_put_right_is_inspected_again_with_note_and_evidence(floor: Floor) -> None:
    job_id = made(floor, 1, level="dimensional")
    inspected(floor, job_id, bore(7.9))
    floor.photographed(job_id)

    done = inspected(floor, job_id, bore(8.0, note="reamed", evidence="crack.jpg"))

    assert (done.inspection.result, done.job.state) == ("pass", "inspected")
    assert [it.result for it in floor.do(lambda session: part_record(session, job_id=job_id)).inspections] == [
        "fail",
        "pass",
    ]


def test_a_failed_inspection_of_an_inspected_job_opens_it_again(floor: Floor) -> None:
    job_id = made(floor, 1, level="none")

    done = inspected(floor, job_id, NewInspection(level="visual", inspector="B", print_number=1, claimed="fail"))

    assert (done.job.state, done.job.inspected_at) == ("in_production", None)
    assert done.inspection.findings == ("the inspector failed it",)
    assert floor.told("job.reopened") == [job_id]


def test_what_is_missing_is_named_at_once(floor: Floor) -> None:
    job_id = made(floor, 1, level="dimensional")

    with pytest.raises(InvalidInspection) as refusal:
        inspected(floor, job_id, NewInspection(level="dimensional", inspector="A. Weber"))
    assert [problem.pointer for problem in refusal.value.problems] == [
        "/measurements",
        "/print_number",
        "/measurements",
    ]
    assert "bore (diameter, 7.98 to 8.02 mm) is in the plan: add it" in refusal.value.message
    with pytest.raises(InvalidInspection) as nothing:
        NewInspection(level="thorough", inspector=" ")
    assert [problem.pointer for problem in nothing.value.problems] == ["/level", "/inspector"]


@pytest.mark.parametrize("level", ["ct", "test_report"])
def test_ct_and_test_reports_need_their_report(floor: Floor, level: str) -> None:
    job_id = made(floor, 2, level=level)
    floor.photographed(job_id)
    report = NewEvidence(
        kind="report",
        name="scan.pdf",
        media_type="application/pdf",
        size_bytes=8,
        sha256=hashlib.sha256(b"%PDF-1.7").hexdigest(),
        head=b"%PDF-1.7",
    )
    floor.do(lambda session: add_evidence(session, principal=BUREAU_KEY, job_id=job_id, evidence=report, now=NOW))

    for evidence in (None, "crack.jpg"):
        with pytest.raises(InvalidInspection, match="needs its report: evidence of the kind report"):
            inspected(floor, job_id, looked_at(level=level, evidence=evidence))
    assert inspected(floor, job_id, looked_at(level=level, evidence="scan.pdf")).job.state == "inspected"


def test_an_inspection_of_another_jobs_part_is_told_apart(floor: Floor) -> None:
    other = made(floor, 2, level="dimensional")
    job_id = made(floor, 1, level="dimensional")
    floor.photographed(other)

    with pytest.raises(UnknownPrint, match="another job's part") as unknown:
        inspected(floor, job_id, bore(8.0, 2))
    with pytest.raises(PrintMismatch, match="the inspection is of another part") as mismatch:
        inspected(floor, job_id, bore(8.0, 1, serial="SN-OTHER"))
    with pytest.raises(UnknownEvidence):
        inspected(floor, job_id, bore(8.0, 1, evidence="crack.jpg"))
    with pytest.raises(UnknownJob):
        inspected(floor, job_id, bore(8.0), RIVAL_KEY)
    with pytest.raises(NotTheNode):
        inspected(floor, job_id, bore(8.0), key_of(floor.owner))
    assert [(it.value.code, it.value.status) for it in (unknown, mismatch)] == [
        ("unknown_print", 404),
        ("print_mismatch", 409),
    ]
    assert floor.table("SELECT id FROM inspections") == []


def test_nothing_is_inspected_before_it_is_printed(floor: Floor) -> None:
    asks_for(floor, "visual")
    job_id = floor.accepted()

    with pytest.raises(JobStateConflict, match="can't be inspected"):
        inspected(floor, job_id, looked_at())
    floor.fetched(job_id)
    floor.printed(job_id, "failed")
    with pytest.raises(PrintMismatch, match=r"print 1 of .* failed"):
        inspected(floor, job_id, looked_at(1))


def test_inspections_are_listed_for_those_who_see_the_job(floor: Floor) -> None:
    job_id = made(floor, 3, level="dimensional")
    ids = [inspected(floor, job_id, bore(8.0, number)).inspection.inspection_id for number in (1, 2, 3)]

    def read(cursor: str | None, who: Principal) -> list[str]:
        page = floor.do(lambda session: list_inspections(session, principal=who, job_id=job_id, cursor=cursor, limit=2))
        return [view.inspection_id for view in page.items]

    assert read(None, BUREAU_KEY) == sorted(ids)[:2]
    assert read(sorted(ids)[1], key_of(floor.owner)) == sorted(ids)[2:]
    with pytest.raises(UnknownJob):
        read(None, RIVAL_KEY)


def test_a_scrapped_print_counts_as_failed_and_is_made_again_once_granted(floor: Floor) -> None:
    job_id = made(floor, 2, level="dimensional")
    inspected(floor, job_id, bore(8.0, 1))
    inspected(floor, job_id, bore(8.05, 2))
    photo = floor.photographed(job_id)

    assert scrapped(floor, job_id, 2, photo) == scrapped(floor, job_id, 2, "crack.jpg") == "bore over its limit"
    assert floor.table("SELECT good_prints, failed_prints, scrapped_prints FROM jobs") == [(1, 1, 1)]
    with pytest.raises(NoPrintsLeft):
        floor.printed(job_id, "good")
    wish = NewReprint(print_number=2, reason="bore over its limit", evidence_id=photo)
    asked = floor.do(
        lambda session: request_reprint(session, principal=BUREAU_KEY, job_id=job_id, request=wish, now=NOW)
    )
    floor.do(
        lambda session: decide_reprint(
            session,
            principal=key_of(floor.owner),
            request_id=asked.request_id,
            decision=ReprintDecision(granted=True),
            now=NOW,
        )
    )
    assert floor.printed(job_id, "good").number == 3
    assert inspected(floor, job_id, bore(8.01, 3)).job.state == "inspected"
    assert floor.told("job.print_scrapped") == [job_id]


def test_a_print_is_scrapped_for_a_reason_with_evidence_while_it_is_at_the_node(floor: Floor) -> None:
    job_id = made(floor, 1, level="visual")
    floor.photographed(job_id)

    with pytest.raises(UnknownPrint):
        scrapped(floor, job_id, 9, "crack.jpg")
    with pytest.raises(UnknownEvidence):
        scrapped(floor, job_id, 1, "none.jpg")
    floor.table("UPDATE jobs SET state = 'shipped' RETURNING 1")
    with pytest.raises(JobStateConflict, match="is shipped"):
        scrapped(floor, job_id, 1, "crack.jpg")
    assert floor.table("SELECT scrapped_at FROM print_records") == [(None,)]


def test_each_good_print_has_a_serial_and_a_passport_of_its_own(floor: Floor) -> None:
    asks_for(floor, "visual")
    job_id = floor.accepted(2)
    floor.fetched(job_id)

    def printed(serial: str) -> str:
        it = PrintReport(result="good", serial=serial)
        return floor.do(
            lambda session: report_print(session, principal=BUREAU_KEY, job_id=job_id, report=it, now=NOW)
        ).serial

    own = printed("SN-1")
    with pytest.raises(SerialTaken, match="each part has its own"):
        printed("SN-1")
    made_up = printed("")

    assert (own, made_up) == ("SN-1", f"{job_id[-10:].upper()}-2")
    tokens = [str(row[0]) for row in floor.table("SELECT token FROM passports ORDER BY print_number")]
    assert len(set(tokens)) == 2
    assert min(len(token) for token in tokens) == 32
    passport = floor.do(lambda session: find_passport(session, token=tokens[1]))
    assert (passport.part.serial, passport.part.number, passport.record.job_id) == (made_up, 2, job_id)
    with pytest.raises(UnknownPassport):
        floor.do(lambda session: find_passport(session, token="nobody-guesses-this"))


def test_a_certificate_says_what_is_on_record_and_is_made_once(floor: Floor) -> None:
    job_id = made(floor, 2, level="dimensional")
    inspected(floor, job_id, bore(8.0, 1))
    inspected(floor, job_id, bore(8.01, 2))

    floor.do(lambda session: certify_inspected(session, job_id=job_id, signer=SIGNER, now=NOW))
    certificate = certified(floor, job_id)

    (listed,) = floor.do(lambda session: list_certificates(session, principal=key_of(floor.owner), job_id=job_id))
    assert listed == certificate
    digest = hashlib.sha256(certificate.statement.encode())
    assert certificate.sha256 == digest.hexdigest()
    assert certificate.signature == base64.b64encode(digest.digest()).decode()
    said = json.loads(certificate.statement)
    assert (said["job_id"], said["certificate_id"], said["number"]) == (job_id, certificate.certificate_id, 1)
    record = floor.do(lambda session: part_record(session, job_id=job_id))
    assert said["revision"]["file_sha256"] == record.revision.file_sha256 != ""
    assert (said["lot"]["lot_id"], said["maker"]["machine_id"]) == ("lot_1", "N101-A")
    assert [part["inspections"][0]["measurements"][0]["value_mm"] for part in said["parts"]] == [8.0, 8.01]
    assert not any(serial.token in certificate.statement for serial in record.serials)
    assert floor.told("conformity.issued") == [certificate.certificate_id]


def test_a_lot_s_re_uses_are_those_when_the_parts_were_printed(floor: Floor) -> None:
    job_id = made(floor, 1, level="none")
    floor.table("UPDATE material_lots SET reuse_count = 2 RETURNING 1")

    def refreshed(hours: int) -> None:
        by = Keeper(actor="key_1", now=NOW + timedelta(hours=hours))
        floor.do(lambda session: refresh_lot(session, lot_id="lot_1", fresh_grams=100, by=by))

    def reuses() -> int:
        record = floor.do(lambda session: part_record(session, job_id=job_id))
        assert record.lot is not None
        return record.lot.reuse_count

    assert reuses() == 2
    refreshed(-1)
    assert reuses() == 3
    refreshed(1)
    refreshed(2)
    assert reuses() == json.loads(certified(floor, job_id).statement)["lot"]["reuse_count"] == 3
    assert floor.table("SELECT reuse_count FROM material_lots") == [(5,)]


def test_a_withdrawn_certificate_stays_and_the_next_one_has_the_next_number(floor: Floor) -> None:
    job_id = made(floor, 1, level="none")
    first = certified(floor, job_id)

    def withdrawn(reason: str) -> tuple[str, ...]:
        return floor.do(lambda session: withdraw_certificates(session, job_ids=[job_id], reason=reason, now=NOW))

    assert withdrawn("lot L-2291 is recalled") == (first.certificate_id,)
    assert withdrawn("again") == ()
    again = floor.do(
        lambda session: get_certificate(session, principal=BUREAU_KEY, certificate_id=first.certificate_id)
    )
    assert (again.stands, again.withdrawn_at, again.withdrawal_reason) == (False, NOW, "lot L-2291 is recalled")
    assert (again.statement, again.signature) == (first.statement, first.signature)
    assert certified(floor, job_id).number == 2
    with pytest.raises(UnknownConformityCertificate):
        floor.do(lambda session: get_certificate(session, principal=RIVAL_KEY, certificate_id=first.certificate_id))


def test_a_scrapped_part_takes_its_certificate_with_it(floor: Floor) -> None:
    job_id = made(floor, 1, level="none")
    first = certified(floor, job_id)
    photo = floor.photographed(job_id)

    scrapped(floor, job_id, 1, photo)

    with unit_of_work(floor.engine) as session:
        record = part_record(session, job_id=job_id)
    assert (state_of(floor, job_id), record.good_serials) == ("in_production", ())
    assert record.certificate is not None
    assert record.certificate.certificate_id == first.certificate_id
    assert record.certificate.withdrawal_reason == "print 1 was scrapped: bore over its limit"


def test_parts_of_recalled_material_are_certified_by_nobody_any_more(floor: Floor) -> None:
    job_id = made(floor, 1, level="none")
    first = certified(floor, job_id)
    floor.table("UPDATE jobs SET state = 'shipped' RETURNING 1")
    request = RecallRequest(lot_id="lot_1", reason="contaminated")
    recall = floor.do(lambda session: recall_lots(session, request=request, principal=OPERATOR_KEY, now=NOW))

    for who in (BUREAU_KEY, OPERATOR_KEY, key_of(floor.owner)):
        with pytest.raises(PartsRecalled, match=r"material was recalled \(contaminated\)") as refused:
            certified(floor, job_id, who)
        assert refused.value.details == {"recall_id": recall.recall_id, "supplier_lot": ""}
    floor.table("UPDATE jobs SET state = 'inspected' RETURNING 1")
    floor.do(lambda session: certify_inspected(session, job_id=job_id, signer=SIGNER, now=NOW))
    (listed,) = floor.do(lambda session: list_certificates(session, principal=BUREAU_KEY, job_id=job_id))
    assert (listed.certificate_id, listed.withdrawal_reason) == (
        first.certificate_id,
        "material recalled: contaminated",
    )
