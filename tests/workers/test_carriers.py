"""Carriers behind folders, as the relay rings for them and the worker calls on them."""

from pathlib import Path

from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.settings import Settings
from fabroute_workers.delivery import CARRIERS_EVERY_SECONDS, Relay
from fabroute_workers.subscriptions import SYNC_CARRIERS, Errand
from fabroute_workers.work import sync_carriers
from tests.fakes.ringers import FakeClock, FakeRinger


def test_the_relay_rings_every_minute_where_carriers_have_folders(engine: Engine) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=utc_now, carriers=True)
    without = Relay(engine, ringer=ringer, clock=clock, now=utc_now)
    sent = [relay.call_carriers()]
    for seconds in (CARRIERS_EVERY_SECONDS - 1, 1, CARRIERS_EVERY_SECONDS - 1, 1):
        clock.pass_seconds(seconds)
        sent.append(relay.call_carriers())

    assert sent == [0, 0, 1, 0, 1]
    assert without.call_carriers() == 0
    assert ringer.errands == [Errand(task=SYNC_CARRIERS)] * 2


def test_the_worker_puts_aside_what_no_shipment_goes_by(engine: Engine, tmp_path: Path) -> None:
    statuses = tmp_path / "dhl" / "statuses"
    statuses.mkdir(parents=True)
    (statuses / "1.csv").write_text("reference,status,occurred_at\nJD01,lost,2026-06-15T12:00:00Z\n", encoding="utf-8")

    assert sync_carriers(engine, Settings(carrier_folder=tmp_path)) == 0
    assert sync_carriers(engine, Settings()) == 0
    reason = tmp_path / "dhl" / "failed" / "1.csv.reason.txt"
    assert reason.read_text(encoding="utf-8") == "no shipment of dhl goes by 'JD01'\n"
