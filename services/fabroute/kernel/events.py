"""What happened, as a fact that other contexts may act on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

JsonScalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """A fact, recorded in the outbox in the transaction that made it true."""

    name: str
    """Dotted, past tense: ``order.placed``."""
    subject_type: str
    subject_id: str
    occurred_at: datetime
    organisation_id: str | None = None
    data: Mapping[str, JsonScalar] = field(default_factory=dict)
