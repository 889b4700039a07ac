"""What an owner lets happen in production without being asked."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.models import ProductionPolicy
from fabroute.production.repository import remarks as rows

MOST_FRACTION, MOST_DAYS = 1.0, 60


class InvalidProductionPolicy(DomainError):
    """A band that is negative, or so wide that it is none."""

    code = "invalid_production_policy"
    status = 422


class PolicyChanged(DomainError):
    """The policy was changed since it was read."""

    code = "stale_version"
    status = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """How far a counter-offer may go to be accepted at once, and whether a part that can't be made is held."""

    counter_price_fraction: float = 0.0
    """Over the offered price, exact to the cent: 0.1 of 9.99 EUR lets 10.98 EUR pass and not 10.99 EUR."""
    counter_days: int = 0
    hold_not_manufacturable: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.counter_price_fraction <= MOST_FRACTION:
            problems.append(FieldProblem(pointer="/counter_price_fraction", message="use 0 to 1, such as 0.1 for 10 %"))
        if not 0 <= self.counter_days <= MOST_DAYS:
            problems.append(FieldProblem(pointer="/counter_days", message=f"use 0 to {MOST_DAYS} days"))
        if problems:
            raise InvalidProductionPolicy("; ".join(it.message for it in problems), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class BandChange:
    """What is stated anew of a band; None stays as it is."""

    counter_price_fraction: float | None = None
    counter_days: int | None = None
    hold_not_manufacturable: bool | None = None

    def of(self, band: Band) -> Band:
        """Return ``band`` with what is stated anew. Raises ``InvalidProductionPolicy``."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return Band(**{name: getattr(band, name) if new is None else new for name, new in named.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionPolicyView(Band):
    """An owner's policy; version 1 while it has stated none."""

    version: int = 1
    updated_at: datetime | None = None


def policy_of(session: Session, *, organisation_id: str) -> ProductionPolicyView:
    """Return what an owner lets happen; nothing without being asked, as long as it has stated nothing."""
    found = rows.find_policy(session, organisation_id)
    return ProductionPolicyView() if found is None else _view(found)


def state_policy(
    session: Session,
    *,
    organisation_id: str,
    change: BandChange,
    expected_version: int | None,
    actor: str,
    now: datetime,
) -> ProductionPolicyView:
    """State an owner's policy anew; ``expected_version`` is what the caller has seen, None: any. Audited.

    What ``change`` leaves out stays. It holds for counter-offers from now on. Raises ``PolicyChanged`` and
    ``InvalidProductionPolicy``.
    """
    rows.ensure_policy(session, organisation_id=organisation_id, actor=actor, now=now)
    known = rows.find_policy(session, organisation_id, lock=True)
    assert known is not None, "it is there by now"
    if expected_version not in (None, known.version):
        raise PolicyChanged(f"the policy was changed since you read it (version {known.version}): read it again")
    band = change.of(_view(known))
    known.counter_price_fraction, known.counter_days = band.counter_price_fraction, band.counter_days
    known.hold_not_manufacturable = band.hold_not_manufacturable
    known.version, known.updated_by, known.updated_at = known.version + 1, actor, now
    session.flush()
    record_audit(session, entry=_entry(known))
    return _view(known)


def _view(policy: ProductionPolicy) -> ProductionPolicyView:
    return ProductionPolicyView(
        counter_price_fraction=policy.counter_price_fraction,
        counter_days=policy.counter_days,
        hold_not_manufacturable=policy.hold_not_manufacturable,
        version=policy.version,
        updated_at=policy.updated_at,
    )


def _entry(policy: ProductionPolicy) -> AuditRecord:
    return AuditRecord(
        organisation_id=policy.organisation_id,
        occurred_at=policy.updated_at,
        actor=policy.updated_by,
        action="production_policy.stated",
        subject_type="organisation",
        subject_id=policy.organisation_id,
        data={
            "counter_price_fraction": policy.counter_price_fraction,
            "counter_days": policy.counter_days,
            "hold_not_manufacturable": policy.hold_not_manufacturable,
            "version": policy.version,
        },
    )
