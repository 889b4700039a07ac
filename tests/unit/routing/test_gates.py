"""The solver's gates as routing asks them."""

from dataclasses import replace
from datetime import date

import pytest

from fabroute.routing.service.facts import standing
from fabroute.routing.service.gates import Gatekeeper, nearest_of_each_code, same_country
from fabroute.solver.eligibility import Exclusion, ExclusionCode, ProductionWindow
from tests.factories.eligibility import line_facts, node_facts
from tests.factories.routing import a_lot_view, a_node_view
from tests.factories.snapshots import (
    PRINTER,
    a_certificate,
    a_first_article,
    a_licence,
    a_line,
    a_printer,
    a_revision_view,
    a_snapshot,
)

WINDOW = ProductionWindow(first_day=date(2026, 6, 15), last_day=date(2026, 6, 18))


def codes(reasons: tuple[Exclusion, ...]) -> list[str]:
    return [reason.code.value for reason in reasons]


def a_reason(code: str, **figures: str | int | float) -> Exclusion:
    return Exclusion(code=ExclusionCode(code), message=code, figures=figures)


# ---------------------------------------------------------------- one reason for each code


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (a_reason("BUILD_VOLUME", needs_mm=110, has_mm=100), a_reason("BUILD_VOLUME", needs_mm=410, has_mm=340)),
        (a_reason("CERTIFICATE_MISSING", missing="A"), a_reason("CERTIFICATE_MISSING", missing="A, B")),
        (
            a_reason("CERTIFICATE_EXPIRES", valid_to="2026-06-14"),
            a_reason("CERTIFICATE_EXPIRES", valid_to="2025-12-31"),
        ),
        (
            a_reason("MATERIAL_SHORT", needed_grams=100, largest_lot_grams=99),
            a_reason("MATERIAL_SHORT", needed_grams=100, largest_lot_grams=0),
        ),
        (
            a_reason("CAPACITY", needed_minutes=100, free_minutes=90),
            a_reason("CAPACITY", needed_minutes=300, free_minutes=200),
        ),
        (a_reason("NEED_BY", late_hours=2), a_reason("NEED_BY", late_hours=26)),
        (a_reason("IP_POLICY", needed=3, left=2), a_reason("IP_POLICY", needed=3, left=0)),
        (
            a_reason("PRICE_CAP", landed_minor=1100, maximum_minor=1000),
            a_reason("PRICE_CAP", landed_minor=1200, maximum_minor=1000),
        ),
        (
            a_reason("MIN_ORDER", minimum_minor=5000, price_minor=4900),
            a_reason("MIN_ORDER", minimum_minor=5000, price_minor=100),
        ),
    ],
)
def test_of_two_reasons_with_one_code_the_nearer_one_is_shown(near: Exclusion, far: Exclusion) -> None:
    assert nearest_of_each_code((near, far)) == (near,)
    assert nearest_of_each_code((far, near)) == (near,)


def test_codes_keep_the_order_in_which_they_came() -> None:
    reasons = (a_reason("NODE_DOWN"), a_reason("PACKAGING"), a_reason("NODE_DOWN", status="down"))

    assert nearest_of_each_code(reasons) == reasons[:2]
    assert nearest_of_each_code(()) == ()


def test_a_patients_part_may_only_be_made_where_it_goes() -> None:
    line = line_facts(destination_country="AT")

    assert same_country(line, node_facts(country="AT")) is None
    refused = same_country(line, node_facts(country="DE"))
    assert refused is not None
    assert refused.message == "a patient's part is made in AT; the node is in DE"


# ---------------------------------------------------------------- looking things up


def test_lines_that_ask_the_same_are_asked_about_once() -> None:
    gates = Gatekeeper(a_snapshot())

    assert gates.asking(a_line(line_id="line_1")) is gates.asking(a_line(line_id="line_2", quantity=9))
    assert gates.asking(a_line()) is not gates.asking(a_line(packaging="esd"))
    assert gates.asking(a_line()) is not gates.asking(a_line(country="FR"))
    assert gates.asking(a_line()) is not gates.asking(a_line(criticality="safety"))


def test_a_safety_critical_line_asks_for_a_first_article() -> None:
    gates = Gatekeeper(a_snapshot())

    assert gates.asking(a_line(criticality="safety")).facts.part_qualification
    assert not gates.asking(a_line(criticality="aog")).facts.part_qualification
    assert gates.asking(a_line(criticality="patient")).same_country


