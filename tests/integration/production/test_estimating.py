"""What a part takes on each machine: which revision is meant, who may ask where, and what stands in the way."""

from dataclasses import replace
from functools import partial

import pytest

from fabroute.estimation.production import estimate_production
from fabroute.estimation.sources import Mark
from fabroute.identity.rules import Principal
from fabroute.identity.service import create_organisation
from fabroute.inventory.service import NewRevision, RevisionNotMeasured, add_revision
from fabroute.network.service import (
    NewRate,
    UnknownNode,
    evidence_of,
    machine_facts,
    material_facts,
    rates_of,
    save_network,
    state_rate,
)
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory
from fabroute.production.service import EstimateAsked, Estimates, UnknownMachine, estimate_part, list_constants
from fabroute.production.service.geometry import part_geometry
from tests.factories.inventory import a_drawn_revision, a_revision
from tests.factories.network import a_machine, a_material, a_model, a_network, a_node, an_offer
from tests.factories.orders import given_part, given_revision
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of


def ask(
    floor: Floor,
    *,
    by: Principal | None = None,
    part: str = "RL-0001",
    revision: str | None = None,
    quantity: int = 10,
    node_id: str | None = None,
    machine_id: str | None = None,
) -> Estimates:
    asked = EstimateAsked(part=part, quantity=quantity, revision=revision, node_id=node_id, machine_id=machine_id)
    principal = by or key_of(floor.owner)
    return floor.do(lambda session: estimate_part(session, principal=principal, asked=asked, now=NOW))


def added(floor: Floor, revision: NewRevision) -> str:
    return floor.do(lambda session: add_revision(session, revision=revision, now=NOW))


def reasons(found: Estimates) -> list[list[str]]:
    return [[reason.code for reason in it.reasons] for it in found.unable]


# ---------------------------------------------------------------- which revision


def test_the_released_revision_is_meant_and_any_other_by_its_name(floor: Floor) -> None:
    bigger = a_revision(part_id=floor.owner.part_id, revision="B", box_mm=(120, 80, 60), volume_cm3=90.0)
    added(floor, bigger)

    usual, named, same = ask(floor), ask(floor, revision="B"), ask(floor, revision="A")

    assert (usual.revision.revision, named.revision.revision) == ("A", "B")
    assert (usual.revision.state, named.revision.state) == ("released", "draft")
    assert usual == same
    assert named.estimates[0].estimate.price_minor > usual.estimates[0].estimate.price_minor


def test_without_a_released_revision_the_last_is_meant(floor: Floor) -> None:
    part_id = given_part(floor.engine, organisation_id=floor.owner.organisation_id, part_no="NEW-1")
    for name in ("A", "B"):
        given_revision(floor.engine, part_id=part_id, revision=name, state="draft")

    assert ask(floor, part="NEW-1").revision.revision == "B"
    with pytest.raises(RevisionNotInInventory, match="NEW-1 has no revision Z: there is A, B") as refusal:
        ask(floor, part="NEW-1", revision="Z")
    assert [problem.pointer for problem in refusal.value.problems] == ["/revision"]


def test_a_withdrawn_revision_is_estimated_with_a_warning(floor: Floor) -> None:
    usual = ask(floor)
    floor.table("UPDATE part_revisions SET state = 'withdrawn' RETURNING id")
    withdrawn = ask(floor, revision="A")

    assert usual.warning is None
    assert withdrawn.warning == (
        "revision A of RL-0001 is withdrawn: it can't be ordered or printed any more, these figures only tell what it "
        "would have taken"
    )


def test_a_part_without_a_revision_is_told_how_to_get_one(floor: Floor) -> None:
    given_part(floor.engine, organisation_id=floor.owner.organisation_id, part_no="TRY-1")

    for revision in (None, "A"):
        with pytest.raises(RevisionNotInInventory) as refusal:
            ask(floor, part="TRY-1", revision=revision)
        assert str(refusal.value) == "TRY-1 has no revision yet: add one with POST /v1/parts/TRY-1/revisions"
    assert [problem.pointer for problem in refusal.value.problems] == ["/revision"]


