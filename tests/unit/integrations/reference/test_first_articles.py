"""Who gets a first article: certified machines that could really print come first, and at least two nodes do."""

from datetime import timedelta

import pytest

from fabroute.integrations.reference.dates import BASE_DAY
from fabroute.integrations.reference.first_articles import Candidate, Proof, first_articles, is_permitted
from fabroute.integrations.reference.rows import AssetRow, PartRow
from fabroute.inventory.service import ConventionalMethod
from fabroute.network.service import NetworkData, NewLot, NewMachine, NewMachineModel, NewNode
from fabroute.qualification.rules import CertificateView, first_article_ends
from tests.factories.network import a_lot, a_machine, a_material, a_model, a_node, an_offer

FAR = BASE_DAY + timedelta(days=400)


def a_part(
    *,
    part_no: str = "XX-1",
    box_mm: tuple[float, float, float] = (74, 28, 22),
    part_qualification: bool = True,
    export_class: str = "none",
    ip_zone: str = "any",
    required_certificates: tuple[str, ...] = ("ISO9001",),
) -> PartRow:
    return PartRow(
        part_no=part_no,
        name="Clip",
        sector="rail",
        box_mm=box_mm,
        volume_cm3=6.2,
        process_materials=("MJF:PA12-MJF",),
        required_certificates=required_certificates,
        part_qualification=part_qualification,
        criticality="routine",
        annual_demand=1,
        hs_code="9405.99",
        export_class=export_class,
        ip_zone=ip_zone,
        note="",
        conventional=ConventionalMethod(),
    )


def an_asset(*, node_id: str) -> AssetRow:
    return AssetRow(
        node_id=node_id,
        machine_id=f"{node_id}-A",
        model="HP MJF 5200",
        process="MJF",
        material="PA12-MJF",
        parameter_set="PS-1",
        utilisation=0.5,
    )


def a_certificate(*, node_id: str, ends: int = 400) -> CertificateView:
    return CertificateView(
        certificate_id=f"cert_{node_id}",
        node_id=node_id,
        scheme="ISO9001",
        scope_kind="site",
        scope="*",
        valid_from=BASE_DAY - timedelta(days=400),
        valid_to=BASE_DAY + timedelta(days=ends),
    )


def a_proof(
    *,
    names: tuple[str, ...] = ("N1",),
    certified: tuple[str, ...] | None = None,
    nodes: tuple[NewNode, ...] | None = None,
    machines: tuple[NewMachine, ...] | None = None,
    lots: tuple[NewLot, ...] | None = None,
    models: tuple[NewMachineModel, ...] = (a_model(),),
    states: tuple[str, ...] = (),
    ends: int = 400,
) -> Proof:
    """Return a network of nodes with one machine and one good lot each, all certified unless told otherwise."""
    network = NetworkData(
        nodes=nodes or tuple(a_node(node_id=name) for name in names),
        models=models,
        materials=(a_material(),),
        machines=machines or tuple(a_machine(machine_id=f"{name}-A", node_id=name) for name in names),
        offers=tuple(
            an_offer(machine_id=f"{name}-A", parameter_set_state=state)
            for name, state in zip(names, states or ("qualified",) * len(names), strict=True)
        ),
        lots=lots or tuple(a_lot(lot_id=f"lot_{name}", node_id=name, expires_on=FAR) for name in names),
    )
    held = names if certified is None else certified
    return Proof(
        network=network,
        assets=[an_asset(node_id=name) for name in names],
        certificates={name: [a_certificate(node_id=name, ends=ends)] for name in held},
    )


def candidate_of(proof: Proof, part: PartRow | None = None) -> Candidate:
    (candidate,) = proof.candidates(part or a_part())
    return candidate


# ---------------------------------------------------------------- candidates


def test_a_machine_with_room_material_and_certificates_is_certified_and_ready() -> None:
    candidate = candidate_of(a_proof())
    assert (candidate.asset.machine_id, candidate.is_certified, candidate.is_ready) == ("N1-A", True, True)


def test_a_machine_that_is_too_small_or_has_no_qualified_parameters_is_no_candidate() -> None:
    assert a_proof(models=(a_model(box_mm=(70, 70, 70)),)).candidates(a_part()) == []
    assert a_proof(states=("development",)).candidates(a_part()) == []
    assert a_proof(models=(a_model(box_mm=(22, 74, 28)),)).candidates(a_part()) != []


def test_without_a_valid_certificate_a_candidate_is_not_certified() -> None:
    assert not candidate_of(a_proof(certified=())).is_certified
    assert not candidate_of(a_proof(ends=-1)).is_certified
    assert not candidate_of(a_proof(), a_part(required_certificates=("ISO9001", "FOOD"))).is_certified
    assert candidate_of(a_proof(certified=()), a_part(required_certificates=())).is_certified


def test_a_certificate_that_ends_within_the_horizon_is_valid_but_not_ready() -> None:
    assert candidate_of(a_proof(ends=45)).is_ready
    soon = candidate_of(a_proof(ends=44))
    assert (soon.is_certified, soon.is_ready) == (True, False)


