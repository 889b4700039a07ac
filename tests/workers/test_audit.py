"""The relay has audit entries sealed while some wait, and signed roots exported."""

import pytest
from sqlalchemy import Engine

from fabroute.identity.service.sealing import seal_audit_log
from fabroute.settings import Settings
from fabroute_workers import audit_work
from fabroute_workers.delivery import ROOTS_EVERY_SECONDS, Relay
from fabroute_workers.subscriptions import EXPORT_AUDIT_ROOTS, SEAL_AUDIT_LOG
from tests.factories.audit import a_signer, an_entry, given_entries, verified
from tests.factories.databases import in_transaction
from tests.factories.organisations import NOW
from tests.fakes.audit_roots import FakeRootFolder
from tests.fakes.ringers import FakeClock, FakeRinger


@pytest.fixture
def ringer() -> FakeRinger:
    return FakeRinger()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def relay(engine: Engine, ringer: FakeRinger, clock: FakeClock) -> Relay:
    return Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW)


def test_entries_are_sealed_every_second_while_some_wait(
    engine: Engine, relay: Relay, ringer: FakeRinger, clock: FakeClock
) -> None:
    sent = [relay.seal()]
    given_entries(engine, [an_entry(number=1)])
    sent += [relay.seal(), relay.seal()]
    clock.pass_seconds(1.0)
    sent.append(relay.seal())
    sealed = audit_work.seal(engine)
    seal_audit_log(engine, seconds=10.0, settling_seconds=0.0)
    clock.pass_seconds(1.0)
    sent.append(relay.seal())

    assert sent == [0, 1, 0, 1, 0]
    assert ringer.tasks() == [SEAL_AUDIT_LOG, SEAL_AUDIT_LOG]
    assert sealed == 1


def test_it_is_asked_every_minute_whether_roots_are_due_and_they_are_once_in_the_time_set(
    engine: Engine, relay: Relay, ringer: FakeRinger, clock: FakeClock
) -> None:
    given_entries(engine, [an_entry(number=1)])
    audit_work.seal(engine)
    folder, settings = FakeRootFolder(), Settings(audit_roots_seconds=3600)
    for _ in range(3):
        clock.pass_seconds(ROOTS_EVERY_SECONDS)
        relay.seal()
    exported = [audit_work.export(engine, settings, signer=a_signer(), folder=folder) for _ in range(2)]

    assert [task for task in ringer.tasks() if task != SEAL_AUDIT_LOG] == [EXPORT_AUDIT_ROOTS] * 3
    assert exported == [1, 0]
    assert in_transaction(engine, lambda session: verified(session, folder=folder).findings) == ()