def test_a_revision_without_a_size_has_no_estimate(floor: Floor) -> None:
    part_id = given_part(floor.engine, organisation_id=floor.owner.organisation_id, part_no="NEW-1")
    added(floor, a_drawn_revision(part_id=part_id))

    with pytest.raises(RevisionNotMeasured, match="upload its print file"):
        ask(floor, part="NEW-1")
    with pytest.raises(PartNotInInventory, match="you have no part NEW-2"):
        ask(floor, part="NEW-2")


# ---------------------------------------------------------------- who, and where


def test_a_bureau_estimates_its_own_parts_on_its_own_nodes_only(floor: Floor) -> None:
    rivals = a_network(
        nodes=(a_node(node_id="N102", organisation_id="org_rival"),),
        machines=(a_machine(machine_id="N102-A", node_id="N102"),),
        offers=(an_offer(machine_id="N102-A"),),
        lots=(),
    )
    floor.do(
        lambda session: create_organisation(session, name="R", kind="bureau", now=NOW, organisation_id="org_rival")
    )
    floor.do(lambda session: save_network(session, data=rivals))
    part_id = given_part(floor.engine, organisation_id="org_bureau", part_no="JIG-1")
    given_revision(floor.engine, part_id=part_id, revision="A")

    own = ask(floor, by=BUREAU_KEY, part="JIG-1")

    assert [it.node.node_id for it in own.estimates] == ["N101"]
    with pytest.raises(UnknownNode, match="no node N102 of yours"):
        ask(floor, by=BUREAU_KEY, part="JIG-1", node_id="N102")
    with pytest.raises(UnknownMachine):
        ask(floor, by=BUREAU_KEY, part="JIG-1", machine_id="N102-A")
    assert [it.node.node_id for it in ask(floor).estimates] == ["N101", "N102"]
    for stranger in (BUREAU_KEY, RIVAL_KEY, OPERATOR_KEY):
        with pytest.raises(PartNotInInventory):
            ask(floor, by=stranger)


def test_of_equal_prices_the_order_is_always_the_same(floor: Floor) -> None:
    twins = a_network(
        machines=tuple(a_machine(machine_id=f"N101-{letter}") for letter in "DBCA"),
        offers=tuple(an_offer(machine_id=f"N101-{letter}") for letter in "DBCA"),
        lots=(),
    )
    floor.do(lambda session: save_network(session, data=twins))

    machines = [it.offer.machine_id for it in ask(floor).estimates]
    assert machines == ["N101-A", "N101-B", "N101-C", "N101-D"]
    assert machines == [it.offer.machine_id for it in ask(floor).estimates]


# ---------------------------------------------------------------- what stands in the way


def test_everything_that_bites_is_told_but_another_material_says_enough(floor: Floor) -> None:
    small = a_network(
        models=(a_model(), a_model(model="Small", box_mm=(50, 50, 50))),
        materials=(a_material(), a_material(code="PP-MJF")),
        machines=(a_machine(), a_machine(machine_id="N101-B", model="Small")),
        offers=(
            an_offer(),
            an_offer(machine_id="N101-B", parameter_set_state="development"),
            an_offer(machine_id="N101-B", material="PP-MJF"),
        ),
        lots=(),
    )
    floor.do(lambda session: save_network(session, data=small))
    floor.table("UPDATE machines SET status = 'down' WHERE id = 'N101-B' RETURNING id")

    found = ask(floor)

    assert [it.offer.machine_id for it in found.estimates] == ["N101-A"]
    assert reasons(found) == [["NODE_DOWN", "NO_PARAMETER_SET", "BUILD_VOLUME"], ["PROCESS_MATERIAL"]]


