"""Whose name, colour and logo the papers of an owner's parts bear."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, organisation_name, record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.models import Brand
from fabroute.production.repository import brands as rows

DEFAULT_ACCENT = "#1f2937"
MOST_SENDER_LINES = 6
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_FIRST = 1


class InvalidBrand(DomainError):
    """A brand without a name, with a colour that is none, or with too many lines."""

    code = "invalid_brand"
    status = 422


class BrandChanged(DomainError):
    """Somebody changed the brand since it was read."""

    code = "brand_changed"
    status = 412


class NoLogo(DomainError):
    """The brand has no logo."""

    code = "no_logo"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBrand:
    """How an owner's papers are to look. Raises ``InvalidBrand``."""

    name: str
    accent_colour: str = DEFAULT_ACCENT
    sender: tuple[str, ...] = ()
    slip_text: str = ""
    contact: str = ""

    def __post_init__(self) -> None:
        problems = [] if self.name.strip() else [FieldProblem(pointer="/name", message="must not be empty")]
        if not _COLOUR.fullmatch(self.accent_colour):
            message = "must be six hexadecimal digits in lower case, such as #1f2937"
            problems.append(FieldProblem(pointer="/accent_colour", message=message))
        if len(self.sender) > MOST_SENDER_LINES:
            message = f"must hold at most {MOST_SENDER_LINES} lines"
            problems.append(FieldProblem(pointer="/sender", message=message))
        if problems:
            raise InvalidBrand("; ".join(f"{it.pointer} {it.message}" for it in problems), problems=tuple(problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture in the store."""

    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandView:
    """How an owner's papers look; what nobody has stated is plain."""

    organisation_id: str
    name: str
    accent_colour: str
    logo: Logo | None
    sender: tuple[str, ...]
    """Lines of the address that parcels come from, and go back to."""
    slip_text: str
    contact: str
    version: int


def get_brand(session: Session, *, organisation_id: str) -> BrandView:
    """Return the brand of an organisation: its own name and a quiet colour until it states one."""
    brand = rows.find_brand(session, organisation_id)
    if brand is not None:
        return _view(brand)
    return BrandView(
        organisation_id=organisation_id,
        name=organisation_name(session, organisation_id=organisation_id),
        accent_colour=DEFAULT_ACCENT,
        logo=None,
        sender=(),
        slip_text="",
        contact="",
        version=_FIRST,
    )


def set_brand(
    session: Session, *, principal: Principal, brand: NewBrand, expected_version: int | None, now: datetime
) -> BrandView:
    """State one's brand as a whole, but for its logo. Audited. ``expected_version``: as it was read, ``None``: any.

    Raises ``BrandChanged`` where it is at another version.
    """
    values = {**asdict(brand), "sender": list(brand.sender)}
    return _change(session, principal, values, expected_version=expected_version, now=now)


def set_logo(session: Session, *, principal: Principal, logo: Logo | None, now: datetime) -> BrandView:
    """Give one's brand a logo that lies in the store, or none. Audited."""
    values: dict[str, object] = {
        "logo_sha256": None if logo is None else logo.sha256,
        "logo_media_type": "" if logo is None else logo.media_type,
    }
    return _change(session, principal, values, expected_version=None, now=now)


def _change(
    session: Session, principal: Principal, values: dict[str, object], *, expected_version: int | None, now: datetime
) -> BrandView:
    before, by = get_brand(session, organisation_id=principal.organisation_id), principal.key_id
    stamp = {"updated_by": by, "updated_at": now}
    rows.add_brand(session, {**_plain(before), **stamp})
    changed = rows.change_brand(
        session,
        organisation_id=principal.organisation_id,
        expected_version=expected_version,
        values={**values, **stamp},
    )
    if changed is None:
        raise BrandChanged(f"the brand is no longer at version {expected_version}: read it again and change that")
    entry = AuditRecord(
        organisation_id=principal.organisation_id,
        occurred_at=now,
        actor=by,
        action="brand.changed",
        subject_type="brand",
        subject_id=principal.organisation_id,
        data={"version": changed.version},
    )
    record_audit(session, entry=entry)
    return _view(changed)


def _plain(view: BrandView) -> dict[str, object]:
    return {
        "organisation_id": view.organisation_id,
        "name": view.name,
        "accent_colour": view.accent_colour,
        "logo_media_type": "",
        "sender": [],
        "slip_text": "",
        "contact": "",
        "version": view.version,
    }


def _view(brand: Brand) -> BrandView:
    return BrandView(
        organisation_id=brand.organisation_id,
        name=brand.name,
        accent_colour=brand.accent_colour,
        logo=None if brand.logo_sha256 is None else Logo(sha256=brand.logo_sha256, media_type=brand.logo_media_type),
        sender=tuple(str(line) for line in brand.sender),
        slip_text=brand.slip_text,
        contact=brand.contact,
        version=brand.version,
    )
