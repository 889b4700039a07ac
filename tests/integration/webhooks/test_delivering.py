"""Deliveries on a real database. Time passes on a clock of the test's; what is slow is counted, not measured."""

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from standardwebhooks.webhooks import Webhook

from fabroute.integrations.webhooks import HttpSender
from fabroute.kernel.time import utc_now
from fabroute.webhooks.ports import Answer
from fabroute.webhooks.rules.forms import FORMS
from fabroute.webhooks.service.deliveries import deliveries_due
from fabroute.webhooks.service.delivering import LEASE, Deliverer, DeliveryLimits
from fabroute.webhooks.service.endpoints import get_endpoint, list_failing, rotate_secret
from fabroute.webhooks.service.views import EndpointView
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import NOW
from tests.factories.webhooks import (
    Clock,
    PlainSealer,
    a_desk,
    a_principal,
    an_event,
    deliver,
    feed_of,
    given_endpoint,
    tell,
)
from tests.fakes.receivers import Receiver, answering, by_turns, dripping, hanging, running_receiver
from tests.fakes.senders import FAILED, GONE, TAKEN, FakeSender, Sent


def endpoint_of(engine: Engine, endpoint_id: str, *, now: datetime = NOW) -> EndpointView:
    return in_transaction(
        engine, lambda session: get_endpoint(session, a_desk("org_owner", now=now), endpoint_id=endpoint_id)
    )


def delivery_states(engine: Engine) -> Counter[object]:
    query = "SELECT state FROM webhook_deliveries"
    return Counter(state for (state,) in in_transaction(engine, lambda session: rows(session, query)))


def found(engine: Engine, query: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, query))


def send_really(engine: Engine, *, seconds: float = 0.3) -> None:
    """Deliver what is due over real connections to this machine, as of now."""

    async def sending() -> None:
        async with HttpSender(loopback=True, seconds=seconds) as sender:
            await Deliverer(engine, sender=sender, sealer=PlainSealer()).run()

    asyncio.run(sending())


def test_what_arrives_is_signed_and_is_what_the_feed_says(engine: Engine) -> None:
    with running_receiver(answering(204)) as receiver:
        added = given_endpoint(engine, "org_owner", url=receiver.url)
        tell(engine, an_event(), now=utc_now())
        send_really(engine)

    [received], [event] = receiver.received, feed_of(engine, "org_owner").events
    verified = Webhook(added.secrets[0].text).verify(received.body, dict(received.headers))
    assert verified == event.told
    assert (received.message_id, verified["id"]) == (event.event_id, event.event_id)
    assert FORMS["order.placed"].model_validate_json(received.body).type == "order.placed"
    assert received.headers["webhook-signature"].startswith("v1,")


def test_a_failure_is_tried_again_by_the_schedule_and_given_up_after_ten(engine: Engine) -> None:
    endpoint_id = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    sender, clock = FakeSender(lambda _: FAILED), Clock()
    tell(engine, an_event())

    waits = []
    while delivery_states(engine)["pending"]:
        deliver(engine, sender, now=clock)
        due = found(engine, "SELECT next_attempt_at FROM webhook_deliveries")[0][0]
        if isinstance(due, datetime):
            waits.append((due - clock.now).total_seconds())
            clock.now = due

    hours = 3600
    assert waits == [5, 300, 1800, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours]
    assert len(sender.sent) == 10
    assert len(set(sender.ids())) == 1
    assert delivery_states(engine) == {"given_up": 1}
    assert endpoint_of(engine, endpoint_id, now=clock.now).failures_in_a_row == 10