@pytest.mark.parametrize(
    "lot",
    [
        a_lot(lot_id="lot_1", node_id="N1", grams=12, expires_on=FAR),
        a_lot(lot_id="lot_1", node_id="N1", expires_on=BASE_DAY + timedelta(days=44)),
        a_lot(lot_id="lot_1", node_id="N1", expires_on=FAR, state="blocked"),
        a_lot(lot_id="lot_1", node_id="N1", expires_on=FAR, state="quarantined"),
        a_lot(lot_id="lot_1", node_id="N1", expires_on=FAR, reuse_count=15),
        a_lot(lot_id="lot_1", node_id="N2", expires_on=FAR),
    ],
    ids=["short", "expires", "blocked", "quarantined", "over-used", "elsewhere"],
)
def test_without_a_good_lot_a_candidate_is_not_ready(lot: NewLot) -> None:
    candidate = candidate_of(a_proof(lots=(lot,)))
    assert (candidate.is_certified, candidate.is_ready) == (True, False)


def test_a_machine_that_is_down_and_a_node_without_leave_are_not_ready() -> None:
    down = NewMachine(machine_id="N1-A", node_id="N1", model="HP MJF 5200", utilisation=0.5, status="down")
    assert not candidate_of(a_proof(machines=(down,))).is_ready
    assert not candidate_of(a_proof(), a_part(export_class="itar")).is_ready
    assert not candidate_of(a_proof(), a_part(ip_zone="US")).is_ready
    permitted = a_node(node_id="N1", country="US", export_permissions=("itar",))
    assert candidate_of(a_proof(nodes=(permitted,)), a_part(export_class="itar", ip_zone="US")).is_ready


@pytest.mark.parametrize(
    ("zone", "countries"),
    [
        ("any", {"DE", "US", "GB", "JP"}),
        ("same_country", {"DE", "US", "GB", "JP"}),
        ("EU", {"DE"}),
        ("US", {"US"}),
        ("EU_US", {"DE", "US"}),
    ],
)
def test_a_zone_says_where_a_file_may_be(zone: str, countries: set[str]) -> None:
    asked = [a_node(country=country) for country in ("DE", "US", "GB", "JP")]
    assert {node.country for node in asked if is_permitted(a_part(ip_zone=zone), node)} == countries


# ---------------------------------------------------------------- what is drawn


def live_nodes(proof: Proof, part: PartRow) -> set[str]:
    articles = first_articles([part], proof)
    return {row.node_id for row in articles if first_article_ends(row.last_production_on) >= BASE_DAY}


@pytest.mark.parametrize("number", range(20))
def test_two_certified_nodes_are_proven_whatever_chance_says(number: int) -> None:
    part = a_part(part_no=f"XX-{number}")
    assert live_nodes(a_proof(names=("N1", "N2")), part) == {"N1", "N2"}
    assert live_nodes(a_proof(names=("N1",)), part) == {"N1"}
    assert len(live_nodes(a_proof(names=("N1", "N2", "N3", "N4", "N5")), part)) >= 2
    only_one = a_proof(names=("N1", "N2", "N3"), certified=("N3",))
    assert "N3" in live_nodes(only_one, part)


@pytest.mark.parametrize("number", range(20))
def test_nodes_where_nothing_else_stands_in_the_way_are_proven_first(number: int) -> None:
    part = a_part(part_no=f"XX-{number}")
    names = ("N1", "N2", "N3", "N4")
    good = tuple(a_lot(lot_id=f"lot_{name}", node_id=name, expires_on=FAR) for name in ("N2", "N4"))
    assert live_nodes(a_proof(names=names, lots=good), part) >= {"N2", "N4"}


def test_a_part_that_needs_no_first_article_has_none() -> None:
    assert first_articles([a_part(part_qualification=False)], a_proof()) == ()


def test_first_articles_name_what_they_prove_and_lapse_in_about_the_documented_share() -> None:
    names = tuple(f"N{number}" for number in range(400))
    articles = first_articles([a_part()], a_proof(names=names))
    ends = [first_article_ends(row.last_production_on) for row in articles]
    lapsed = sum(end < BASE_DAY for end in ends)
    assert len(articles) / len(names) == pytest.approx(0.7, abs=0.06)
    assert lapsed / len(names) == pytest.approx(0.2, abs=0.06)
    assert not [end for end in ends if BASE_DAY <= end < BASE_DAY + timedelta(days=100)]
    first = articles[0]
    assert (first.revision_id, first.material, first.parameter_set) == ("rev_XX-1_A", "PA12-MJF", "PS-1")
    assert first.first_article_id == f"fa_XX-1_{first.machine_id}_PA12-MJF"
    assert all(row.approved_on <= row.last_production_on < BASE_DAY for row in articles)


def test_machines_of_nodes_without_certificates_are_proven_less_often() -> None:
    names = tuple(f"N{number}" for number in range(400))
    articles = first_articles([a_part()], a_proof(names=names, certified=()))
    assert len(articles) / len(names) == pytest.approx(0.25, abs=0.06)
