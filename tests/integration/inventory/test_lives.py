"""Random lives of licences and revisions, held at every step to a model that fits on a page; and races."""

import hashlib
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import (
    ApprovalMissing,
    LicenceExhausted,
    LicenceFrozen,
    LicenceLease,
    NewAlias,
    NewDocument,
    NewLicence,
    RevisionFrozen,
    SubmissionLost,
    ValidationResult,
    add_alias,
    add_document,
    claim_submissions,
    count_good_print,
    find_parts,
    get_revision,
    grant_licence,
    lease_prints,
    read_licences,
    record_validation,
    return_leases,
    revoke_licence,
    submit_print_file,
    withdraw_revision,
)
from fabroute.inventory.states import RevisionStateConflict
from fabroute.kernel.errors import DomainError
from tests.factories.databases import rows
from tests.factories.inventory import (
    a_part,
    a_report,
    an_upload,
    approve,
    given_draft,
    release_approved,
    save_a_released_part,
)
from tests.factories.organisations import NOW, OWNER

REVISION = "rev_org_owner_AP-0101_A"

# ---------------------------------------------------------------- licences


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What a licence must come to, by plain arithmetic."""

    granted: int
    good: int = 0
    revoked: bool = False
    held: dict[str, list[int]] = field(default_factory=dict)
    """Prints and good prints of each job that holds some."""

    @property
    def leased(self) -> int:
        return sum(prints - good for prints, good in self.held.values())

    def hold(self, job_id: str, prints: int) -> bool:
        if self.revoked or self.good + self.leased + prints > self.granted:
            return False
        self.held[job_id] = [prints, 0]
        return True

    def count(self, job_id: str) -> bool:
        lease = self.held.get(job_id)
        if lease is None or self.revoked or lease[0] == lease[1]:
            return False
        lease[1] += 1
        self.good += 1
        return True

    def give_back(self, job_id: str) -> None:
        self.held.pop(job_id, None)


@pytest.mark.parametrize("seed", range(12))
def test_a_licence_comes_to_the_same_as_plain_arithmetic(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    ledger = Ledger(granted=chance.randint(1, 12))
    with unit_of_work(engine) as session:
        save_a_released_part(session)
        licence = NewLicence(revision_id=REVISION, prints=ledger.granted)
        licence_id = grant_licence(session, organisation_id=OWNER, licence=licence, actor="key_1", now=NOW).licence_id
    jobs: list[str] = []
    for step in range(40):
        with unit_of_work(engine) as session:
            what = chance.choices(("hold", "count", "return", "revoke"), weights=(4, 8, 3, 0.2))[0]
            job_id = chance.choice(jobs) if jobs else "job_none"
            if what == "hold":
                lease = LicenceLease(job_id=f"job_{step}", licence_id=licence_id, prints=chance.randint(1, 4))
                refused = lease_prints(session, leases=(lease,), now=NOW)
                assert (refused == frozenset()) is ledger.hold(lease.job_id, lease.prints)
                jobs += [lease.job_id] if not refused else []
            elif what == "count" and jobs:
                assert _counted(session, job_id) is ledger.count(job_id)
            elif what == "return":
                return_leases(session, job_ids=[job_id], now=NOW)
                ledger.give_back(job_id)
            elif what == "revoke" and not ledger.revoked:
                ledger.revoked = True
                revoke_licence(
                    session, organisation_id=OWNER, licence_id=licence_id, reason="enough", actor="key_1", now=NOW
                )
            (view,) = read_licences(session, revision_ids=[REVISION])[REVISION]
            assert (view.good_prints, view.leased_prints) == (ledger.good, ledger.leased)
            assert view.left == ledger.granted - ledger.good - ledger.leased >= 0


def _counted(session: Session, job_id: str) -> bool:
    try:
        count_good_print(session, job_id=job_id, now=NOW)
    except (LicenceExhausted, LicenceFrozen):
        return False
    return True


# ---------------------------------------------------------------- revisions


class Life:
    """A revision that somebody does random things to, and what must have become of it."""

    def __init__(self, session: Session, *, seed: int) -> None:
        self._session = session
        self._chance = random.Random(seed)
        self._files = 0
        self._documents = 0
        self.state = "draft"
        self.approved = False
        self.waiting = False

    def step(self) -> None:
        """Do one thing; it works exactly if the model says that it may."""
        deeds: list[Callable[[], None]] = [self._upload, self._judge, self._approve, self._release, self._document]
        self._chance.choices(deeds, weights=(2, 4, 3, 1, 1))[0]()

    def _upload(self) -> None:
        self._files += 1
        upload = an_upload(content=f"file {self._files}".encode())
        moment = NOW + timedelta(minutes=self._files)
        allowed = self.state in ("draft", "validated")
        done = self._try(
            lambda: submit_print_file(self._session, organisation_id=OWNER, upload=upload, actor="key_1", now=moment),
            RevisionFrozen,
        )
        assert done is allowed
        if allowed:
            self.state, self.approved, self.waiting = "draft", False, True

    def _judge(self) -> None:
        claims = claim_submissions(self._session, limit=5, lease_seconds=60, attempt_cap=99, now=NOW)
        assert len(claims) == int(self.waiting)
        for claimed in claims:
            good = self._chance.random() < 0.7
            sha256 = hashlib.sha256(claimed.sha256.encode()).hexdigest()
            result = ValidationResult(report=a_report(valid=good), canonical_sha256=sha256, size_bytes=9)
            record_validation(self._session, claimed=claimed, result=result, now=NOW)
            self.state = "validated" if good else "draft"
        self.waiting = False

    def _approve(self) -> None:
        allowed = self.state == "validated"
        assert self._try(lambda: approve(self._session, REVISION), RevisionStateConflict) is allowed
        self.approved = self.approved or allowed

    def _release(self) -> None:
        allowed = self.state == "validated" and self.approved
        refusals = (RevisionStateConflict, ApprovalMissing)
        assert self._try(lambda: release_approved(self._session, REVISION), *refusals) is allowed
        if allowed:
            self.state = "released"

    def _document(self) -> None:
        self._documents += 1
        document = NewDocument(
            revision_id=REVISION,
            kind="drawing",
            name="drawing.pdf",
            media_type="application/pdf",
            size_bytes=1,
            sha256=f"{self._documents:064}",
        )
        allowed = self.state in ("draft", "validated")
        done = self._try(
            lambda: add_document(self._session, organisation_id=OWNER, document=document, actor="key_1", now=NOW),
            RevisionFrozen,
        )
        assert done is allowed
        if allowed:
            self.approved = False

    def _try(self, deed: Callable[[], object], *refusals: type[DomainError]) -> bool:
        try:
            deed()
        except refusals:
            return False
        return True


@pytest.mark.parametrize("seed", range(10))
def test_whatever_is_done_to_a_revision_it_is_released_only_with_an_approval_of_its_file(
    engine: Engine, seed: int
) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        life = Life(session, seed=seed)
        for _ in range(30):
            life.step()
            view = get_revision(session, organisation_id=OWNER, revision_id=REVISION)
            assert (view.state, view.approved_at is not None) == (life.state, life.approved)
            assert (view.file is not None) is (life.state in ("validated", "released"))
            if life.approved:
                assert view.approved_sha256 == view.file_sha256
            if life.state == "released":
                assert view.release_statement is not None
                assert f'"sha256":"{view.file_sha256}"' in view.release_statement


# ---------------------------------------------------------------- at once


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Do things at the same time; return the name of the refusal of each, or nothing."""

    def run(deed: Callable[[], object]) -> str:
        try:
            deed()
        except DomainError as refusal:
            return type(refusal).__name__
        return ""

    with ThreadPoolExecutor(max_workers=len(deeds)) as pool:
        return list(pool.map(run, deeds))