def test_an_endpoint_that_fails_is_told_apart_until_it_takes_something(engine: Engine) -> None:
    given_endpoint(engine, "org_owner", url="https://fine.example.com")
    endpoint_id = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    sender, clock = FakeSender(lambda sent: TAKEN if "fine" in sent.url else FAILED), Clock()

    def failing() -> list[tuple[str, str, int]]:
        found = in_transaction(engine, lambda session: list_failing(session, principal=a_principal("org_owner")))
        return [(it.endpoint_id, it.state, it.failures_in_a_row) for it in found]

    before = failing()
    tell(engine, an_event())
    deliver(engine, sender, now=clock)
    after = failing()
    sender.judge = lambda sent: TAKEN
    clock.passes(seconds=5)
    deliver(engine, sender, now=clock)

    assert (before, after, failing()) == ([], [(endpoint_id, "enabled", 1)], [])


def test_nothing_is_sent_before_it_is_due(engine: Engine) -> None:
    given_endpoint(engine, "org_owner")
    sender, clock = FakeSender(lambda _: FAILED), Clock()
    tell(engine, an_event())
    deliver(engine, sender, now=clock)

    due = [in_transaction(engine, lambda session: deliveries_due(session, now=clock.now))]
    deliver(engine, sender, now=lambda: clock.now + timedelta(seconds=4.9))
    early = len(sender.sent)
    clock.passes(seconds=5)
    due.append(in_transaction(engine, lambda session: deliveries_due(session, now=clock.now)))
    deliver(engine, sender, now=clock)

    assert (due, early, len(sender.sent)) == ([False, True], 1, 2)
    assert sender.sent[0].headers["webhook-timestamp"] != sender.sent[1].headers["webhook-timestamp"]
    assert sender.sent[0].body == sender.sent[1].body


def test_events_of_one_thing_wait_for_each_other_and_those_of_others_do_not(engine: Engine) -> None:
    given_endpoint(engine, "org_owner")
    tell(
        engine,
        an_event(subject_id="ord_1"),
        an_event("order.cancelled", subject_id="ord_1"),
        an_event(subject_id="ord_2"),
        an_event("order.cancelled", subject_id="ord_2"),
    )
    refused, clock = Counter[str](), Clock()

    def judge(sent: Sent) -> Answer:
        if sent.subject_id == "ord_1" and refused["ord_1"] < 2:
            refused["ord_1"] += 1
            return FAILED
        return TAKEN

    sender = FakeSender(judge)
    for seconds in (0, 5, 300):
        clock.passes(seconds=seconds)
        deliver(engine, sender, now=clock)

    told = [(sent.subject_id, sent.event["type"]) for sent in sender.sent]
    assert [kind for subject, kind in told if subject == "ord_1"] == ["order.placed"] * 3 + ["order.cancelled"]
    assert [kind for subject, kind in told if subject == "ord_2"] == ["order.placed", "order.cancelled"]
    assert told.index(("ord_2", "order.cancelled")) < told.index(("ord_1", "order.cancelled"))
    assert delivery_states(engine) == {"delivered": 4}


def test_after_a_delivery_is_given_up_the_next_one_of_its_subject_goes_on(engine: Engine) -> None:
    given_endpoint(engine, "org_owner", types=("order.*",))
    tell(engine, an_event(), an_event("order.cancelled"))
    clock = Clock()
    sender = FakeSender(lambda sent: FAILED if sent.event["type"] == "order.placed" else TAKEN)

    for hours in (0, 0.01, 0.1, 1, 3, 6, 12, 16, 23, 27, 1):
        clock.passes(hours=hours)
        tell(engine, an_event("order.parked", subject_id="ord_that_works"), now=clock.now)
        deliver(engine, sender, now=clock)

    told = [sent.event["type"] for sent in sender.sent if sent.event["type"] != "order.parked"]
    assert told == ["order.placed"] * 10 + ["order.cancelled"]
    assert delivery_states(engine) == {"given_up": 1, "delivered": 12}


