"""What is ordered in a sandbox is never made by a real node, nor the other way round."""

import pytest

from fabroute.kernel.ids import sandbox_of
from fabroute.solver.eligibility import ExclusionCode
from fabroute.solver.eligibility.worlds import is_in_sight, same_world
from tests.factories.eligibility import line_facts, node_facts


@pytest.mark.parametrize("sandbox", ["", "one"])
def test_a_line_goes_to_nodes_of_its_own_world(sandbox: str) -> None:
    assert same_world(line_facts(sandbox=sandbox), node_facts(sandbox=sandbox)) is None
    assert (line_facts().sandbox, node_facts().sandbox) == ("", "")


@pytest.mark.parametrize(
    ("line", "node", "message", "figures"),
    [
        ("", "one", "takes orders of its own sandbox only", (False, True)),
        ("one", "", "is a real node, and the order is in a sandbox", (True, False)),
        ("one", "two", "is in another sandbox", (True, True)),
    ],
)
def test_no_line_crosses_over(line: str, node: str, message: str, figures: tuple[bool, bool]) -> None:
    found = same_world(line_facts(sandbox=line), node_facts(sandbox=node))

    assert found is not None
    assert (found.code, found.message) == (ExclusionCode.SANDBOX, message)
    assert tuple(found.figures.values()) == figures


@pytest.mark.parametrize(
    ("organisation_id", "sandbox"),
    [
        ("org_owner", ""),
        ("org_N101", ""),
        ("org_sandbox_01k9", "01k9"),
        ("org_sandbox_01k9_bureau", "01k9"),
        ("my_org_sandbox_01k9", ""),
        ("org_01m824de93mnbxe681mxdvxgc2", ""),
    ],
)
def test_the_sandbox_of_an_organisation_stands_in_its_id(organisation_id: str, sandbox: str) -> None:
    assert sandbox_of(organisation_id) == sandbox
    assert sandbox_of(f"{organisation_id}_b") == sandbox


@pytest.mark.parametrize(
    ("line", "node", "seen"),
    [("", "", True), ("", "one", False), ("one", "", True), ("one", "one", True), ("one", "two", False)],
)
def test_nobody_hears_of_sandboxes_of_others(line: str, node: str, seen: bool) -> None:
    assert is_in_sight(line_facts(sandbox=line), node_facts(sandbox=node)) is seen
    assert seen or same_world(line_facts(sandbox=line), node_facts(sandbox=node)) is not None