def in_its_own(engine: Engine, deed: Callable[[Session], object]) -> Callable[[], None]:
    def run() -> None:
        with unit_of_work(engine) as session:
            deed(session)

    return run


def given_validated(engine: Engine, *, approved: bool) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit_print_file(session, organisation_id=OWNER, upload=an_upload(), actor="key_1", now=NOW)
        (claimed,) = claim_submissions(session, limit=1, lease_seconds=60, attempt_cap=4, now=NOW)
        result = ValidationResult(report=a_report(), canonical_sha256="a" * 64, size_bytes=9)
        record_validation(session, claimed=claimed, result=result, now=NOW)
        if approved:
            approve(session, REVISION)


@pytest.mark.parametrize("attempt", range(6))
def test_of_an_upload_and_a_release_at_once_one_comes_too_late(engine: Engine, attempt: int) -> None:
    given_validated(engine, approved=True)
    other = an_upload(content=f"other {attempt}".encode())

    def upload(session: Session) -> None:
        submit_print_file(session, organisation_id=OWNER, upload=other, actor="key_2", now=NOW + timedelta(minutes=1))

    uploaded, released = at_once(
        in_its_own(engine, upload), in_its_own(engine, lambda session: release_approved(session, REVISION))
    )
    with unit_of_work(engine) as session:
        state = get_revision(session, organisation_id=OWNER, revision_id=REVISION).state
    assert (uploaded, released, state) in [
        ("RevisionFrozen", "", "released"),
        ("", "RevisionStateConflict", "draft"),
    ]