def test_sixty_four_deliveries_raced_by_four_deliverers_are_made_once_each(engine: Engine) -> None:
    given_endpoint(engine, "org_owner")
    tell(engine, *[an_event(subject_id=f"ord_{number}") for number in range(64)])
    sender = FakeSender()
    threads = [threading.Thread(target=deliver, args=(engine, sender)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sender.ids()) == sorted(it.event_id for it in feed_of(engine, "org_owner").events)
    assert Counter(sender.ids()).most_common(1)[0][1] == 1
    assert delivery_states(engine) == {"delivered": 64}
    attempts = in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM webhook_attempts"))
    assert attempts == [(64,)]


def test_a_deliverer_that_dies_loses_nothing_and_what_it_says_late_is_void(engine: Engine) -> None:
    given_endpoint(engine, "org_owner")
    tell(engine, an_event())
    clock = Clock()

    class Frozen(FakeSender):
        """Takes so long that another deliverer takes over meanwhile."""

        async def send(self, *, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
            later = FakeSender()
            clock.now = NOW + LEASE
            await asyncio.to_thread(deliver, engine, later, now=clock)
            self.sent += later.sent
            return FAILED

    frozen = Frozen()
    deliver(engine, frozen, now=clock)

    assert len(frozen.sent) == 1
    assert delivery_states(engine) == {"delivered": 1}
    assert found(engine, "SELECT attempts, fence FROM webhook_deliveries") == [(1, 2)]


def test_nobody_holds_up_anybody_else(engine: Engine) -> None:
    with (
        running_receiver(hanging) as hangs,
        running_receiver(dripping) as drips,
        running_receiver(answering(500, body=b"x" * 10_000_000)) as floods,
        running_receiver(answering(204)) as works,
    ):
        for receiver in (hangs, drips, floods, works):
            given_endpoint(engine, "org_owner", url=receiver.url)
        tell(engine, *[an_event(subject_id=f"ord_{number}") for number in range(40)], now=utc_now())
        send_really(engine, seconds=1.0)

    order = [it.event_id for it in feed_of(engine, "org_owner").events]
    assert works.ids() == order or sorted(works.ids()) == sorted(order)
    assert len(works.received) == 40
    most_of_one = DeliveryLimits().of_one_endpoint
    for bad in (hangs, drips, floods):
        assert 1 <= len(bad.received) <= most_of_one + 8
    assert delivery_states(engine)["delivered"] == 40


def test_an_endpoint_that_fails_is_sent_one_message_at_a_time_and_then_rests(engine: Engine) -> None:
    endpoint_id = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    tell(engine, *[an_event(subject_id=f"ord_{number}") for number in range(100)])
    sender, clock = FakeSender(lambda _: FAILED), Clock()

    deliver(engine, sender, now=clock, limits=DeliveryLimits(of_one_endpoint=3))
    first = len(sender.sent)
    again = []
    for seconds in (1, 2, 4, 8):
        clock.passes(seconds=seconds)
        before = len(sender.sent)
        deliver(engine, sender, now=clock, limits=DeliveryLimits(of_one_endpoint=3))
        again.append(len(sender.sent) - before)

    assert first == 5  # three at once, then one at a time until the fifth in a row
    assert again == [1, 1, 1, 1]
    assert endpoint_of(engine, endpoint_id, now=clock.now).failures_in_a_row == 9
    assert endpoint_of(engine, endpoint_id, now=clock.now).pending == 100


def test_one_that_is_back_is_sent_all_at_once(engine: Engine) -> None:
    endpoint_id = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    tell(engine, *[an_event(subject_id=f"ord_{number}") for number in range(20)])
    clock = Clock()
    deliver(engine, FakeSender(lambda _: FAILED), now=clock)
    clock.passes(hours=1)
    sender = FakeSender()
    deliver(engine, sender, now=clock)

    found = endpoint_of(engine, endpoint_id, now=clock.now)
    assert len(sender.sent) == 20
    assert (found.failures_in_a_row, found.failing_since, found.pending) == (0, None, 0)
    assert (found.last_success_at, found.last_failure_at) == (clock.now, NOW)
    assert sender.most_at_once > 1


def test_410_disables_an_endpoint_and_its_organisation_is_told(engine: Engine) -> None:
    endpoint_id = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    tell(engine, *[an_event(subject_id="ord_1") for _ in range(3)])
    sender = FakeSender(lambda _: GONE)
    deliver(engine, sender)
    tell(engine, an_event())

    found = endpoint_of(engine, endpoint_id)
    told = feed_of(engine, "org_owner", types=("webhook_endpoint.disabled",)).events
    assert (found.state, found.disabled_cause, found.pending) == ("disabled", "gone", 0)
    assert len(sender.sent) == 1
    assert delivery_states(engine) == {"given_up": 3}
    assert [(it.subject_id, it.data["cause"]) for it in told] == [(endpoint_id, "gone")]


def test_three_days_without_a_success_disable_an_endpoint(engine: Engine) -> None:
    endpoint_id = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    clock, sender = Clock(), FakeSender(lambda _: FAILED)
    for day in range(4):
        tell(engine, an_event(subject_id=f"ord_{day}"), now=clock.now)
        deliver(engine, sender, now=clock)
        states = endpoint_of(engine, endpoint_id, now=clock.now).state
        assert states == ("disabled" if day == 3 else "enabled")
        clock.passes(days=1)

    found = endpoint_of(engine, endpoint_id)
    assert found.disabled_cause == "failing"
    assert found.disabled_reason.startswith("6 attempts in a row failed since 2026-06-15 08:00 UTC: HTTP 500")


def test_while_a_secret_is_changed_both_sign(engine: Engine) -> None:
    added = given_endpoint(engine, "org_owner", ed25519=True)
    endpoint_id, old = added.endpoint.endpoint_id, added.secrets[0]
    now = utc_now()

    def rotated(overlap: timedelta) -> str:
        desk = a_desk("org_owner", now=now)
        found = in_transaction(
            engine,
            lambda session: rotate_secret(session, desk, endpoint_id=endpoint_id, kind="v1", overlap=overlap),
        )
        return found.secrets[0].text

    new = rotated(timedelta(hours=1))
    sender = FakeSender()
    for at in (now, now + timedelta(hours=1)):
        tell(engine, an_event(), now=at)
        deliver(engine, sender, now=Clock(at))

    first, second = sender.sent
    kinds = [it.partition(",")[0] for it in first.headers["webhook-signature"].split()]
    assert (kinds[0], sorted(kinds)) == ("v1", ["v1", "v1", "v1a"])
    for text in (old.text, new):
        assert Webhook(text).verify(first.body, dict(first.headers))["type"] == "order.placed"
    assert len(second.headers["webhook-signature"].split()) == 2


def test_an_endpoint_whose_secret_can_not_be_read_fails_alone(engine: Engine) -> None:
    bad = given_endpoint(engine, "org_owner").endpoint.endpoint_id
    given_endpoint(engine, "org_owner", url="https://other.example.com/")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE webhook_secrets SET sealed = 'QQ==' WHERE endpoint_id = '{bad}'")
    tell(engine, an_event())
    sender = FakeSender()
    report = deliver(engine, sender)

    assert (report.delivered, report.failed) == (1, 1)
    assert [sent.url for sent in sender.sent] == ["https://other.example.com/"]
    assert found(engine, "SELECT failure FROM webhook_attempts WHERE failure <> ''") == [("unreadable_secret",)]


@pytest.mark.parametrize("behaviour", [500, 302, 410])
def test_real_receivers_that_refuse_are_sent_to_once_a_turn(engine: Engine, behaviour: int) -> None:
    receiver: Receiver
    with running_receiver(by_turns(answering(behaviour, location="http://127.0.0.1:1/"), answering(204))) as receiver:
        given_endpoint(engine, "org_owner", url=receiver.url)
        tell(engine, an_event(), now=utc_now())
        send_really(engine)

    names = {500: "status", 302: "redirect", 410: "gone"}
    assert len(receiver.received) == 1
    assert found(engine, "SELECT status, failure FROM webhook_attempts") == [(behaviour, names[behaviour])]
