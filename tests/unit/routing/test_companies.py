"""With whom a part may be in one build: one rule after the other, and what they come to together."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import pytest

from fabroute.inventory.service import RevisionView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules.policies import DEFAULT_POLICY, PolicyView, document_of, policy_of
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.companies import (
    EVERYBODY,
    RULES,
    PartInBuild,
    Rule,
    company_of,
    critical,
    export_controlled,
    forbidden_by_owner,
    medical,
    of_one_lot,
    qualified_alone,
    reasons_apart,
)
from fabroute.routing.service.openings import part_of_line
from tests.factories.spares import a_cap, a_spare_order, a_spares_snapshot

PLAIN = PartInBuild(organisation_id="org_1")
CONTROLLED = replace(PLAIN, export_class="dual_use")
APART: Mapping[Rule, PartInBuild] = {
    export_controlled: CONTROLLED,
    medical: replace(PLAIN, sector="medical"),
    critical: replace(PLAIN, criticalities=frozenset({"consumer", "patient"})),
    qualified_alone: replace(PLAIN, part_qualification=True),
    forbidden_by_owner: replace(PLAIN, may_share=False),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_keeps_its_own_parts_apart_and_no_others(rule: Rule) -> None:
    assert rule(PLAIN) is None
    assert [other for other, part in APART.items() if rule(part) is not None] == [rule]
    assert company_of(APART[rule]) != EVERYBODY
    assert reasons_apart(APART[rule]) == (rule(APART[rule]),)


def test_every_rule_has_its_case_here() -> None:
    assert set(APART) == set(RULES)
    assert company_of(PLAIN) == EVERYBODY
    assert reasons_apart(PLAIN) == ()


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (replace(PLAIN, sector="medical"), "it is a medical part"),
        (replace(PLAIN, certificates=frozenset({"ISO13485", "ISO9001"})), "it needs ISO13485"),
        (replace(PLAIN, packaging=frozenset({"plain", "medical_clean"})), "it is packed as medical_clean"),
        (replace(PLAIN, certificates=frozenset({"ISO9001"}), packaging=frozenset({"plain"}), sector="rail"), None),
    ],
)
def test_medical_is_by_sector_by_certificate_or_by_packaging(part: PartInBuild, words: str | None) -> None:
    assert medical(part) == words


@pytest.mark.parametrize(("criticality", "apart"), [("patient", True), ("safety", True), ("line_down", False)])
def test_patients_and_safety_are_critical_and_a_line_down_is_not(criticality: str, apart: bool) -> None:
    found = critical(replace(PLAIN, criticalities=frozenset({"consumer", criticality})))

    assert found == (f"it is critical ({criticality})" if apart else None)


def test_two_owners_meet_only_where_no_rule_speaks_against_either() -> None:
    """Every combination of rules on both sides: 32 by 32."""
    kinds = [
        PartInBuild(
            organisation_id="org_1",
            export_class="dual_use" if controlled else "none",
            sector="medical" if ill else "rail",
            criticalities=frozenset({"safety"} if safe else {"consumer"}),
            part_qualification=qualified,
            may_share=not shy,
        )
        for controlled, ill, safe, qualified, shy in itertools.product((False, True), repeat=5)
    ]
    met = [
        (mine, theirs)
        for mine, theirs in itertools.product(kinds, repeat=2)
        if company_of(mine) == company_of(replace(theirs, organisation_id="org_2"))
    ]

    assert met == [(kinds[0], kinds[0])]
    assert len(kinds) == 32


def test_what_is_controlled_meets_only_its_own_class_of_its_own_owner() -> None:
    medical_too, munition = replace(CONTROLLED, sector="medical"), replace(CONTROLLED, export_class="military")

    assert company_of(CONTROLLED) == company_of(medical_too) == "org_1/dual_use"
    assert company_of(munition) == "org_1/military"
    assert len({company_of(it) for it in (CONTROLLED, munition, PLAIN, APART[medical])}) == 4


def test_regulated_parts_are_of_one_lot_and_controlled_ones_need_not_be() -> None:
    assert {rule for rule, part in APART.items() if of_one_lot(part)} == {medical, critical, qualified_alone}
    assert not of_one_lot(PLAIN)


@pytest.mark.parametrize(
    ("line", "revision"),
    [
        (a_spare_order(), replace(a_cap(), sector="medical")),
        (a_spare_order(criticality="patient"), a_cap()),
        (a_spare_order(criticality="safety"), a_cap()),
        (a_spare_order(), replace(a_cap(), criticality="patient")),
        (a_spare_order(), replace(a_cap(), part_qualification=True)),
        (a_spare_order(), replace(a_cap(), required_certificates=("ISO13485",))),
        (a_spare_order(), replace(a_cap(), packaging="medical_clean")),
        (replace(a_spare_order(), packaging="medical_clean"), a_cap()),
    ],
)
def test_order_and_part_are_both_asked(line: ClaimedLine, revision: RevisionView) -> None:
    assert company_of(part_of_line(line, revision)) == "org_1"
    assert company_of(part_of_line(a_spare_order(), a_cap())) == EVERYBODY


def test_an_owner_whose_policy_forbids_it_shares_with_itself_only() -> None:
    lines = [a_spare_order(1, owner="org_a"), a_spare_order(2, owner="org_b"), a_spare_order(3, owner="org_b")]
    shy = PolicyView(organisation_id="org_b", version=1, share_builds=False)
    snapshot = replace(a_spares_snapshot(*lines), policies={"org_b": shy})

    openings = [choices.options[0].way.opening for choices in CandidateFinder(snapshot).choices()]

    assert [opening.company for opening in openings if opening is not None] == [EVERYBODY, "org_b", "org_b"]


def test_policies_of_before_there_was_a_switch_let_builds_be_shared() -> None:
    shy = PolicyView(organisation_id="org_b", version=1, share_builds=False)
    old = document_of(shy)
    del old["share_builds"]

    assert policy_of(document_of(shy), organisation_id="org_b", version=1) == shy
    assert policy_of(old, organisation_id="org_b", version=1).share_builds is True
    assert DEFAULT_POLICY.share_builds is True