def test_of_many_uploads_at_once_the_newest_is_the_only_one_that_waits(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)

    def upload(number: int) -> Callable[[Session], object]:
        wanted = an_upload(content=f"file {number}".encode())
        return lambda session: submit_print_file(session, organisation_id=OWNER, upload=wanted, actor="key_1", now=NOW)

    refusals = at_once(*(in_its_own(engine, upload(number)) for number in range(8)))
    with unit_of_work(engine) as session:
        assert refusals == [""] * 8
        states = rows(session, "SELECT state, count(*) FROM print_file_submissions GROUP BY 1 ORDER BY 1")
        assert states == [("queued", 1), ("replaced", 7)]


def test_the_same_upload_many_times_at_once_is_one_submission(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)

    def upload(session: Session) -> None:
        submit_print_file(session, organisation_id=OWNER, upload=an_upload(), actor="key_1", now=NOW)

    assert at_once(*[in_its_own(engine, upload)] * 8) == [""] * 8
    with unit_of_work(engine) as session:
        assert rows(session, "SELECT state, count(*) FROM print_file_submissions GROUP BY 1") == [("queued", 1)]
        assert rows(session, "SELECT count(*) FROM outbox_events WHERE name = 'print_file.submitted'") == [(1,)]


def test_of_two_results_of_the_same_claim_one_counts(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        given_draft(session)
        submit_print_file(session, organisation_id=OWNER, upload=an_upload(), actor="key_1", now=NOW)
    with unit_of_work(engine) as session:
        (claimed,) = claim_submissions(session, limit=1, lease_seconds=60, attempt_cap=4, now=NOW)
    result = ValidationResult(report=a_report(), canonical_sha256="a" * 64, size_bytes=9)

    def note(session: Session) -> None:
        record_validation(session, claimed=claimed, result=result, now=NOW)

    assert sorted(at_once(*[in_its_own(engine, note)] * 2)) == ["", SubmissionLost.__name__]
    with unit_of_work(engine) as session:
        assert rows(session, "SELECT count(*) FROM print_files") == [(1,)]


def test_a_licence_granted_while_its_revision_is_withdrawn_is_refused_or_frozen(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        save_a_released_part(session)
    licence = NewLicence(revision_id=REVISION, prints=3)

    def grant(session: Session) -> None:
        grant_licence(session, organisation_id=OWNER, licence=licence, actor="key_1", now=NOW)

    def withdraw(session: Session) -> None:
        withdraw_revision(session, revision_id=REVISION, actor="key_2", reason="cracks", now=NOW)

    granted, withdrawn = at_once(in_its_own(engine, grant), in_its_own(engine, withdraw))
    with unit_of_work(engine) as session:
        states = [state for (state,) in rows(session, "SELECT state FROM print_licences")]
    assert (granted, withdrawn, states) in [("", "", ["frozen"]), ("RevisionStateConflict", "", [])]


# ---------------------------------------------------------------- how many queries


@contextmanager
def counted_queries(engine: Engine) -> Iterator[list[str]]:
    """Yield the statements that are sent while the block runs."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_finding_parts_for_an_order_takes_two_queries_and_one_more_for_other_numbers(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        for part_no in ("A-1", "B-2"):
            part = a_part(part_no=part_no)
            save_a_released_part(session, part=part)
        old = NewAlias(kind="old", number="X-9")
        add_alias(session, organisation_id=OWNER, part_no="B-2", alias=old, actor="key_1", now=NOW)
    with unit_of_work(engine) as session:
        with counted_queries(engine) as own:
            find_parts(session, organisation_id=OWNER, part_nos=["A-1", "B-2"])
        with counted_queries(engine) as other:
            found = find_parts(session, organisation_id=OWNER, part_nos=["A-1", "X-9"])
    assert (len(own), len(other)) == (2, 3)
    assert [part.part_no for part in found.values()] == ["A-1", "B-2"]
