"""First articles with an order: one print, which the owner approves before the others are made."""

from dataclasses import replace

import pytest

from fabroute.identity.rules import Principal
from fabroute.production.service import (
    FileRefused,
    JobStateConflict,
    JobUnqualified,
    NotTheNode,
    NotTheOwner,
    UnknownEvidence,
    UnknownJob,
    get_job,
    issue_ticket,
    offer_jobs,
    resume_job,
    take_back_held,
)
from fabroute.production.service.inspection import (
    FirstArticleDecision,
    FirstArticleFailed,
    InvalidFirstArticle,
    NewInspection,
    NoFirstArticle,
    Submission,
    decide_first_article,
    report_inspection,
    submit_first_article,
)
from fabroute.production.service.views import JobView
from fabroute.qualification.service import NewFirstArticle, save_first_articles
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of

APPROVE = FirstArticleDecision(approved=True, reason="looks right")
AGAIN = FirstArticleDecision(approved=False, reason="bore is rough")
ELSEWHERE = FirstArticleDecision(approved=False, reason="not with this machine", again=False)


def begun(floor: Floor, quantity: int) -> str:
    """Return an accepted job that begins with a first article, its file fetched."""
    floor.table("UPDATE part_revisions SET part_qualification = true RETURNING 1")
    job_id = floor.offered(quantity)[0].job_id
    floor.table(f"UPDATE jobs SET first_article = true, state = 'accepted' WHERE id = '{job_id}' RETURNING 1")
    floor.fetched(job_id)
    return job_id


def submitted(floor: Floor, job_id: str, evidence: str = "crack.jpg", who: Principal = BUREAU_KEY) -> JobView:
    it = Submission(evidence=(evidence,))
    return floor.do(lambda session: submit_first_article(session, principal=who, job_id=job_id, submission=it, now=NOW))


def decided(floor: Floor, job_id: str, it: FirstArticleDecision, who: Principal | None = None) -> JobView:
    principal = who or key_of(floor.owner)
    return floor.do(
        lambda session: decide_first_article(session, principal=principal, job_id=job_id, decision=it, now=NOW)
    )


def waiting(floor: Floor, quantity: int) -> str:
    """Return a job whose first article was sent to its owner."""
    job_id = begun(floor, quantity)
    floor.printed(job_id, "good")
    floor.photographed(job_id)
    submitted(floor, job_id)
    return job_id


def resumed(floor: Floor, job_id: str, who: Principal) -> JobView:
    return floor.do(lambda session: resume_job(session, principal=who, job_id=job_id, now=NOW))


def seen(floor: Floor, job_id: str) -> JobView:
    return floor.do(lambda session: get_job(session, principal=BUREAU_KEY, job_id=job_id))


def test_the_first_good_print_holds_the_job_and_nothing_more_is_released(floor: Floor) -> None:
    job_id = begun(floor, 3)
    assert seen(floor, job_id).prints_left == 1
    floor.printed(job_id, "good")

    held = seen(floor, job_id)
    assert (held.state, held.held_kind, held.held_from) == ("held", "first_article", "in_production")
    assert (held.prints_left, held.held_reason) == (0, "its first article (print 1) waits for the owner's approval")
    with pytest.raises(FileRefused, match="is held"):
        floor.do(lambda session: issue_ticket(session, principal=BUREAU_KEY, job_id=job_id, now=NOW))
    with pytest.raises(JobStateConflict, match="waits because of its first article"):
        floor.printed(job_id, "good")
    for who in (BUREAU_KEY, key_of(floor.owner), OPERATOR_KEY):
        with pytest.raises(JobStateConflict, match="can't be resumed"):
            resumed(floor, job_id, who)
    assert floor.do(lambda session: take_back_held(session, now=NOW)) == 0


def test_approved_it_counts_for_the_machine_and_the_rest_is_made(floor: Floor) -> None:
    job_id = waiting(floor, 3)

    approved = decided(floor, job_id, APPROVE)

    assert (approved.state, approved.prints_left, approved.first_article_approved_at) == ("in_production", 2, NOW)
    assert (approved.held_kind, approved.held_reason, approved.held_from) == ("", "", None)
    assert floor.table(
        "SELECT machine_id, material, parameter_set, approved_on, evidence_name, note FROM first_articles"
    ) == [("N101-A", "PA12-MJF", "PS-1", NOW.date(), "crack.jpg", "looks right")]
    assert decided(floor, job_id, APPROVE) == approved
    floor.fetched(job_id)
    assert [floor.printed(job_id, "good").number for _ in range(2)] == [2, 3]
    assert floor.told("job.first_article_approved") == [job_id]


def test_a_single_part_is_its_own_first_article(floor: Floor) -> None:
    floor.table("UPDATE part_revisions SET inspection_level = 'none' RETURNING 1")
    job_id = waiting(floor, 1)

    assert seen(floor, job_id).state == "held"
    assert decided(floor, job_id, APPROVE).state == "inspected"
    assert floor.table("SELECT count(*) FROM first_articles") == [(1,)]


