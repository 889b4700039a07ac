"""A bureau's folder beside a small fabroute, and its connector, step by step."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fabroute.bureau.bench import Bench
from fabroute.bureau.claiming import Claimer
from fabroute.bureau.connector import Connector, open_bench
from fabroute.bureau.heartbeats import Heart
from fabroute.bureau.records import JobRecord
from fabroute.bureau.settings import AcceptancePolicy, BureauSettings, Cancellations, PrinterAccess
from fabroute.bureau.wire import Unavailable
from fabroute.bureau.working import Worker
from tests.fakes.fabroute_server import KEY, NODE, FakeFabroute
from tests.fakes.web_server import served_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Bureau:
    """A running bench with what it said, and hands to leave files with."""

    bench: Bench
    fabroute: FakeFabroute
    said: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The bureau's folder."""
        return self.bench.settings.folder

    def claim(self) -> float:
        """Claim once, without waiting."""
        return Claimer(self.bench).step(wait_seconds=0)

    def work(self, steps: int = 1) -> None:
        """Take all jobs on by so many steps."""
        worker = Worker(self.bench)
        for _ in range(steps):
            worker.step()

    def work_in_spite_of(self, steps: int) -> None:
        """Take all jobs on by so many steps, some of which get no answer."""
        worker = Worker(self.bench)
        for _ in range(steps):
            try:
                worker.step()
            except Unavailable:
                continue

    def beat(self) -> float:
        """Give the signs of life that are due."""
        return Heart(self.bench).step()

    def once(self) -> None:
        """Do all that can be done now."""
        Connector(self.bench).run_once()

    def record(self, job_id: str = "job_1") -> JobRecord:
        """Return what is known of a job."""
        record = self.bench.records.get(job_id)
        assert record is not None, f"{job_id} was never claimed"
        return record

    def drop(self, name: str, content: object, *, job_id: str = "job_1") -> Path:
        """Leave a JSON file in a job's folder, as an operator does."""
        path = self.bench.folder_of(job_id) / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


@contextmanager
def a_bureau(
    folder: Path,
    fabroute: FakeFabroute,
    *,
    policy: AcceptancePolicy | None = None,
    script: tuple[str, ...] = (),
    printer: PrinterAccess | None = None,
    cancellations: Cancellations = "ask",
    public_keys: tuple[str, ...] = (),
    offline_hours: int = 0,
) -> Iterator[Bureau]:
    """Yield a bureau at work in ``folder``."""
    said: list[str] = []
    with served_by(fabroute) as url:
        settings = BureauSettings(
            url=url,
            key=KEY,
            node=NODE,
            folder=folder,
            policy=policy or AcceptancePolicy(),
            script=script,
            printer=printer,
            cancellations=cancellations,
            public_keys=public_keys,
            wait_seconds=0,
            offline_hours=offline_hours,
        )
        with open_bench(settings, say=said.append, settle_seconds=0.0) as bench:
            yield Bureau(bench=bench, fabroute=fabroute, said=said)