def test_a_part_that_must_stand_and_names_its_parameter_sets_is_held_to_both(floor: Floor) -> None:
    """58 mm up it fits 80 mm less margins, 86 mm up it does not; and it was qualified with another set."""
    low = a_network(
        models=(a_model(box_mm=(200, 200, 80)),), offers=(an_offer(), an_offer(parameter_set="PS-7")), lots=()
    )
    floor.do(lambda session: save_network(session, data=low))
    tall = a_revision(part_id=floor.owner.part_id, revision="B")
    added(floor, replace(tall, qualified_orientation="x", parameter_sets=("PS-7",)))
    added(floor, replace(tall, revision_id="rev_C", revision="C", qualified_orientation="y", parameter_sets=("PS-7",)))

    standing, lying = ask(floor, revision="B"), ask(floor, revision="C")

    assert sorted(reasons(standing)) == [["BUILD_VOLUME"], ["NO_PARAMETER_SET", "BUILD_VOLUME"]]
    assert reasons(lying) == [["NO_PARAMETER_SET"]]
    assert [(it.offer.parameter_set, it.estimate.standing_mm[2]) for it in lying.estimates] == [("PS-7", 58.0)]


def test_a_material_whose_data_allow_no_estimate_says_what_is_missing(floor: Floor) -> None:
    floor.table("UPDATE materials SET bulk_density_g_per_cm3 = NULL RETURNING code")
    ((reason,),) = (it.reasons for it in ask(floor).unable)

    assert reason.code == "NO_ESTIMATE"
    assert "PA12-MJF needs refresh_ratio and bulk_density_g_per_cm3" in reason.message
    floor.table("UPDATE machine_models SET layer_um = 0 RETURNING model")
    ((broken,),) = (it.reasons for it in ask(floor).unable)
    assert broken.code == "NO_ESTIMATE"
    assert "layer_um" in broken.message


# ---------------------------------------------------------------- it is the estimate of everyone


@pytest.mark.parametrize(
    ("quantity", "hour", "kilogram", "labour"),
    [(1, 1, 1, 0), (7, 3_800, 5_500, 4_600), (108, 12_345, 1, 9_999), (109, 1, 50_000, 1), (5_000, 20_000, 9_999, 77)],
)
def test_an_estimate_is_the_core_s_own_with_stated_rates_in_place_of_the_data(
    floor: Floor, quantity: int, hour: int, kilogram: int, labour: int
) -> None:
    for code, amount in (("machine_hour", hour), ("material_kg", kilogram), ("labour_hour", labour)):
        rate = NewRate(node_id="N101", code=code, amount_minor=amount, valid_from=NOW.date(), source="drawn")
        floor.do(partial(state_rate, rate=rate, actor="key_1", now=NOW))
    found = ask(floor, quantity=quantity)

    (one,) = found.estimates
    by_hand = estimate_production(
        part=part_geometry(found.revision),
        machine=replace(machine_facts(one.offer.model), rate_minor_per_hour=hour),
        material=replace(material_facts(one.offer.material), price_minor_per_kg=kilogram),
        rates=replace(
            rates_of(one.node, one.offer, grid_g_per_kwh=380.9),
            machine_minor_per_hour=None,
            material_minor_per_kg=None,
            labour_minor_per_hour=labour,
        ),
        quantity=quantity,
        evidence=evidence_of(one.offer),
    )
    assert one.estimate.breakdown == by_hand.breakdown
    assert (one.estimate.price_minor, one.estimate.co2_g) == (by_hand.price_minor, by_hand.co2_g)
    stated = {figure.code: figure.value for figure in one.figures if figure.mark is Mark.STATED}
    assert (stated["rate_minor_per_hour"], stated["price_minor_per_kg"]) == (hour, kilogram)
    assert stated["grid_g_per_kwh"] == 380.9


def test_constants_are_those_of_every_model_material_and_process(floor: Floor) -> None:
    found = floor.do(lambda session: list_constants(session))
    vendor = floor.do(lambda session: list_constants(session, mark=Mark.VENDOR))

    names = {(figure.subject, figure.code) for figure in found}
    assert {("HP MJF 5200", "layer_um"), ("PA12-MJF", "price_minor_per_kg"), ("BJT", "nesting_density")} <= names
    assert len(names) == len(found)
    assert set(vendor) == {figure for figure in found if figure.mark is Mark.VENDOR}
    assert len(floor.do(lambda session: list_constants(session, mark=Mark.MEASURED))) == 0
