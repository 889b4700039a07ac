"""What an owner decides on the Order screen: other terms of a node, and another objective while that is possible."""

from datetime import timedelta

from fabroute.production.service.phases.countering import NewCounterOffer, counter_job
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.decided_orders import given_console_works, order_placed
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY
from tests.factories.quotes import accepted, an_acceptance, given_quote
from tests.factories.rerouting import Works


def path_of(order_id: str) -> str:
    return f"/console/orders/{order_id}"


def countered(works: Works, *, price_minor: int = 9_000, later_days: int = 7) -> str:
    """Have the node of the offered job propose other terms; return the job's id."""
    (job_id,) = works.jobs()
    wanted = NewCounterOffer(
        price_minor=price_minor, produce_by=(NOW + timedelta(days=later_days)).date(), reason="The machine is full"
    )
    works.do(
        lambda session: counter_job(session, principal=BUREAU_KEY, job_id=job_id, wanted=wanted, lease=None, now=NOW)
    )
    return job_id


@every_look
def test_an_owner_takes_the_other_terms_of_a_node(visit: Visit, console: ServedConsole, look: Look) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    countered(works)

    page = visit(path_of(order_id), who="owner")

    assert page.get_by_text("Berlin would make it on other terms.").is_visible()
    notice = page.locator(".notice-waits", has_text="other terms")
    assert "€90.00 +€40.00" in notice.inner_text()
    assert "22 Jun 2026 instead of 15 Jun 2026" in notice.inner_text()
    assert "The machine is full" in notice.inner_text()
    assert_good(page, "order-countered", look)
    page.get_by_label("What you tell the node").fill("Agreed, this once")
    page.get_by_role("button", name="Take these terms").click()
    assert page.get_by_text("Taken: the node makes it on its terms.").is_visible()
    assert works.table("SELECT state, price_minor FROM jobs") == [("accepted", 9_000)]
    assert works.table("SELECT state, decision_reason FROM counter_offers") == [("accepted", "Agreed, this once")]


def test_enter_in_a_field_gives_none_of_several_answers(visit: Visit, console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    countered(works)

    page = visit(path_of(order_id), who="owner", scripts=False)
    page.get_by_label("What you tell the node").fill("We will see")
    page.get_by_label("What you tell the node").press("Enter")

    assert page.get_by_label("What you tell the node").input_value() == "We will see"
    assert works.table("SELECT state FROM counter_offers") == [("open",)]


def test_without_scripts_an_owner_refuses_them_and_the_line_goes_elsewhere(
    visit: Visit, console: ServedConsole
) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    countered(works)

    page = visit(path_of(order_id), who="owner", scripts=False)
    page.get_by_role("button", name="Refuse: make it elsewhere").click()

    assert page.get_by_text("Refused: the line goes to another node.").is_visible()
    works.route()
    assert works.where() == ["N102"]
    page.reload()
    assert "the node's other terms were refused" in page.locator("#story").inner_text()


def test_other_terms_are_answered_once_and_by_those_who_may(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    countered(works)
    ((counter_id,),) = works.table("SELECT id FROM counter_offers")
    path = f"{path_of(order_id)}/counter-offers/{counter_id}"

    with surfing(console, "viewer") as client:
        looked = client.get(path_of(order_id))
        forbidden = client.post(path, data={"answer": "accept"})
    with surfing(console, "owner") as client:
        fields = hidden_fields(client.get(path_of(order_id)), f"proposal-{counter_id}")
        unclear = client.post(path, data=fields)
        taken = client.post(path, data=fields | {"answer": "accept"})
        late = client.post(path, data=fields | {"answer": "refuse", "idempotency_key": "another"})

    assert "answers this" in words_of(looked)
    assert forbidden.status_code == 403
    assert (unclear.status_code, "Choose whether you take these terms" in words_of(unclear)) == (422, True)
    assert (taken.status_code, taken.headers["Location"]) == (303, f"{path_of(order_id)}?line=1")
    assert late.status_code == 409
    assert works.table("SELECT state FROM counter_offers") == [("accepted",)]


def changed_to(console: ServedConsole, order_id: str, objective: str) -> tuple[int, str]:
    """Ask for another objective as the button does; return the status and the words of the answer."""
    with surfing(console, "owner") as client:
        fields = hidden_fields(client.get(path_of(order_id)), "replay")
        answer = client.post(f"{path_of(order_id)}/objective", data=fields | {"objective": objective})
        return answer.status_code, words_of(answer)


def test_an_order_with_an_agreed_price_is_not_routed_by_another_objective(console: ServedConsole) -> None:
    works = given_console_works(console)
    quote = given_quote(console.engine, works.owner)
    accepted(console.engine, an_acceptance(works.owner, quote))
    ((order_id,),) = works.table("SELECT id FROM orders")

    with surfing(console, "owner") as client:
        page = client.get(path_of(str(order_id)))
    status, words = changed_to(console, str(order_id), "fastest")

    assert "Agreed by quote" in words_of(page)
    assert f'action="{path_of(str(order_id))}/objective"' not in page.text
    assert status == 409
    assert "its price and day are agreed, place another order" in words
    assert works.table("SELECT objective FROM orders") == [("cheapest",)]
    assert works.reroutes() == []


def test_an_order_that_is_being_printed_is_not_routed_by_another_objective(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    (job_id,) = works.jobs()
    works.accepted(job_id, fetched=True)
    works.table("UPDATE jobs SET state = 'in_production' RETURNING 1")

    status, words = changed_to(console, order_id, "fastest")

    assert status == 409
    assert f"Node N101 works on order {order_id} already (job {job_id} is in production)" in words
    assert "it goes on as it is, or cancel it and place it again" in words
    assert works.table("SELECT objective FROM orders") == [("cheapest",)]
    assert works.table("SELECT state FROM jobs") == [("in_production",)]