def test_only_offers_in_an_allowed_process_and_material_count() -> None:
    nodes = (a_node_view(node_id="N1"), a_node_view(node_id="N2"))
    offers = (a_printer(node_id="N1"), a_printer(node_id="N1", machine_id="N1-B"))
    gates = Gatekeeper(a_snapshot(nodes=nodes, offers=offers))
    other = Gatekeeper(a_snapshot(nodes=nodes, offers=offers, revisions=(a_revision_view(process_materials=()),)))

    assert [offer.machine_id for offer in gates.allowed_offers(gates.asking(a_line()), "N1")] == ["N1-A", "N1-B"]
    assert gates.allowed_offers(gates.asking(a_line()), "N2") == ()
    assert other.allowed_offers(other.asking(a_line()), "N1") == ()
    assert codes(gates.node_reasons(gates.asking(a_line()), "N2")) == ["PROCESS_MATERIAL"]


def test_answers_about_a_node_are_remembered() -> None:
    gates = Gatekeeper(a_snapshot())
    asking = gates.asking(a_line(packaging="esd"))

    first = gates.node_reasons(asking, "N101")
    assert codes(first) == ["PACKAGING"]
    assert gates.node_reasons(asking, "N101") is first


def test_proofs_are_asked_for_the_days_of_production() -> None:
    revision = a_revision_view(required_certificates=("ISO9001",), part_qualification=True)
    certificates = (a_certificate(valid_to=date(2026, 6, 17)),)
    gates = Gatekeeper(
        a_snapshot(revisions=(revision,), certificates=certificates, first_articles=(a_first_article(),))
    )
    asking, offer = gates.asking(a_line()), a_printer()
    shorter = ProductionWindow(first_day=WINDOW.first_day, last_day=date(2026, 6, 17))

    assert codes(gates.proof_reasons(asking, offer, WINDOW)) == ["CERTIFICATE_EXPIRES"]
    assert gates.proof_reasons(asking, offer, shorter) == ()
    assert gates.proven_until(asking, offer, WINDOW.first_day, prints=2) == date(2026, 6, 17)
    assert gates.proven_until(asking, offer, date(2026, 6, 18), prints=2) is None


def test_a_first_article_counts_for_its_own_machine_only() -> None:
    revision = a_revision_view(part_qualification=True)
    offers = (a_printer(machine_id="N101-A"), a_printer(machine_id="N101-B"))
    gates = Gatekeeper(
        a_snapshot(offers=offers, revisions=(revision,), first_articles=(a_first_article(machine_id="N101-B"),))
    )
    asking = gates.asking(a_line())

    assert codes(gates.proof_reasons(asking, offers[0], WINDOW)) == ["PART_NOT_QUALIFIED"]
    assert gates.proof_reasons(asking, offers[1], WINDOW) == ()


def test_production_is_proven_until_the_first_of_certificate_first_article_and_licence_ends() -> None:
    revision = a_revision_view(required_certificates=("ISO9001",), part_qualification=True, licence_required=True)

    def until(*, certificate: date, produced: date, licence: date | None, asked: date = WINDOW.first_day) -> object:
        snapshot = a_snapshot(
            revisions=(revision,),
            certificates=(a_certificate(valid_to=certificate),),
            first_articles=(replace(a_first_article(), approved_on=produced, last_production_on=produced),),
            licences=(a_licence(valid_to=licence),),
        )
        gates = Gatekeeper(snapshot)
        return gates.proven_until(gates.asking(a_line()), a_printer(), asked, prints=2)

    june, july, august = date(2026, 6, 30), date(2026, 7, 31), date(2026, 8, 31)
    assert until(certificate=june, produced=date(2024, 7, 31), licence=august) == june
    assert until(certificate=july, produced=date(2024, 6, 30), licence=None) == june
    assert until(certificate=july, produced=date(2024, 8, 31), licence=june) == june
    assert until(certificate=july, produced=date(2024, 6, 30), licence=august, asked=date(2026, 7, 1)) is None
    assert until(certificate=july, produced=date(2024, 8, 31), licence=june, asked=date(2026, 7, 1)) is None


def test_a_certificate_that_waits_for_the_operator_is_named_as_waiting() -> None:
    revision = a_revision_view(required_certificates=("ISO9001",))
    gates = Gatekeeper(a_snapshot(revisions=(revision,), certificates=(a_certificate(verified=False),)))

    (reason,) = gates.offer_reasons(gates.asking(a_line()), a_printer())

    assert (reason.code, reason.figures["waiting"]) == ("CERTIFICATE_MISSING", "ISO9001")
    assert reason.message == "has no ISO9001 for MEX:PLA; ISO9001 waits for verification"


def test_a_certificate_of_one_machine_serves_that_one_alone() -> None:
    offers = (a_printer(machine_id="N101-A"), a_printer(machine_id="N101-B"))
    gates = Gatekeeper(
        a_snapshot(
            offers=offers,
            revisions=(a_revision_view(required_certificates=("ISO9001",)),),
            certificates=(a_certificate(scope="MEX", machine_id="N101-B", parameter_set="PS-1"),),
        )
    )
    asking = gates.asking(a_line())

    assert codes(gates.offer_reasons(asking, offers[0])) == ["CERTIFICATE_MISSING"]
    assert gates.offer_reasons(asking, offers[1]) == ()


