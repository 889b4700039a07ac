"""Nodes: pages, details, status with its version, lots, queue versions."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import (
    InvalidLot,
    InvalidNodeStatus,
    NodeDetail,
    StaleVersion,
    StatusChange,
    UnknownMaterial,
    UnknownNode,
    add_lot,
    bump_queue_versions,
    find_node,
    get_node,
    list_nodes,
    nodes_of,
    save_network,
    set_node_status,
)
from tests.factories.databases import rows
from tests.factories.network import a_lot, a_machine, a_material, a_network, a_node, an_offer
from tests.factories.organisations import BUREAU, NOW, OWNER

EVENTS = "SELECT name, subject_type, subject_id, data FROM outbox_events ORDER BY id"
AUDIT = "SELECT actor, action, subject_type, subject_id, data FROM audit_entries ORDER BY id"


def a_change(*, status: str = "down", reason: str = "flood", expected_version: int | None = 1) -> StatusChange:
    return StatusChange(status=status, reason=reason, expected_version=expected_version)


# ---------------------------------------------------------------- reading


def test_a_node_comes_with_its_machines_offers_and_lots(network: Engine) -> None:
    with unit_of_work(network) as session:
        node = get_node(session, node_id="N101")
    assert isinstance(node, NodeDetail)
    assert (node.city, node.organisation_id, node.packaging, node.export_permissions) == (
        "Berlin",
        BUREAU,
        ("plain",),
        (),
    )
    assert (node.status, node.version, node.queue_version) == ("up", 1, 1)
    assert [(machine.machine_id, machine.model.z_mm) for machine in node.machines] == [("N101-A", 380.0)]
    assert [(offer.material.code, offer.model.model, offer.parameter_set) for offer in node.offers] == [
        ("PA12-MJF", "HP MJF 5200", "PS-1")
    ]
    assert [(lot.lot_id, lot.remaining_grams) for lot in node.lots] == [("lot_1", 10_000)]


def test_an_unknown_node_is_said_to_be_unknown(network: Engine) -> None:
    with unit_of_work(network) as session:
        for look in (get_node, find_node):
            with pytest.raises(UnknownNode, match="there is no node N999") as refusal:
                look(session, node_id="N999")
            assert refusal.value.status == 404


def test_nodes_come_in_pages_in_the_order_of_their_ids(network: Engine) -> None:
    more = (a_node(node_id="N103", country="FR"), a_node(node_id="N102", kind="regional_hub"))
    with unit_of_work(network) as session:
        save_network(session, data=a_network(nodes=more, machines=(), offers=(), lots=()))
        first = list_nodes(session, limit=2)
        assert ([node.node_id for node in first.items], first.next_cursor) == (["N101", "N102"], "N102")
        last = list_nodes(session, limit=2, cursor=first.next_cursor)
        assert ([node.node_id for node in last.items], last.next_cursor) == (["N103"], None)
        assert [node.node_id for node in list_nodes(session, country="FR").items] == ["N103"]
        assert [node.node_id for node in list_nodes(session, kind="regional_hub").items] == ["N102"]
        assert list_nodes(session, country="FR", kind="regional_hub").items == ()


def test_an_organisation_has_its_own_nodes_and_no_others(network: Engine) -> None:
    more = (a_node(node_id="N102"), a_node(node_id="N103", organisation_id=OWNER, kind="in_house"))
    with unit_of_work(network) as session:
        save_network(session, data=a_network(nodes=more, machines=(), offers=(), lots=()))
        assert nodes_of(session, organisation_id=BUREAU) == {"N101", "N102"}
        assert nodes_of(session, organisation_id=OWNER) == {"N103"}
        assert nodes_of(session, organisation_id="org_stranger") == frozenset()


# ---------------------------------------------------------------- status


def test_taking_a_node_down_counts_up_its_version_is_audited_and_told(network: Engine) -> None:
    with unit_of_work(network) as session:
        node = set_node_status(session, node_id="N101", change=a_change(), actor="key_1", now=NOW)
    assert (node.status, node.status_reason, node.version, node.queue_version) == ("down", "flood", 2, 1)
    with unit_of_work(network) as session:
        assert find_node(session, node_id="N101") == node
        assert rows(session, EVENTS) == [("network.changed", "node", "N101", {"reason": "node_down"})]
        data = {"from": "up", "to": "down", "reason": "flood"}
        assert rows(session, AUDIT) == [("key_1", "node.status_set", "node", "N101", data)]


def test_a_change_of_a_version_that_is_gone_changes_nothing(network: Engine) -> None:
    with unit_of_work(network) as session:
        set_node_status(session, node_id="N101", change=a_change(), actor="key_1", now=NOW)
    with unit_of_work(network) as session, pytest.raises(StaleVersion, match="at version 2, not 1") as refusal:
        set_node_status(session, node_id="N101", change=a_change(status="up"), actor="key_2", now=NOW)
    assert refusal.value.status == 412
    with unit_of_work(network) as session:
        assert find_node(session, node_id="N101").status == "down"
        assert len(rows(session, EVENTS)) == 1


def test_a_change_that_expects_no_version_is_made_on_any(network: Engine) -> None:
    with unit_of_work(network) as session:
        versions = [
            set_node_status(session, node_id="N101", change=change, actor="key_1", now=NOW).version
            for change in (a_change(expected_version=None), a_change(status="up", expected_version=None))
        ]
        assert versions == [2, 3]
        assert find_node(session, node_id="N101").status == "up"


def test_only_up_and_down_are_statuses_of_known_nodes(network: Engine) -> None:
    with pytest.raises(InvalidNodeStatus, match="use up or down") as refusal:
        a_change(status="broken")
    assert [problem.pointer for problem in refusal.value.problems] == ["/status"]
    with unit_of_work(network) as session, pytest.raises(UnknownNode):
        set_node_status(session, node_id="N999", change=a_change(), actor="key_1", now=NOW)


def test_saving_a_node_again_keeps_its_status_and_takes_its_new_description(network: Engine) -> None:
    with unit_of_work(network) as session:
        set_node_status(session, node_id="N101", change=a_change(), actor="key_1", now=NOW)
        moved = a_network(nodes=(a_node(city="Potsdam"),), lots=(a_lot(expires_on=date(2028, 1, 1), grams=5),))
        assert save_network(session, data=moved) == 2
        assert save_network(session, data=moved) == 0
        node = get_node(session, node_id="N101")
    assert (node.city, node.status, node.version) == ("Potsdam", "down", 2)
    assert [(lot.expires_on, lot.initial_grams, lot.remaining_grams) for lot in node.lots] == [
        (date(2028, 1, 1), 10_000, 10_000)
    ]


# ---------------------------------------------------------------- lots


def test_a_new_lot_is_in_the_store_audited_and_told(network: Engine) -> None:
    with unit_of_work(network) as session:
        lot = add_lot(session, lot=a_lot(lot_id=None, grams=2_500), actor="key_1", now=NOW)
    assert (lot.node_id, lot.material, lot.remaining_grams, lot.state) == ("N101", "PA12-MJF", 2_500, "available")
    assert lot.lot_id.startswith("lot_")
    with unit_of_work(network) as session:
        assert lot in get_node(session, node_id="N101").lots
        assert rows(session, EVENTS) == [("network.changed", "node", "N101", {"reason": "lot_added"})]
        data = {"node_id": "N101", "material": "PA12-MJF", "grams": 2_500, "supplier_lot": ""}
        assert rows(session, AUDIT) == [("key_1", "lot.added", "material_lot", lot.lot_id, data)]


def test_a_lot_of_a_material_that_the_node_does_not_print_or_at_an_unknown_node_is_refused(network: Engine) -> None:
    with unit_of_work(network) as session:
        elsewhere = a_network(
            nodes=(a_node(node_id="N102"),),
            materials=(a_material(code="PA11"),),
            machines=(a_machine(machine_id="N102-A", node_id="N102"),),
            offers=(an_offer(machine_id="N102-A", material="PA11"),),
            models=(),
            lots=(),
        )
        save_network(session, data=elsewhere)
        for material in ("GOLD", "PA11"):
            with pytest.raises(UnknownMaterial, match=f"N101 prints no '{material}'") as refusal:
                add_lot(session, lot=a_lot(lot_id=None, material=material), actor="key_1", now=NOW)
            assert [problem.pointer for problem in refusal.value.problems] == ["/material"]
        assert add_lot(session, lot=a_lot(lot_id="lot_2", node_id="N102", material="PA11"), actor="k", now=NOW).lot_id
        with pytest.raises(UnknownNode):
            add_lot(session, lot=a_lot(lot_id=None, node_id="N999"), actor="key_1", now=NOW)


def test_an_expired_lot_comes_into_the_store_only_as_one_that_is_not_used(network: Engine) -> None:
    yesterday, today = NOW.date() - timedelta(days=1), NOW.date()
    with unit_of_work(network) as session:
        with pytest.raises(InvalidLot, match="expired on 2026-06-14 is not available") as refusal:
            add_lot(session, lot=a_lot(lot_id=None, expires_on=yesterday), actor="key_1", now=NOW)
        assert [problem.pointer for problem in refusal.value.problems] == ["/expires_on"]
        for state in ("blocked", "quarantined"):
            old = add_lot(session, lot=a_lot(lot_id=None, expires_on=yesterday, state=state), actor="key_1", now=NOW)
            assert (old.state, old.expires_on) == (state, yesterday)
        assert add_lot(session, lot=a_lot(lot_id=None, expires_on=today), actor="key_1", now=NOW).state == "available"
        assert len(get_node(session, node_id="N101").lots) == 4


@pytest.mark.parametrize("grams", [0, -5, 2_000_000_001])
def test_a_lot_weighs_something_that_can_be(grams: int) -> None:
    with pytest.raises(InvalidLot, match="whole grams") as refusal:
        a_lot(grams=grams, state="lost", reuse_count=-1)
    assert [problem.pointer for problem in refusal.value.problems] == ["/grams", "/state", "/reuse_count"]


# ---------------------------------------------------------------- queues


def test_queue_versions_count_up_for_the_named_nodes_only(network: Engine) -> None:
    with unit_of_work(network) as session:
        save_network(session, data=a_network(nodes=(a_node(node_id="N102"),), machines=(), offers=(), lots=()))
        bump_queue_versions(session, node_ids=["N101"])
        bump_queue_versions(session, node_ids={"N101", "N999"})
        bump_queue_versions(session, node_ids=())
        versions = [(node.node_id, node.queue_version, node.version) for node in list_nodes(session).items]
    assert versions == [("N101", 3, 1), ("N102", 1, 1)]
