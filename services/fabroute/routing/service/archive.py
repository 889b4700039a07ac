"""Archives of runs: everything that a plan was made from, in some hundred bytes a line, to make it again later.

An archive is a zip of numpy arrays (``.npz``), each in the smallest integers that hold it, and one JSON document.
"""

import io
import json
import platform
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import numpy as np
from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.routing.repository import archives
from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.rules.policies import PolicyView, document_of, policy_of
from fabroute.routing.service.builds import split_by_weight
from fabroute.routing.service.options import pieces_by_node
from fabroute.routing.service.problem import JointProblem
from fabroute.routing.service.quotas import QuotaRule
from fabroute.routing.service.splits import ways_of
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, opened_builds
from fabroute.solver.problem import IntArray, RoutingProblem

FORMAT = 1
_PURGED_AT_ONCE = 200
_COMPRESSION_LEVEL = 1
_META = "meta"
_PACKAGES = ("fabroute", "ortools", "numpy")
_INTEGERS = (np.int8, np.int16, np.int32, np.int64)
_OPTION_ARRAYS = ("landed_minor", "minutes", "co2e_g")


class ArchiveDamaged(DomainError):
    """An archive is not what was stored, or of a format that this version doesn't read."""

    code = "archive_damaged"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedLine:
    """A line as its run knew it."""

    line_id: str
    order_id: str
    organisation_id: str
    revision_id: str
    objective: str
    quantity: int
    need_by_minutes: int | None
    """From the run to the need-by."""
    need_by_hard: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArchivedRun:
    """A run as it was: its problem, the plan it chose, and what each option means in money, time and carbon."""

    problem: RoutingProblem
    chosen: tuple[int, ...]
    landed_minor: IntArray
    minutes: IntArray
    """From the run to the promised hand-over, by option."""
    co2e_g: IntArray
    lines: tuple[ArchivedLine, ...]
    machines: tuple[str, ...]
    machine_nodes: tuple[str, ...]
    lots: tuple[str, ...]
    kinds: Mapping[str, str]
    """By node that has options."""
    splits: Mapping[int, Mapping[str, int]]
    """By option that is split: pieces by node."""
    rules: tuple[QuotaRule, ...]
    """Behind each quota of the problem."""
    policies: Mapping[str, PolicyView]
    now: datetime
    cost_millis: int
    status: PlanStatus
    limits: SolveLimits
    snapshot_sha256: str
    versions: Mapping[str, str]

    def node_of(self, option: int) -> str:
        """Return the node of an option; of a split one the node of its largest share."""
        return self.machine_nodes[int(self.problem.option_pool[option])]

    def placed(self, option: int) -> Mapping[str, int]:
        """Return how many pieces of its line each node makes."""
        quantity = self.lines[int(self.problem.option_line[option])].quantity
        return self.splits.get(option) or {self.node_of(option): quantity}

    def landed_by_line(self, chosen: Sequence[int]) -> list[int]:
        """Return what each line pays in a plan, in cents: what opens a build is shared by its lines; 0 if left out."""
        landed = [0 if option == UNROUTED else int(self.landed_minor[option]) for option in chosen]
        for line, part, whole in self._opening_parts(chosen):
            landed[line] += part - whole
        return landed

    def cost_by_line(self, chosen: Sequence[int]) -> list[int]:
        """Return what each line costs a plan, milli-minor: with its part of its build's opening; left out at a price.

        What soft quotas are exceeded by is nobody's.
        """
        costs, unrouted = self.problem.option_cost, self.problem.unrouted_cost
        found = [int(unrouted[line] if it == UNROUTED else costs[it]) for line, it in enumerate(chosen)]
        for line, part, _ in self._opening_parts(chosen):
            found[line] += part * MILLIS_PER_MINOR
        return found

    def same_way(self, option: int, other: int) -> bool:
        """Tell whether two options of a line are the same work at the same place, in whatever build."""
        problem = self.problem
        if UNROUTED in (option, other):
            return option == other
        named = (problem.option_pool, problem.option_bucket, problem.option_lot, self.minutes, self.landed_minor)
        return all(values[option] == values[other] for values in named)

    def _opening_parts(self, chosen: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Yield lines of opened builds, each with its part of the opening and the whole of it, in cents."""
        for build, lines in opened_builds(self.problem, chosen).items():
            whole = int(self.problem.build_cost[build]) // MILLIS_PER_MINOR
            parts = split_by_weight(whole, [int(self.problem.option_volume[chosen[line]]) for line in lines])
            yield from ((line, part, whole) for line, part in zip(lines, parts, strict=True))

    def late_minutes(self, option: int) -> int:
        """Return how long after its need-by an option arrives; 0 for a line without one."""
        need_by = self.lines[int(self.problem.option_line[option])].need_by_minutes
        return 0 if need_by is None else max(0, int(self.minutes[option]) - need_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArchive:
    """An archive as it lies in the database."""

    run_id: str
    sha256: str
    content: bytes
    created_at: datetime


@cache
def versions() -> Mapping[str, str]:
    """Return the versions on which it depends whether a plan can be made again."""
    return {"python": platform.python_version(), **{package: version(package) for package in _PACKAGES}}


def run_of(
    joint: JointProblem, plan: RoutingPlan, *, snapshot: RoutingSnapshot, snapshot_sha256: str, limits: SolveLimits
) -> ArchivedRun:
    """Return what is kept of a run that was decided on ``snapshot`` with ``limits``."""
    owners = {choices.line.organisation_id for choices in joint.choices}
    options = joint.options
    node_of = {way.offer.machine_id: way.node for way in ways_of(options)}
    prices = [option.price for option in options]
    return ArchivedRun(
        problem=joint.problem,
        chosen=plan.chosen,
        landed_minor=np.array([price.landed_minor for price in prices], dtype=np.int64),
        minutes=np.array([option.minutes for option in options], dtype=np.int64),
        co2e_g=np.array([price.co2e_g for price in prices], dtype=np.int64),
        lines=_lines(joint, Calendars(now=snapshot.now, horizon_days=snapshot.horizon_days)),
        machines=joint.machines,
        machine_nodes=tuple(node_of[machine_id].node_id for machine_id in joint.machines),
        lots=joint.lots,
        kinds={node.node_id: node.kind for node in node_of.values()},
        splits=_splits(joint),
        rules=joint.rules,
        policies={owner: policy for owner, policy in snapshot.policies.items() if owner in owners},
        now=snapshot.now,
        cost_millis=plan.cost,
        status=plan.status,
        limits=limits,
        snapshot_sha256=snapshot_sha256,
        versions=versions(),
    )


def pack_run(run: ArchivedRun) -> bytes:
    """Return the archive of a run."""
    arrays = {each.name: getattr(run.problem, each.name) for each in fields(run.problem)[1:]}
    # Most of a cost is its landed price: the rest is small, and packs better by itself.
    arrays["option_cost"] = run.problem.option_cost - run.landed_minor * MILLIS_PER_MINOR
    arrays |= {name: getattr(run, name) for name in _OPTION_ARRAYS}
    arrays["chosen"] = np.array(run.chosen, dtype=np.int64)
    arrays[_META] = np.frombuffer(json.dumps(_meta(run), separators=(",", ":")).encode(), dtype=np.uint8)
    return _zipped(arrays)


def unpack_run(content: bytes) -> ArchivedRun:
    """Return the run of an archive; ``ArchiveDamaged`` if it is none, or not the one that was packed."""
    arrays, meta = _unzipped(content)
    chosen = tuple(arrays.pop("chosen").tolist())
    values = {name: arrays.pop(name).astype(np.int64) for name in _OPTION_ARRAYS}
    arrays["option_cost"] = arrays["option_cost"].astype(np.int64) + values["landed_minor"] * MILLIS_PER_MINOR
    problem = RoutingProblem(line_count=len(meta["lines"]), **arrays)
    if problem.snapshot_sha256() != meta["problem_sha256"]:
        raise ArchiveDamaged("the problem in this archive is not the one that was stored: it can't be replayed")
    return ArchivedRun(
        problem=problem,
        chosen=chosen,
        **values,
        lines=tuple(ArchivedLine(**line) for line in meta["lines"]),
        machines=tuple(meta["machines"]),
        machine_nodes=tuple(meta["machine_nodes"]),
        lots=tuple(meta["lots"]),
        kinds=meta["kinds"],
        splits={int(option): placed for option, placed in meta["splits"].items()},
        rules=tuple(QuotaRule(**rule) for rule in meta["rules"]),
        policies={owner: _policy(owner, stated) for owner, stated in meta["policies"].items()},
        now=datetime.fromisoformat(meta["now"]),
        cost_millis=meta["cost_millis"],
        status=PlanStatus(meta["status"]),
        limits=SolveLimits(**meta["limits"]),
        snapshot_sha256=meta["snapshot_sha256"],
        versions=meta["versions"],
    )


def store_archive(session: Session, *, run_id: str, content: bytes, now: datetime) -> None:
    """Keep the archive of a run."""
    row = {"run_id": run_id, "sha256": sha256(content).hexdigest(), "content": content, "created_at": now}
    archives.insert_archive(session, row)


def load_archive(session: Session, *, run_id: str) -> ArchivedRun | None:
    """Return the archive of a run, ``None`` if it has none any more; ``ArchiveDamaged`` if it was changed."""
    found = archives.find_archive(session, run_id)
    if found is None:
        return None
    if sha256(found.content).hexdigest() != found.sha256:
        raise ArchiveDamaged(f"the archive of run {run_id} has changed since it was stored: it can't be replayed")
    return unpack_run(found.content)


def purge_archives(session: Session, *, now: datetime, days: int) -> int:
    """Remove some hundred of the archives that are older than so many days; return how many.

    Decisions and runs stay.
    """
    return archives.delete_archives(session, before=now - timedelta(days=days), limit=_PURGED_AT_ONCE)


def _meta(run: ArchivedRun) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "versions": dict(run.versions),
        "now": run.now.isoformat(),
        "snapshot_sha256": run.snapshot_sha256,
        "problem_sha256": run.problem.snapshot_sha256(),
        "cost_millis": run.cost_millis,
        "status": run.status.value,
        "limits": asdict(run.limits),
        "lines": [asdict(line) for line in run.lines],
        "machines": run.machines,
        "machine_nodes": run.machine_nodes,
        "lots": run.lots,
        "kinds": dict(run.kinds),
        "splits": {str(option): dict(placed) for option, placed in run.splits.items()},
        "rules": [asdict(rule) for rule in run.rules],
        "policies": {
            owner: {"version": policy.version, "document": document_of(policy)}
            for owner, policy in run.policies.items()
        },
    }


def _lines(joint: JointProblem, calendars: Calendars) -> tuple[ArchivedLine, ...]:
    return tuple(
        ArchivedLine(
            line_id=line.line_id,
            order_id=line.order_id,
            organisation_id=line.organisation_id,
            revision_id=line.revision_id,
            objective=line.objective,
            quantity=line.quantity,
            need_by_minutes=None if line.need_by is None else calendars.minutes_until(line.need_by),
            need_by_hard=line.need_by_hard,
        )
        for line in (choices.line for choices in joint.choices)
    )


def _splits(joint: JointProblem) -> dict[int, dict[str, int]]:
    line_of = joint.problem.option_line.tolist()
    return {
        index: pieces_by_node(option, joint.choices[line_of[index]].line.quantity)
        for index, option in enumerate(joint.options)
        if option.shares
    }


def _policy(owner: str, stated: Mapping[str, Any]) -> PolicyView:
    return policy_of(stated["document"], organisation_id=owner, version=stated["version"])


def _zipped(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as archive:
        for name, values in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, _smallest(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue(), zipfile.ZIP_DEFLATED, _COMPRESSION_LEVEL)
    return buffer.getvalue()


def _unzipped(content: bytes) -> tuple[dict[str, IntArray], dict[str, Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta = json.loads(arrays.pop(_META).tobytes())
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ArchiveDamaged(f"this is not the archive of a run ({type(error).__name__})") from error
    if meta.get("format") != FORMAT:
        raise ArchiveDamaged(f"this archive has format {meta.get('format')}: this version of fabroute reads {FORMAT}")
    return arrays, meta


def _smallest(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if values.dtype.kind != "i" or not values.size:
        return values
    low, high = int(values.min()), int(values.max())
    fitting = next(kind for kind in _INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return values.astype(fitting)
