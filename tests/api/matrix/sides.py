"""An owner of parts and the bureau that makes them, as rows, before anything is asked for over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key, revoke_api_key
from fabroute.inventory.service import add_revision, attach_print_file, register_part
from fabroute.kernel.time import utc_now
from fabroute.logistics.rules import Mode
from fabroute.logistics.service import LogisticsData, NewCarbonFactor, save_logistics
from fabroute.network.service import NewNode, extend_capacity, save_network
from fabroute.qualification.service import NewCertificate, save_certificates
from tests.api.matrix.canaries import Name, amount, word
from tests.factories.api import BERLIN, HAMBURG
from tests.factories.inventory import a_part, a_print_file, a_revision, release
from tests.factories.network import a_lot, a_machine, a_network, a_node, an_offer
from tests.factories.orders import Owner

KINDS: Mapping[str, OrganisationKind] = {
    "alpha": "owner",
    "bravo": "owner",
    "charlie": "bureau",
    "delta": "bureau",
    "operator": "operator",
}
_KEEPS = date(2099, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An owner, its part, and the node that makes it; everything of it is called after the two."""

    owner: Name
    bureau: Name

    @property
    def part_no(self) -> str:
        """The number of the owner's part, which is another one on each side."""
        return {"alpha": "AL-7041", "bravo": "BR-5520"}[self.owner]

    @property
    def node_id(self) -> str:
        """The bureau's only node; everyone may know it."""
        return f"N-{self.bureau}"

    @property
    def machine_id(self) -> str:
        """The node's only machine."""
        return f"{self.node_id}-A"

    @property
    def lot_id(self) -> str:
        """The lot that jobs take their powder from."""
        return f"lot_{self.bureau}"

    @property
    def file(self) -> bytes:
        """What the print file of the released revision holds."""
        return f"3mf of {word(self.owner, 'file')}".encode()


VICTIM = Side(owner="alpha", bureau="charlie")
OTHERS = Side(owner="bravo", bureau="delta")
SIDES = (VICTIM, OTHERS)


def organisation_id(name: str) -> str:
    """Return the id of one of the five organisations."""
    return f"org_{name}"


def given_organisations(engine: Engine) -> dict[str, str]:
    """Save the five organisations and return a key of each, and alpha's that was ``revoked``."""
    now = utc_now()
    with unit_of_work(engine) as session:
        for name, kind in KINDS.items():
            create_organisation(
                session, name=f"zq{name}name", kind=kind, now=now, organisation_id=organisation_id(name)
            )
        tokens = {name: _token(session, name) for name in KINDS}
        old = issue_api_key(session, organisation_id="org_alpha", name="old", scopes=ALL_SCOPES, now=now)
        revoke_api_key(session, key_id=old.key_id, now=now)
    return tokens | {"revoked": old.token}


def _token(session: Session, name: str) -> str:
    key = issue_api_key(session, organisation_id=organisation_id(name), name=name, scopes=ALL_SCOPES, now=utc_now())
    return key.token


def given_network(engine: Engine) -> None:
    """Save a node of each bureau with a machine, a lot and the certificate that parts need, places and factors."""
    nodes = tuple(_node(side) for side in SIDES)
    data = a_network(
        nodes=nodes,
        machines=tuple(a_machine(machine_id=side.machine_id, node_id=side.node_id) for side in SIDES),
        offers=tuple(an_offer(machine_id=side.machine_id) for side in SIDES),
        lots=tuple(a_lot(lot_id=side.lot_id, node_id=side.node_id, expires_on=_KEEPS) for side in SIDES),
    )
    factors = tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="test") for mode in Mode)
    now = utc_now()
    with unit_of_work(engine) as session:
        save_network(session, data=data)
        extend_capacity(session, today=now.date(), horizon_days=30)
        save_logistics(session, data=LogisticsData(places=(BERLIN, HAMBURG), carbon_factors=factors))
        save_certificates(session, certificates=tuple(_certificate(side) for side in SIDES), now=now)


def _node(side: Side) -> NewNode:
    return a_node(
        node_id=side.node_id,
        organisation_id=organisation_id(side.bureau),
        labour_minor_per_hour=amount(side.bureau, "wage"),
        minimum_order_minor=amount(side.bureau, "budget"),
    )


def _certificate(side: Side) -> NewCertificate:
    return NewCertificate(
        certificate_id=f"crt_{side.bureau}",
        node_id=side.node_id,
        scheme="ISO9001",
        scope="*",
        valid_from=date(2020, 1, 1),
        valid_to=_KEEPS,
    )


def given_part(engine: Engine, side: Side, *, token: str) -> Owner:
    """Save the owner's part with a released revision A, and return the owner."""
    part = a_part(part_no=side.part_no, organisation_id=organisation_id(side.owner), name=word(side.owner, "part"))
    with unit_of_work(engine) as session:
        part_id = register_part(session, part=part, now=utc_now())
        revision_id = add_revision(session, revision=a_revision(part_id=part_id), now=utc_now())
        facts = a_print_file(content=side.file.decode())
        attach_print_file(session, revision_id=revision_id, facts=facts, now=utc_now())
        release(session, revision_id)
    return Owner(
        organisation_id=organisation_id(side.owner),
        token=token,
        key_id="",
        part_id=part_id,
        revision_id=revision_id,
        part_no=side.part_no,
    )
