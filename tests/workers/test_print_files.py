"""Uploaded print files find their validator: by the event, by the sweep, in a worker process of their own."""

import argparse
import hashlib
import json
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.inventory.ports import PrintFileStore, ValidationOutcome, ValidationRequest
from fabroute.inventory.service import (
    RevisionView,
    SubmissionView,
    Upload,
    get_revision,
    latest_submission,
    submit_print_file,
)
from fabroute.settings import Settings
from fabroute_workers.__main__ import modules
from fabroute_workers.bells import REPEAT_SECONDS
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import VALIDATE_PRINT_FILES, Errand
from fabroute_workers.work import validate
from tests.factories.databases import in_transaction, rows
from tests.factories.inventory import a_drawn_revision, a_part, given_draft
from tests.factories.organisations import NOW, OWNER, save_organisations
from tests.factories.print_files import TETRAHEDRON, a_package, an_object
from tests.factories.processes import PATIENCE_SECONDS, a_process, children_of, is_running, wait_until
from tests.fakes.print_file_store import FakePrintFileStore
from tests.fakes.print_file_validator import FakeValidator
from tests.fakes.ringers import FakeClock, FakeRinger

pytestmark = pytest.mark.timeout(600)

FILES = Errand(task=VALIDATE_PRINT_FILES)
GOOD = a_package()
OPEN = a_package(objects=an_object(mesh=(TETRAHEDRON[0], TETRAHEDRON[1][:3])))


def given_uploads(engine: Engine, store: PrintFileStore, *contents: bytes) -> list[str]:
    """Hand in each content for a draft of its own; return the revisions' ids."""
    made = []
    with unit_of_work(engine) as session:
        save_organisations(session)
        for number, content in enumerate(contents):
            part = a_part(part_no=f"P-{number}")
            revision_id = given_draft(session, part=part, revision=a_drawn_revision(part_id=str(part.part_id)))
            upload = Upload(
                revision_id=revision_id,
                file_name="part.3mf",
                media_type="model/3mf",
                size_bytes=len(content),
                sha256=store.put(content),
            )
            submit_print_file(session, organisation_id=OWNER, upload=upload, actor="key_1", now=NOW)
            made.append(revision_id)
    return made


def submission(engine: Engine, revision_id: str) -> SubmissionView:
    found = in_transaction(
        engine, lambda session: latest_submission(session, organisation_id=OWNER, revision_id=revision_id)
    )
    assert found is not None
    return found


def revision(engine: Engine, revision_id: str) -> RevisionView:
    return in_transaction(engine, lambda session: get_revision(session, organisation_id=OWNER, revision_id=revision_id))


def states(engine: Engine) -> dict[str, int]:
    sql = "SELECT state, count(*) FROM print_file_submissions GROUP BY 1"
    return {str(state): int(str(count)) for state, count in in_transaction(engine, lambda it: rows(it, sql))}


def test_an_upload_rings_once_and_the_sweep_rings_again_while_it_waits(engine: Engine) -> None:
    ringer, clock, store = FakeRinger(), FakeClock(), FakePrintFileStore()
    relay = Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW)
    given_uploads(engine, store, b"one", b"two")
    assert relay.publish().sent == 1
    assert ringer.errands == [FILES]
    assert relay.sweep() == 0
    clock.pass_seconds(REPEAT_SECONDS)
    assert relay.sweep() == 1
    assert ringer.errands == [FILES, FILES]
    validate(engine, Settings(), store=store, validator=FakeValidator())
    clock.pass_seconds(REPEAT_SECONDS)
    assert relay.sweep() == 0


def test_one_task_validates_all_that_is_due(engine: Engine) -> None:
    store, validator = FakePrintFileStore(), FakeValidator()
    given_uploads(engine, store, b"one", b"bad two", b"three")
    assert validate(engine, Settings(), store=store, validator=validator) == 3
    assert states(engine) == {"valid": 2, "invalid": 1}
    assert validate(engine, Settings(), store=store, validator=validator) == 0
    assert len(validator.requests) == 3


def test_a_task_begins_no_file_that_could_outlast_it(engine: Engine) -> None:
    class SlowValidator(FakeValidator):
        def __call__(self, source: Path, *, request: ValidationRequest, workspace: Path) -> ValidationOutcome:
            time.sleep(0.6)
            return FakeValidator.__call__(self, source, request=request, workspace=workspace)

    store = FakePrintFileStore()
    given_uploads(engine, store, b"one", b"two", b"three")
    hurried = Settings().model_copy(update={"validation_wall_seconds": 36.5})
    assert validate(engine, hurried, store=store, validator=SlowValidator()) == 1
    assert states(engine) == {"valid": 1, "queued": 2}


def test_print_files_have_a_worker_of_their_own_so_that_routing_never_waits_for_one() -> None:
    def queues(**options: object) -> dict[str, str]:
        wanted = {"concurrency": 3, "only": None, "queues": "routing,network,inventory"} | options
        made = modules(argparse.Namespace(**wanted))
        return {name: command[-1] for name, command in made.items() if name != "relay"}

    assert queues() == {"worker": "routing,network", "files": "inventory"}
    assert queues(only="files") == {"files": "inventory"}
    assert queues(queues="routing") == {"worker": "routing"}
    assert queues(queues="inventory") == {"files": "inventory"}
    both = modules(argparse.Namespace(concurrency=3, only=None, queues="routing,inventory"))
    assert [both[name][both[name].index("--concurrency") + 1] for name in ("worker", "files")] == ["3", "1"]
    assert list(both) == ["relay", "worker", "files"]


@pytest.mark.slow
def test_an_uploaded_3mf_is_validated_by_the_running_workers(
    settings: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    folder, log = tmp_path / "store", tmp_path / "log"
    store = open_print_file_store(folder.as_uri())
    environment = settings | {"FABROUTE_STORAGE_URL": folder.as_uri()}
    with a_process("fabroute_workers", "--concurrency", "1", environment=environment, log=log) as supervisor:
        good, bad, none = given_uploads(engine, store, GOOD, OPEN, b"PK\x03\x04 no archive")
        assert wait_until(lambda: states(engine) == {"valid": 1, "invalid": 2})
        family = [supervisor.pid, *children_of(supervisor.pid)]
        supervisor.terminate()
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert wait_until(lambda: not any(is_running(pid) for pid in family))
    view = revision(engine, good)
    assert view.state == "validated"
    assert view.file is not None
    assert view.size is not None
    assert view.size.box_mm == pytest.approx((10, 10, 10))
    assert view.size.volume_cm3 == pytest.approx(1 / 6, rel=1e-6)
    assert view.file.source_sha256 == hashlib.sha256(GOOD).hexdigest()
    assert len(store.get(view.file.sha256)) == view.file.size_bytes
    assert store.get(str(view.file.preview_sha256)).startswith(b"\x89PNG")
    assert store.get(str(view.file.model_sha256)).startswith(b"glTF")
    for refused in (bad, none):
        report = submission(engine, refused).report
        assert report is not None
        assert [finding.severity for finding in report.findings].count("error") == len(report.findings) >= 1
        assert revision(engine, refused).state == "draft"
    judged = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if "print_file.judged" in line]
    assert sorted(entry["state"] for entry in judged) == ["invalid", "invalid", "valid"]
    assert {entry["task"] for entry in judged} == {VALIDATE_PRINT_FILES}
