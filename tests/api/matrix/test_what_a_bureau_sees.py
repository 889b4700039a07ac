"""A bureau sees no price of another, no more of an owner's customer than the label, and no file without a ticket."""

from typing import Any

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.service import issue_api_key
from fabroute.kernel.time import utc_now
from tests.api.matrix.canaries import amount, found_in, word
from tests.api.matrix.leaks import AT_THE_DOOR, forbidden
from tests.api.matrix.making import Ids
from tests.api.matrix.sides import OTHERS, VICTIM
from tests.api.matrix.world import World
from tests.factories.problems import Refusal, refusal_of
from tests.unit.integrations.paper.pictures import words_of

NODE = {
    "city",
    "country",
    "cutoff_local",
    "id",
    "kind",
    "latitude",
    "longitude",
    "lots",
    "machines",
    "offers",
    "offer_seconds",
    "offline_seconds",
    "on_time_score",
    "organisation_id",
    "packaging",
    "status",
    "status_reason",
    "timezone",
    "version",
    "working_days",
}
"""All that is told of a node: nothing of its wage, its smallest order, its margin and its yield."""
HIDDEN = {"name": None, "street": None, "postal_code": None, "city": "Hamburg", "country": "DE"}
LABELLED = {"name": "zqalphacustomer", "street": "zqalphastreet", "postal_code": "", "city": "Hamburg", "country": "DE"}
OWN_PRICE = {"amount_minor": amount("charlie", "price"), "currency": "EUR"}


@pytest.fixture
def ids(world: World) -> Ids:
    return world.ids_of(VICTIM)


def seen(world: World, path: str, who: str = "bureau") -> Any:
    """Return what a bureau reads at a path."""
    answer = world.clients[who].get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_node_of_another_shows_neither_its_prices_nor_its_lots(world: World) -> None:
    rival, own = seen(world, f"/v1/nodes/{OTHERS.node_id}"), seen(world, f"/v1/nodes/{VICTIM.node_id}")

    assert set(rival) == set(own) == NODE
    assert (rival["lots"], len(own["lots"])) == (None, 3)
    assert seen(world, f"/v1/nodes/{VICTIM.node_id}", "other bureau")["lots"] is None


@pytest.mark.parametrize("what", ["rates", "scores", "jobs", "builds", "build-plan", "lots"])
def test_what_a_rival_charges_makes_and_keeps_is_not_told(world: World, what: str) -> None:
    of_rival = world.clients["bureau"].get(f"/v1/nodes/{OTHERS.node_id}/{what}")
    own = world.clients["bureau"].get(f"/v1/nodes/{VICTIM.node_id}/{what}")

    assert (of_rival.status_code, own.status_code) == (403 if what in ("rates", "scores", "lots") else 404, 200)
    assert found_in(of_rival.text, forbidden("bureau")) == ()


def test_its_own_rate_is_all_that_a_bureau_reads_of_rates(world: World) -> None:
    (rate,) = seen(world, f"/v1/nodes/{VICTIM.node_id}/rates")["data"]

    assert rate["amount"] == {"amount_minor": amount("charlie", "rate"), "currency": "EUR"}
    assert refusal_of(world.clients["owner"].get(f"/v1/nodes/{VICTIM.node_id}/rates")).code == "node_not_yours"


def test_the_price_of_a_job_is_what_its_node_gets_and_not_what_the_owner_pays(world: World, ids: Ids) -> None:
    jobs = seen(world, f"/v1/nodes/{VICTIM.node_id}/jobs")["data"]
    (offer,) = seen(world, "/v1/counter-offers")["data"]

    assert {job["id"] for job in jobs} == {it for name, it in ids.items() if name.endswith(".jobs")}
    assert [job["price"] for job in jobs] == [OWN_PRICE] * 5
    assert (offer["offered_price"], offer["price"]["amount_minor"]) == (OWN_PRICE, amount("charlie", "counter"))
    for path in (f"/v1/orders/{ids['orders']}", f"/v1/orders/{ids['orders']}/decision", f"/v1/quotes/{ids['quotes']}"):
        assert world.clients["bureau"].get(path).status_code == 404
    assert refusal_of(world.clients["bureau"].get(f"/v1/decisions/{ids['decisions']}")).code == "owners_only"


