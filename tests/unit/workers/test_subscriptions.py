"""Which event makes which task run."""

import pytest

from fabroute_workers.app import create_app
from fabroute_workers.subscriptions import SUBSCRIPTIONS, Errand, errands_of


def test_a_placed_order_has_its_planning_scope_routed() -> None:
    assert errands_of(event_name="order.placed", data={"scope": "north"}) == (
        Errand(task="routing.route_pending", scope="north"),
    )


def test_an_order_with_lines_in_several_scopes_has_each_of_them_routed_and_so_has_a_scope_that_was_split() -> None:
    placed = errands_of(event_name="order.placed", data={"scope": "metal/europe,photopolymer/europe"})
    split = errands_of(event_name="planning_scope.split", data={"scope": "metal/rest/1of2,metal/rest/2of2"})

    assert [(errand.task, errand.scope) for errand in placed] == [
        ("routing.route_pending", "metal/europe"),
        ("routing.route_pending", "photopolymer/europe"),
    ]
    assert [errand.scope for errand in split] == ["metal/rest/1of2", "metal/rest/2of2"]
    assert errands_of(event_name="order.placed", data={}) == ()  # the sweep finds it all the same


def test_a_changed_network_has_lines_without_a_route_looked_at_again() -> None:
    errands = errands_of(event_name="network.changed", data={"reason": "lot_added"})
    assert errands == (Errand(task="routing.requeue_unroutable"),)
    assert errands[0].arguments == {}  # of all planning scopes


def test_other_events_ask_for_nothing() -> None:
    assert errands_of(event_name="order.routed", data={}) == ()
    assert errands_of(event_name="job.offered", data={"node_id": "N001"}) == ()


def test_an_uploaded_file_is_validated_whatever_the_planning_scope() -> None:
    errands = errands_of(event_name="print_file.submitted", data={"revision_id": "rev_1", "scope": "north"})
    assert errands == (Errand(task="inventory.validate_print_files"),)
    assert errands[0].arguments == {}


@pytest.mark.parametrize("event", ["build.timed", "build.withdrawn", "job.print_reported"])
def test_the_machines_of_a_node_learn_from_its_builds_and_prints(event: str) -> None:
    errands = errands_of(event_name=event, data={"node_id": "N101", "number": 3})
    assert errands == (Errand(task="production.learn_calibrations", node_id="N101"),)
    assert errands[0].arguments == {"node_id": "N101"}
    assert errands_of(event_name=event, data={}) == (Errand(task="production.learn_calibrations"),)


def test_equal_errands_of_several_events_are_one() -> None:
    errands = [errands_of(event_name="order.placed", data={"scope": "north"})[0] for _ in range(3)]
    assert len(set(errands)) == 1


def test_an_errand_without_a_scope_has_no_arguments() -> None:
    assert Errand(task="network.extend_capacity").arguments == {}


def test_every_subscribed_task_exists() -> None:
    app = create_app("redis://localhost:6379/0")
    app.loader.import_default_modules()
    named = {name for tasks in SUBSCRIPTIONS.values() for name in tasks}
    assert {"routing.route_pending", "routing.requeue_unroutable", "inventory.validate_print_files"} <= named
    assert named <= set(app.tasks)


@pytest.mark.parametrize("reason", ["certificates_changed", "certificate_revoked", "first_article_revoked"])
def test_proofs_that_changed_have_jobs_looked_at_again_beside_lines(reason: str) -> None:
    errands = errands_of(event_name="network.changed", data={"reason": reason})
    assert [errand.task for errand in errands] == ["routing.requeue_unroutable", "production.hold_unqualified"]
    assert [errand.scope for errand in errands] == [None, None]


def test_a_revision_or_licence_that_is_over_has_its_jobs_held_and_held_jobs_are_taken_back() -> None:
    superseded = errands_of(event_name="network.changed", data={"reason": "revision_superseded"})
    assert superseded[1] == Errand(task="production.hold_unqualified")
    for name in ("print_licence.frozen", "print_licence.revoked"):
        assert errands_of(event_name=name, data={"unprinted": 2}) == (Errand(task="production.hold_unqualified"),)
    assert errands_of(event_name="job.held", data={"node_id": "N101"}) == (Errand(task="production.take_back_held"),)
