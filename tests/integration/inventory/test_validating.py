"""From an upload in the store to a validated revision: whatever goes wrong, the submission says so."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from os import utime
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from fabroute.database import unit_of_work
from fabroute.inventory.ports import ValidationOutcome, ValidationRequest
from fabroute.inventory.service import (
    RevisionView,
    SubmissionView,
    Upload,
    ValidationLimits,
    get_revision,
    latest_submission,
    register_part,
    submit_print_file,
    validate_submissions,
)
from tests.factories.databases import in_transaction, rows
from tests.factories.inventory import a_drawn_revision, a_part, a_revision, an_upload, given_draft
from tests.factories.organisations import NOW, OWNER
from tests.fakes.print_file_store import FakePrintFileStore
from tests.fakes.print_file_validator import FakeValidator

REVISION = "rev_org_owner_AP-0101_A"


@pytest.fixture
def store() -> FakePrintFileStore:
    return FakePrintFileStore()


def given_upload(engine: Engine, store: FakePrintFileStore, *, content: bytes = b"3mf of A") -> None:
    """Put a file into the store and hand it in for a new draft."""
    store.put(content)
    with unit_of_work(engine) as session:
        given_draft(session)
        submit_print_file(session, organisation_id=OWNER, upload=an_upload(content=content), actor="key_1", now=NOW)


def validate(
    engine: Engine,
    store: FakePrintFileStore,
    folder: Path,
    *,
    validator: FakeValidator | None = None,
    limits: ValidationLimits | None = None,
) -> int:
    return validate_submissions(
        engine,
        store=store,
        validator=validator or FakeValidator(),
        workspace_root=folder,
        limits=limits or ValidationLimits(),
        now=NOW + timedelta(hours=1),
    )


def submission(engine: Engine) -> SubmissionView:
    found = in_transaction(
        engine, lambda session: latest_submission(session, organisation_id=OWNER, revision_id=REVISION)
    )
    assert found is not None
    return found


def revision(engine: Engine) -> RevisionView:
    return in_transaction(engine, lambda session: get_revision(session, organisation_id=OWNER, revision_id=REVISION))


def make_due(engine: Engine) -> None:
    sql = "UPDATE print_file_submissions SET next_attempt_at = now() RETURNING id"
    assert in_transaction(engine, lambda session: len(rows(session, sql))) == 1


def test_an_upload_becomes_a_canonical_file_with_previews_in_the_store(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    given_upload(engine, store)
    validator = FakeValidator()
    assert validate(engine, store, tmp_path, validator=validator) == 1
    view = revision(engine)
    assert (view.state, submission(engine).state) == ("validated", "valid")
    assert view.file is not None
    assert store.get(view.file.sha256) == b"canonical 3mf of A"
    assert view.file.size_bytes == len(b"canonical 3mf of A")
    assert store.get(str(view.file.preview_sha256)) == b"png 3mf of A"
    assert store.get(str(view.file.model_sha256)) == b"glb 3mf of A"
    assert validator.requests == [
        ValidationRequest(
            file_name="adapter.3mf",
            processes=("MJF",),
            part_no="AP-0101",
            revision="A",
            name="Vacuum nozzle adapter",
            expected_box_mm=(86, 58, 54),
        )
    ]
    assert list(tmp_path.iterdir()) == []
    assert validate(engine, store, tmp_path, validator=validator) == 0


def test_a_revision_without_a_size_expects_none_and_previews_may_be_missing(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    store.put(b"x")
    with unit_of_work(engine) as session:
        given_draft(session, revision=a_drawn_revision())
        submit_print_file(session, organisation_id=OWNER, upload=an_upload(content=b"x"), actor="key_1", now=NOW)
    validator = FakeValidator(previews=False)
    assert validate(engine, store, tmp_path, validator=validator) == 1
    view = revision(engine)
    assert (validator.requests[0].expected_box_mm, validator.requests[0].processes) == (None, ("MJF", "SLS"))
    assert view.file is not None
    assert (view.file.preview_sha256, view.file.model_sha256, view.box_x_mm) == (None, None, 86)


def test_a_refused_file_leaves_nothing_in_the_store_but_itself(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    given_upload(engine, store, content=b"bad file")
    assert validate(engine, store, tmp_path) == 1
    assert (submission(engine).state, revision(engine).state) == ("invalid", "draft")
    assert list(store.files.values()) == [b"bad file"]
    assert list(tmp_path.iterdir()) == []


def test_with_the_store_down_a_file_waits_and_says_so(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    given_upload(engine, store)
    store.down = True
    for _ in range(6):
        assert validate(engine, store, tmp_path) == 1
        waiting = submission(engine)
        assert (waiting.state, waiting.reason, waiting.attempts) == ("queued", "nobody answers", 0)
        assert validate(engine, store, tmp_path) == 0
        make_due(engine)
    store.down = False
    assert validate(engine, store, tmp_path) == 1
    assert submission(engine).state == "valid"


def test_a_file_that_the_store_lost_or_spoilt_has_to_be_sent_again(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    given_upload(engine, store)
    store.damage(an_upload().sha256)
    validate(engine, store, tmp_path)
    spoilt = submission(engine)
    assert (spoilt.state, spoilt.reason.endswith("has been changed: upload the file again")) == ("failed", True)
    store.files.clear()
    upload, later = an_upload(), NOW + timedelta(hours=2)
    with unit_of_work(engine) as session:
        submit_print_file(session, organisation_id=OWNER, upload=upload, actor="key_1", now=later)
    validate(engine, store, tmp_path)
    assert (submission(engine).state, submission(engine).reason) == (
        "failed",
        f"no print file {upload.sha256}: upload the file again",
    )


def test_a_validator_that_breaks_is_tried_four_times(engine: Engine, store: FakePrintFileStore, tmp_path: Path) -> None:
    given_upload(engine, store)
    validator = FakeValidator(broken=9)
    for attempt in range(1, 4):
        assert validate(engine, store, tmp_path, validator=validator) == 1
        assert (submission(engine).state, submission(engine).attempts) == ("queued", attempt)
        make_due(engine)
    validate(engine, store, tmp_path, validator=validator)
    assert submission(engine).state == "failed"
    assert submission(engine).reason == "no process could be started (attempt 4, the last)"
    assert (validator.broken, revision(engine).state) == (5, "draft")
    assert list(tmp_path.iterdir()) == []


def test_a_validator_that_recovers_leaves_no_trace_of_the_trouble(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    given_upload(engine, store)
    validator = FakeValidator(broken=1)
    validate(engine, store, tmp_path, validator=validator)
    make_due(engine)
    validate(engine, store, tmp_path, validator=validator)
    assert (submission(engine).state, submission(engine).reason) == ("valid", "")


def test_a_worker_that_dies_leaves_the_file_to_the_next_and_no_folder_for_ever(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    class DyingValidator(FakeValidator):
        def __call__(self, source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
            raise Killed

    given_upload(engine, store)
    with pytest.raises(Killed):
        validate(engine, store, tmp_path, validator=DyingValidator(), limits=ValidationLimits(lease_seconds=0.0))
    old, fresh, other = (tmp_path / name for name in ("fabroute-validation-a", "fabroute-validation-b", "other"))
    for folder in (old, fresh, other):
        (folder / "made").mkdir(parents=True)
    for folder in (old, other):
        utime(folder, (time.time() - 500, time.time() - 500))
    assert validate(engine, store, tmp_path) == 1
    assert (submission(engine).state, submission(engine).attempts) == ("valid", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fabroute-validation-b", "other"]


def test_no_transaction_is_open_while_a_file_is_judged(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path, checked_out: set[int]
) -> None:
    seen: list[int] = []

    class WatchingValidator(FakeValidator):
        def __call__(self, source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
            seen.append(len(checked_out))
            return FakeValidator.__call__(self, source, request=request, workspace=workspace)

    given_upload(engine, store)
    assert validate(engine, store, tmp_path, validator=WatchingValidator()) == 1
    assert seen == [0]
    assert submission(engine).state == "valid"


@pytest.fixture
def checked_out(engine: Engine) -> Iterator[set[int]]:
    """The connections that are in use at present."""
    connections: set[int] = set()

    def taken(_connection: object, record: object, _proxy: object) -> None:
        connections.add(id(record))

    def returned(_connection: object, record: object) -> None:
        connections.discard(id(record))

    event.listen(engine, "checkout", taken)
    event.listen(engine, "checkin", returned)
    yield connections
    event.remove(engine, "checkout", taken)
    event.remove(engine, "checkin", returned)


def test_a_file_that_was_replaced_while_it_was_judged_changes_nothing(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    given_upload(engine, store)
    hold = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        slow = pool.submit(validate, engine, store, tmp_path, validator=FakeValidator(hold=hold))
        _wait_until_validating(engine)
        store.put(b"second")
        upload = an_upload(content=b"second")
        with unit_of_work(engine) as session:
            submit_print_file(
                session, organisation_id=OWNER, upload=upload, actor="key_1", now=NOW + timedelta(minutes=1)
            )
        hold.set()
        assert slow.result(timeout=30) == 1
    assert (submission(engine).state, revision(engine).state) == ("queued", "draft")
    assert validate(engine, store, tmp_path) == 1
    assert revision(engine).state == "validated"


def _wait_until_validating(engine: Engine) -> None:
    deadline = time.monotonic() + 20
    while submission(engine).state != "validating":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_eight_validators_share_the_files_and_judge_each_once(
    engine: Engine, store: FakePrintFileStore, tmp_path: Path
) -> None:
    with unit_of_work(engine) as session:
        for number in range(24):
            part_id = register_part(session, part=a_part(part_no=f"P-{number:02}"), now=NOW)
            revision_id = given_draft(
                session, part=a_part(part_no=f"P-{number:02}"), revision=a_revision(part_id=part_id)
            )
            sha256 = store.put(f"file {number}".encode())
            upload = Upload(
                revision_id=revision_id, file_name="p.3mf", media_type="model/3mf", size_bytes=6, sha256=sha256
            )
            submit_print_file(session, organisation_id=OWNER, upload=upload, actor="key_1", now=NOW)
    validator = FakeValidator()

    def work(_: int) -> int:
        taken = 0
        while validate(engine, store, tmp_path, validator=validator):
            taken += 1
        return taken

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert sum(pool.map(work, range(8))) == 24
    assert len(validator.requests) == len({request.part_no for request in validator.requests}) == 24
    states = in_transaction(engine, lambda session: rows(session, "SELECT DISTINCT state FROM part_revisions"))
    assert states == [("validated",)]
