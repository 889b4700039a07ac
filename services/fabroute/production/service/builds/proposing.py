"""Which builds a node could make of its jobs: a pure function of what is to be made and when.

Jobs that were routed as one build stay together, those due first stand first, and each goes into the first build with
room for all of it. A machine makes one build after the other, day and night.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.mixed_build import Copies, MixedBuild, copies_per_build, mixed_build
from fabroute.estimation.rotations import PartDoesNotFit
from fabroute.production.service.build_times import OfferGone
from fabroute.production.service.builds.jobs import Bench, BuildJob, Workbench, Workshop


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedPart:
    """So many prints of a job in a build."""

    job: BuildJob
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProposedBuild:
    """A build that a node could make next on a machine."""

    bench: Bench
    build_key: str | None
    """The shared build of routing that all of it comes from."""
    parts: tuple[PlannedPart, ...]
    size: MixedBuild
    start_at: datetime
    """When the machine is free for it, after what runs there and what stands before it."""
    ready_at: datetime
    late: tuple[str, ...] = ()
    """Jobs whose last day of production is before that day, by the node's calendar."""

    @property
    def produce_by(self) -> date:
        """The first day by which one of its jobs has to be made."""
        return _due(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A job that can be in no build, and why."""

    job_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """All builds that a node could make of its jobs, those due first in front."""

    builds: tuple[ProposedBuild, ...]
    unplaced: tuple[Unplaced, ...]


def propose(
    jobs: Iterable[BuildJob], workshop: Workshop, *, free_from: Mapping[str, datetime], now: datetime
) -> Proposals:
    """Return the builds that a node could make of what is left of its jobs; the same input, the same builds.

    ``free_from``: since when each machine is free of what runs on it and is planned there already; else from ``now``.
    """
    by_bench: dict[Bench, list[BuildJob]] = defaultdict(list)
    for job in jobs:
        if job.to_build:
            by_bench[job.bench].append(job)
    found: list[_Filled] = []
    unplaced: list[Unplaced] = []
    for bench, members in sorted(by_bench.items()):
        fitting, refused = _at_bench(bench, members, workshop)
        found += fitting
        unplaced += refused
    zone = ZoneInfo(workshop.node.timezone)
    return Proposals(builds=tuple(_in_time(found, free_from, now=now, zone=zone)), unplaced=tuple(unplaced))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Filled:
    """A build before anybody knows when."""

    bench: Bench
    parts: tuple[PlannedPart, ...]
    size: MixedBuild


def _at_bench(bench: Bench, jobs: Sequence[BuildJob], workshop: Workshop) -> tuple[list[_Filled], list[Unplaced]]:
    try:
        workbench = workshop.workbench(bench)
    except OfferGone as refusal:
        return [], [Unplaced(job_id=job.job.id, reason=refusal.message) for job in jobs]
    copies: dict[str, int] = {}
    unplaced: list[Unplaced] = []
    for job in jobs:
        try:
            copies[job.job.id] = copies_per_build(job.part, workbench.machine, workbench.material)
        except (InvalidFact, PartDoesNotFit) as refusal:
            unplaced.append(Unplaced(job_id=job.job.id, reason=refusal.message))
    plates = fill_plates([job for job in jobs if job.job.id in copies], copies)
    return [_Filled(bench=bench, parts=parts, size=size_of(parts, workbench)) for parts in plates], unplaced


def size_of(parts: Sequence[PlannedPart], workbench: Workbench) -> MixedBuild:
    """Return what a build of these prints takes on its machine."""
    copies = [Copies(part=each.job.part, count=each.parts) for each in parts]
    return mixed_build(copies, workbench.machine, workbench.material, evidence=workbench.evidence)


def fill_plates(jobs: Sequence[BuildJob], copies: Mapping[str, int]) -> list[tuple[PlannedPart, ...]]:
    """Return builds of what is left of jobs that may be made together; ``copies`` of a job alone fill one.

    What fits into one build is never cut; of more than that, full builds come first, and the rest finds company.
    """
    plates = _Plates(copies)
    for unit in _units(jobs):
        plates.put(unit)
    return plates.filled()


def _units(jobs: Sequence[BuildJob]) -> list[list[BuildJob]]:
    """Return jobs, those of one shared build together, in the order in which they are due."""
    units: dict[str, list[BuildJob]] = defaultdict(list)
    for job in sorted(jobs, key=lambda it: (it.job.produce_by, it.job.id)):
        units[job.job.build_key or job.job.id].append(job)
    return sorted(units.values(), key=lambda unit: (unit[0].job.produce_by, unit[0].job.id))


class _Plates:
    """Builds as they fill up."""

    def __init__(self, copies: Mapping[str, int]) -> None:
        self._copies = copies
        self._plates: list[list[PlannedPart]] = []
        self._room: list[Fraction] = []

    def put(self, unit: Sequence[BuildJob]) -> None:
        """Put jobs that belong together into the first build with room for all of them, else into new ones."""
        wanted = sum((Fraction(job.to_build, self._copies[job.job.id]) for job in unit), Fraction(0))
        if wanted <= 1:
            plate = next((number for number, room in enumerate(self._room) if room >= wanted), None)
            plate = self._open() if plate is None else plate
            for job in unit:
                self._take(plate, job, job.to_build)
            return
        plate = self._open()
        for job in unit:
            plate = self._spread(job, plate)

    def filled(self) -> list[tuple[PlannedPart, ...]]:
        """Return the builds with something in them."""
        return [tuple(plate) for plate in self._plates if plate]

    def _spread(self, job: BuildJob, plate: int) -> int:
        """Put all of a job into a build and into new ones after it; return the last one."""
        left, most = job.to_build, self._copies[job.job.id]
        while left:
            fitting = min(left, int(self._room[plate] * most))
            if not fitting:
                plate = self._open()
                continue
            self._take(plate, job, fitting)
            left -= fitting
        return plate

    def _take(self, plate: int, job: BuildJob, parts: int) -> None:
        self._plates[plate].append(PlannedPart(job=job, parts=parts))
        self._room[plate] -= Fraction(parts, self._copies[job.job.id])

    def _open(self) -> int:
        self._plates.append([])
        self._room.append(Fraction(1))
        return len(self._plates) - 1


def _in_time(
    found: Sequence[_Filled], free_from: Mapping[str, datetime], *, now: datetime, zone: ZoneInfo
) -> list[ProposedBuild]:
    free = dict(free_from)
    timed: list[ProposedBuild] = []
    for build in sorted(found, key=lambda it: (_due(it.parts), it.parts[0].job.job.id)):
        start = max(now, free.get(build.bench.machine_id, now))
        ready = start + timedelta(minutes=build.size.machine_minutes)
        free[build.bench.machine_id] = ready
        timed.append(
            ProposedBuild(
                bench=build.bench,
                build_key=key_of([part.job for part in build.parts]),
                parts=build.parts,
                size=build.size,
                start_at=start,
                ready_at=ready,
                late=late_jobs(build.parts, ready, zone=zone),
            )
        )
    return timed


def key_of(jobs: Sequence[BuildJob]) -> str | None:
    """Return the shared build of routing that all of these jobs come from, ``None`` where they differ."""
    keys = {job.job.build_key for job in jobs}
    return keys.pop() if len(keys) == 1 else None


def late_jobs(parts: Sequence[PlannedPart], ready_at: datetime, *, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the jobs whose last day of production is over when a build is ready."""
    ready_on = ready_at.astimezone(zone).date()
    return tuple(part.job.job.id for part in parts if part.job.job.produce_by < ready_on)


def _due(parts: Sequence[PlannedPart]) -> date:
    return min(part.job.job.produce_by for part in parts)