def test_refused_it_is_scrapped_and_another_one_may_be_made(floor: Floor) -> None:
    job_id = waiting(floor, 2)

    refused = decided(floor, job_id, AGAIN)

    assert (refused.state, refused.prints_left) == ("in_production", 1)
    counts = (refused.good_prints, refused.failed_prints, refused.scrapped_prints, refused.granted_reprints)
    assert counts == (0, 1, 1, 1)
    assert refused.first_article_submitted_at is None
    floor.fetched(job_id)
    assert floor.printed(job_id, "good").number == 2
    with pytest.raises(NoFirstArticle, match="has not sent it in"):
        decided(floor, job_id, APPROVE)
    submitted(floor, job_id)
    assert decided(floor, job_id, APPROVE).prints_left == 1
    assert floor.told("job.first_article_refused") == [job_id]


def test_refused_for_good_the_line_goes_to_another_node(floor: Floor) -> None:
    job_id = waiting(floor, 2)

    ended = decided(floor, job_id, ELSEWHERE)

    assert (ended.state, ended.end_reason) == (
        "failed",
        "the owner refused it as first article: not with this machine",
    )
    assert floor.table("SELECT state FROM order_lines") == [("pending",)]
    assert floor.table("SELECT cause, node_id FROM reroutes") == [("print_failed", "N101")]


def test_only_the_node_sends_it_in_and_only_the_owner_decides(floor: Floor) -> None:
    job_id = begun(floor, 2)
    floor.photographed(job_id)
    with pytest.raises(NoFirstArticle, match="is not printed yet"):
        submitted(floor, job_id)
    floor.printed(job_id, "good")

    with pytest.raises(NotTheNode):
        submitted(floor, job_id, who=key_of(floor.owner))
    with pytest.raises(UnknownEvidence):
        submitted(floor, job_id, "none.jpg")
    with pytest.raises(NoFirstArticle, match="has not sent it in"):
        decided(floor, job_id, APPROVE)
    assert submitted(floor, job_id) == submitted(floor, job_id)
    for who in (BUREAU_KEY, OPERATOR_KEY):
        with pytest.raises(NotTheOwner):
            decided(floor, job_id, APPROVE, who)
    with pytest.raises(UnknownJob):
        decided(floor, job_id, APPROVE, RIVAL_KEY)
    assert floor.told("job.first_article_submitted") == [job_id]
    assert floor.table("SELECT id FROM first_articles") == []


def test_what_failed_its_inspection_or_lost_a_gate_is_not_approved(floor: Floor) -> None:
    job_id = waiting(floor, 2)
    failed = NewInspection(level="visual", inspector="B", print_number=1, claimed="fail", note="pores")
    floor.do(
        lambda session: report_inspection(session, principal=BUREAU_KEY, job_id=job_id, inspection=failed, now=NOW)
    )

    with pytest.raises(FirstArticleFailed, match="pores"):
        decided(floor, job_id, APPROVE)
    floor.table("DELETE FROM inspections RETURNING 1")
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")
    with pytest.raises(JobUnqualified, match="CERTIFICATE_MISSING"):
        decided(floor, job_id, APPROVE)
    assert seen(floor, job_id).held_kind == "first_article"


def test_a_decision_says_why_and_a_submission_what_it_shows() -> None:
    with pytest.raises(InvalidFirstArticle) as refusal:
        FirstArticleDecision(approved=False)
    with pytest.raises(InvalidFirstArticle) as nothing:
        Submission(evidence=())
    assert [problem.pointer for it in (refusal, nothing) for problem in it.value.problems] == ["/reason", "/evidence"]


def test_a_job_begins_with_a_first_article_where_the_machine_has_none(floor: Floor) -> None:
    floor.table("UPDATE part_revisions SET part_qualification = true RETURNING 1")
    (without,) = floor.offered(2)
    revision = without.revision_id
    proven = NewFirstArticle(
        revision_id=revision,
        node_id="N101",
        machine_id="N101-A",
        material="PA12-MJF",
        parameter_set="PS-1",
        approved_on=NOW.date(),
        last_production_on=NOW.date(),
    )

    def again(job_id: str, share_no: int) -> bool:
        offer = replace(without, job_id=job_id, share_no=share_no, first_article=True)
        floor.do(lambda session: offer_jobs(session, offers=(offer,), now=NOW))
        return bool(floor.table(f"SELECT first_article FROM jobs WHERE id = '{job_id}'")[0][0])

    assert again("job_a", 1) is True
    floor.do(lambda session: save_first_articles(session, first_articles=(proven,), now=NOW))
    assert again("job_b", 2) is False
    assert seen(floor, without.job_id).first_article is False
