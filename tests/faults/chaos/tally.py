"""What clients were told, with times: written down when they are told it, and asked of nobody else.

Nothing here reads the database. The judge holds the two against each other.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.faults.chaos.wire import Answer


@dataclass(slots=True, kw_only=True)
class KeyTold:
    """One Idempotency-Key: what was asked with it, and every final answer that came."""

    key: str
    organisation_id: str
    reference: str
    lines: tuple[tuple[str, int], ...]
    """Part and quantity of each line."""
    feasible: bool
    """Whether anybody can make it as it is wanted: else it must end without a route."""
    number: int = 0
    """Which order of the run it is."""
    first_sent: float = 0.0
    acknowledged: float | None = None
    """When the first 201 was here."""
    order_id: str | None = None
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Status and SHA-256 of the body, and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTold:
    """A job that a claim handed out."""

    job_id: str
    order_id: str
    order_line_id: str
    share_no: int
    quantity: int
    node_id: str
    lease_id: str
    epoch: int
    client: str
    sent: float
    answered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTold:
    """A write of a node's client about a job, and what was said to it."""

    job_id: str
    lease_id: str
    epoch: int
    what: str
    """Such as ``acceptance``, ``reports``, ``shipments``, ``handover``."""
    status: int
    code: str
    sent: float
    answered: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTold:
    """A print file that was sent: what it should be and what it was."""

    job_id: str
    status: int
    promised_sha256: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTold:
    """A request that must be refused, and what was said to it."""

    name: str
    wanted: tuple[int, ...]
    status: int
    code: str
    detail: str

    @property
    def wrong(self) -> bool:
        """Whether it was answered otherwise."""
        return self.status not in self.wanted


class Tally:
    """Everything that clients were told. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._numbers: dict[str, int] = {}
        self._keys: dict[str, KeyTold] = {}
        self._cancels: dict[str, int] = {}
        self._claims: list[ClaimTold] = []
        self._claim_answers: dict[str, set[str]] = {}
        self._writes: list[WriteTold] = []
        self._unsure: list[WriteTold] = []
        self._fetches: list[FetchTold] = []
        self._probes: list[ProbeTold] = []
        self._counts: Counter[str] = Counter()
        self._acknowledged = 0

    def copied(self) -> "Tally":
        """Return another tally that was told the same so far."""
        twin = Tally()
        with self._lock:
            for name, value in vars(self).items():
                if name not in ("_lock", "_news"):
                    setattr(twin, name, deepcopy(value))
        return twin

    def begin(self, told: KeyTold) -> None:
        """Write down that a key is about to be sent."""
        with self._lock:
            self._keys.setdefault(told.key, told)

    def order_answered(self, key: str, answer: Answer) -> None:
        """Write down a final answer to an order."""
        digest = hashlib.sha256(answer.body).hexdigest()
        with self._lock:
            told = self._keys[key]
            told.answers[(answer.status, digest)] += 1
            self._news.notify_all()
            if answer.status == 201 and told.acknowledged is None:
                told.acknowledged, told.order_id = answer.answered, str(answer.json().get("id"))
                self._acknowledged += 1
                self._numbers[told.order_id] = told.number

    def order_of(self, key: str, *, seconds: float) -> str | None:
        """Return the id of the order that a key was acknowledged with; None if it was refused, or is not answered."""
        with self._lock:
            self._news.wait_for(lambda: bool(self._keys[key].answers), timeout=seconds)
            return self._keys[key].order_id

    def number_of(self, order_id: str) -> int | None:
        """Return which order of the run an order is, as far as it was acknowledged."""
        return self._numbers.get(order_id)

    def cancelled(self, order_id: str, status: int) -> None:
        """Write down what was said to a cancellation; 200 stands, whatever comes after."""
        with self._lock:
            if self._cancels.get(order_id) != 200:
                self._cancels[order_id] = status

    def claimed(self, key: str, answer: Answer, claims: Sequence[ClaimTold]) -> None:
        """Write down what a claim handed out; the same key again must hand out the same."""
        digest = hashlib.sha256(answer.body).hexdigest()
        with self._lock:
            again = key in self._claim_answers
            self._claim_answers.setdefault(key, set()).add(digest)
            if not again:
                self._claims.extend(claims)

    def wrote(self, told: WriteTold) -> None:
        """Write down the answer to a write."""
        with self._lock:
            self._writes.append(told)

    def unsure(self, told: WriteTold) -> None:
        """Write down a write whose answer never came: it may have been done."""
        with self._lock:
            self._unsure.append(told)

    def fetched(self, told: FetchTold) -> None:
        """Write down a print file that came, or did not."""
        with self._lock:
            self._fetches.append(told)

    def probed(self, told: ProbeTold) -> None:
        """Write down a request that had to be refused."""
        with self._lock:
            self._probes.append(told)

    def count(self, what: str, number: int = 1) -> None:
        """Count something for the figures."""
        with self._lock:
            self._counts[what] += number

    def heard(self, method: str, path: str, answer: Answer) -> None:
        """Count an answer by its status; a 500 by its code, too, because nobody should ever get one."""
        with self._lock:
            self._counts["requests"] += 1
            if answer.status >= 500:
                self._counts[f"answered {answer.status} {answer.code}"] += 1

    @property
    def acknowledged(self) -> int:
        """How many orders were acknowledged so far."""
        return self._acknowledged

    @property
    def keys(self) -> tuple[KeyTold, ...]:
        """All keys that were sent."""
        with self._lock:
            return tuple(self._keys.values())

    @property
    def cancels(self) -> Mapping[str, int]:
        """The status that was said to the cancellation of each order, by its id."""
        with self._lock:
            return dict(self._cancels)

    @property
    def claims(self) -> tuple[ClaimTold, ...]:
        """All jobs that were handed out."""
        with self._lock:
            return tuple(self._claims)

    @property
    def claim_answers(self) -> Mapping[str, frozenset[str]]:
        """By the key of a claim, the SHA-256 of each answer that differed."""
        with self._lock:
            return {key: frozenset(answers) for key, answers in self._claim_answers.items()}

    @property
    def writes(self) -> tuple[WriteTold, ...]:
        """All answered writes."""
        with self._lock:
            return tuple(self._writes)

    @property
    def unanswered(self) -> tuple[WriteTold, ...]:
        """All writes whose answer never came."""
        with self._lock:
            return tuple(self._unsure)

    @property
    def fetches(self) -> tuple[FetchTold, ...]:
        """All print files that were asked for."""
        with self._lock:
            return tuple(self._fetches)

    @property
    def probes(self) -> tuple[ProbeTold, ...]:
        """All requests that had to be refused."""
        with self._lock:
            return tuple(self._probes)

    @property
    def counts(self) -> Mapping[str, int]:
        """What was counted."""
        with self._lock:
            return dict(self._counts)
