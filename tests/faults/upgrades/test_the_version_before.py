"""The code from before the newest migration goes on working on its schema: API, relay, and a worker started on it."""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute import migrations
from fabroute.cli.invariants import check_invariants
from fabroute.identity.service.sealing import seal_audit_log
from fabroute.migrations import current_revision, head_revision
from tests.architecture.sources import PROJECT, SOURCE_ROOTS
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.homes import QUEUES, Home, a_home, a_program, accept_one, download, prepared, routed, served_home
from tests.factories.processes import wait_until

VERSIONS = "services/fabroute/migrations/versions"
BEFORE, AFTER = 3, 3


def git(*words: str) -> bytes:
    """Ask git about this project; the test is skipped where it can't answer."""
    try:
        done = subprocess.run(["git", "-C", str(PROJECT), *words], capture_output=True, check=False, timeout=60)
    except OSError as error:
        pytest.skip(f"there is no git here, so no version before this one: {error}")
    if done.returncode:
        pytest.skip(f"the history does not reach so far back: git {' '.join(words)}: {done.stderr.decode()[:200]}")
    return done.stdout


def revisions() -> list[str]:
    """The files of the migrations, the oldest first."""
    return sorted(path.name for path in (PROJECT / VERSIONS).glob("2*.py"))


def code_before(folder: Path) -> Path:
    """Unpack the code from before the newest migration, which has all the others."""
    newest, second = revisions()[-1], revisions()[-2]
    added = git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest}").decode().split()
    commit = f"{added[-1]}^" if added else "HEAD"
    if git("ls-tree", "--name-only", commit, f"{VERSIONS}/{second}").strip() == b"":
        pytest.skip(f"{newest} came together with {second}: no version had only the one before")
    with tarfile.open(fileobj=BytesIO(git("archive", "--format=tar", commit, *SOURCE_ROOTS))) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", _as_it_is)
        archive.extractall(folder)
    return folder


def _as_it_is(member: tarfile.TarInfo, _path: str) -> tarfile.TarInfo:
    """Change nothing of our own archive: Python before 3.11.4 knows no filters."""
    return member


def import_path(code: Path) -> str:
    """Return the import path on which that code comes before what is installed."""
    return os.pathsep.join(str(code / root) for root in SOURCE_ROOTS)


def said(path: str, code: str) -> str:
    """Return what some code prints with such a path."""
    words = [sys.executable, "-c", code]
    return subprocess.run(
        words, env=os.environ | {"PYTHONPATH": path}, capture_output=True, encoding="utf-8", check=True
    ).stdout


def queues_of(path: str) -> list[str]:
    """Return the queues that workers of that code know, of those that a home needs."""
    known = said(path, "from fabroute_workers.app import QUEUES; print(*QUEUES)").split()
    return [queue for queue in QUEUES if queue in known]


def order_of(engine: Engine, job_id: str) -> str:
    """Return the order that a job is of."""
    ((order_id,),) = in_transaction(
        engine, lambda session: rows(session, "SELECT order_id FROM jobs WHERE id = :it", it=job_id)
    )
    return str(order_id)


def upgrade_under(engine: Engine, there: Home, database: Database, *, token: str, bureau: str) -> str:
    """Migrate while the version before serves, then have it work on; return the SHA-256 of what a bureau fetched."""
    with served_home(there, token, beside=("relay",)) as client:
        for number in range(BEFORE):
            client.place(number)
        migrations.upgrade(database.migration_url)
        for number in range(BEFORE, BEFORE + AFTER):
            client.place(number)
        with a_program(there, "worker", queues=queues_of(there.settings["PYTHONPATH"])):
            assert wait_until(lambda: routed(engine) == BEFORE + AFTER), there.log.read_text(encoding="utf8")
            job_id = accept_one(engine, there, bureau)
        assert client.http.get("/readyz").status_code == 200
        placed = [str(answer.json()["id"]) for answer in client.answers.values()]
        another = next(order_id for order_id in placed if order_id != order_of(engine, job_id))
        cancelled = client.http.post(f"/v1/orders/{another}/cancel")
        assert cancelled.status_code in (200, 202), cancelled.text
        assert client.to_the_end()[1].count("order.placed") == BEFORE + AFTER
        return download(there, bureau, job_id)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_version_before_serves_and_routes_on_the_newest_schema(
    database: Database, broker_url: str, tmp_path: Path
) -> None:
    path = import_path(code_before(tmp_path / "before"))
    there = a_home(database, tmp_path / "home", roots=tmp_path / "roots", broker_url=broker_url, PYTHONPATH=path)
    with engine_for(database.url) as engine:
        owner, bureau = prepared(engine, there)
        migrations.downgrade(database.migration_url, revision=revisions()[-2][:13])
        old = current_revision(engine)
        fetched = upgrade_under(engine, there, database, token=owner.token, bureau=bureau)
        seal_audit_log(engine, seconds=10.0)
        broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
        new = current_revision(engine)

    assert said(path, "import fabroute; print(fabroute.__file__)").startswith(str(tmp_path / "before"))
    assert (old, new) == (revisions()[-2][:13], head_revision())
    assert len(fetched) == 64
    assert broken == set()
    assert "Traceback" not in there.log.read_text(encoding="utf8")