def test_what_the_part_itself_asks_for_reaches_the_gates() -> None:
    revision = a_revision_view(
        packaging="esd",
        parameter_sets=("PS-9",),
        ip_countries=("FR",),
        ip_nodes=("N101",),
        ip_kinds=("in_house",),
    )
    gates = Gatekeeper(a_snapshot(revisions=(revision,)))
    asking = gates.asking(a_line(packaging="brand"))

    assert codes(gates.node_reasons(asking, "N101")) == ["IP_POLICY", "PACKAGING"]
    policy, packaging = gates.node_reasons(asking, "N101")
    assert policy.figures == {
        "permitted_countries": "FR",
        "node_country": "DE",
        "permitted_kinds": "in_house",
        "node_kind": "service_bureau",
    }
    assert packaging.figures["wanted"] == "esd, brand"
    assert codes(gates.offer_reasons(asking, a_printer())) == ["NO_PARAMETER_SET"]


@pytest.mark.parametrize(("axis", "standing_mm"), [("x", (40, 20, 50)), ("y", (20, 50, 40)), ("z", (50, 40, 20))])
def test_the_qualified_orientation_says_which_axis_of_the_file_points_up(
    axis: str, standing_mm: tuple[float, float, float]
) -> None:
    revision = a_revision_view(box_mm=(50, 40, 20), qualified_orientation=axis)

    assert standing(revision) == standing_mm
    assert standing(a_revision_view()) is None
    gates = Gatekeeper(a_snapshot(revisions=(revision,)))
    assert gates.asking(a_line()).facts.orientation_mm == standing_mm


def test_a_part_that_must_stand_too_high_for_a_machine_does_not_fit_it() -> None:
    long_along_x, low = (290.0, 20.0, 20.0), replace(PRINTER, z_mm=200)

    def reasons(axis: str | None) -> list[str]:
        revision = a_revision_view(box_mm=long_along_x, qualified_orientation=axis)
        gates = Gatekeeper(a_snapshot(revisions=(revision,), offers=(a_printer(model=low),)))
        return codes(gates.offer_reasons(gates.asking(a_line()), a_printer(model=low)))

    assert reasons("x") == ["BUILD_VOLUME"]
    assert reasons("z") == reasons(None) == []


def test_a_licence_is_asked_for_as_many_prints_as_the_line_has() -> None:
    gates = Gatekeeper(
        a_snapshot(revisions=(a_revision_view(licence_required=True),), licences=(a_licence(good=4, leased=3),))
    )
    asking = gates.asking(a_line())

    def reasons(prints: int) -> tuple[Exclusion, ...]:
        return gates.licence_reasons(asking, "N101", prints=prints, through=WINDOW.last_day)

    assert reasons(3) == ()
    (short,) = reasons(4)
    assert short.message == "licence lic_1 has 3 of 10 prints left, 4 are needed"
    assert (short.figures["licence"], short.figures["left"], short.figures["granted"]) == ("lic_1", 3, 10)
    assert reasons(4)[0] is short


def test_a_revision_that_needs_no_licence_is_not_asked_for_one() -> None:
    gates = Gatekeeper(a_snapshot(licences=(a_licence(state="frozen"),)))
    asking = gates.asking(a_line())

    assert gates.licence_reasons(asking, "N101", prints=99, through=WINDOW.last_day) == ()
    assert gates.proven_until(asking, a_printer(), WINDOW.first_day, prints=99) == date.max


def test_the_store_gives_the_lots_that_last_and_hold_enough() -> None:
    lots = (
        a_lot_view(lot_id="good", material="PLA", grams=100),
        a_lot_view(lot_id="short", material="PLA", grams=99),
        a_lot_view(lot_id="old", material="PLA", expires_on=date(2026, 6, 17)),
        a_lot_view(lot_id="held", material="PLA", state="quarantined"),
        a_lot_view(lot_id="other", material="PETG"),
    )
    gates = Gatekeeper(a_snapshot(lots=lots))

    enough = gates.usable_lots(a_printer(), WINDOW, grams=100)
    too_much = gates.usable_lots(a_printer(), WINDOW, grams=101)
    assert ([lot.lot_id for lot in enough.lots], enough.reasons) == (["good"], ())
    assert too_much.lots == ()
    assert "MATERIAL_SHORT" in codes(too_much.reasons)
    assert gates.usable_lots(a_printer(), WINDOW, grams=100) is enough


def test_a_refusing_node_is_asked_about_the_price() -> None:
    node = a_node_view(minimum_order_minor=5_000, minimum_order_policy="refuse")
    gates = Gatekeeper(a_snapshot(nodes=(node,)))

    assert codes(gates.minimum_order_reasons(a_printer(), price_minor=4_999)) == ["MIN_ORDER"]
    assert gates.minimum_order_reasons(a_printer(), price_minor=5_000) == ()