@pytest.mark.parametrize(
    ("which", "ship_to"), [("offered", HIDDEN), ("countered", HIDDEN), ("declined", HIDDEN), ("printing", LABELLED)]
)
def test_the_customer_is_known_to_the_node_that_accepted_the_job_alone(
    world: World, ids: Ids, which: str, ship_to: dict[str, object]
) -> None:
    packet = seen(world, f"/v1/jobs/{ids[f'{which}.jobs']}/packet")
    plain = world.clients["bureau"].get(f"/v1/jobs/{ids[f'{which}.jobs']}").text

    assert packet["ship_to"] == ship_to
    assert [canary.field for canary in found_in(plain, forbidden("bureau"))] == []
    assert refusal_of(world.clients["other bureau"].get(f"/v1/jobs/{ids[f'{which}.jobs']}/packet")) == Refusal(
        status=404, code="unknown_job"
    )


def test_papers_tell_of_the_customer_what_the_parcel_needs(world: World, ids: Ids) -> None:
    shipment = f"/v1/shipments/{ids['shipments']}"
    label, slip = (
        words_of(world.clients["bureau"].get(f"{shipment}/{it}.pdf").content) for it in ("label", "packing-slip")
    )
    door = {word("alpha", field) for field in AT_THE_DOOR}

    assert {it for it in door if it in label} == door
    assert {canary.field for canary in found_in(slip + label, forbidden("bureau"))} == AT_THE_DOOR
    assert found_in(str(seen(world, shipment)), forbidden("bureau")) == ()


def test_a_file_takes_a_ticket_of_the_job_s_own_node_and_each_ticket_opens_once(world: World, ids: Ids) -> None:
    bureau, rival = world.clients["bureau"], world.clients["other bureau"]
    ticket = bureau.post(f"/v1/jobs/{ids['jobs']}/file-tickets").json()["url"]

    assert refusal_of(rival.get(ticket)) == Refusal(status=404, code="unknown_file_ticket")
    assert bureau.get(ticket).content == VICTIM.file
    assert refusal_of(bureau.get(ticket)) == Refusal(status=409, code="file_ticket_used")
    assert refusal_of(bureau.get(f"/v1/print-files/{'n' * 43}")) == Refusal(status=404, code="unknown_file_ticket")


def test_no_other_way_leads_to_the_file(world: World, ids: Ids) -> None:
    released = seen(world, f"/v1/jobs/{ids['jobs']}")["revision_id"]
    tickets = world.clients["bureau"].post(f"/v1/jobs/{ids['offered.jobs']}/file-tickets")

    assert refusal_of(tickets) == Refusal(status=409, code="print_file_refused")
    for what in ("print-file", "preview.png", "preview.glb", "validation", "documents/plan.pdf", "similar", "history"):
        answer = world.clients["bureau"].get(f"/v1/revisions/{released}/{what}")
        assert refusal_of(answer) == Refusal(status=404, code="unknown_revision")
    assert refusal_of(world.clients["owner"].post(f"/v1/jobs/{ids['jobs']}/file-tickets")).code == "not_the_node"


def test_another_key_of_the_bureau_with_fewer_scopes_opens_less(world: World, ids: Ids) -> None:
    with unit_of_work(world.api.engine) as session:
        narrow = issue_api_key(
            session, organisation_id="org_charlie", name="reads", scopes=("jobs:read",), now=utc_now()
        ).token
    with world.api.as_(narrow) as reader:
        assert reader.get(f"/v1/jobs/{ids['jobs']}").status_code == 200
        for path in ("file-tickets", "acceptance", "heartbeat"):
            assert refusal_of(reader.post(f"/v1/jobs/{ids['jobs']}/{path}")).code == "missing_scope"
