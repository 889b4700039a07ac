"""Carriers behind folders: told of shipments, heard once, whatever is lost, late or broken in between."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fabroute.integrations.carriers import FolderCarrier
from fabroute.kernel.time import utc_now
from fabroute.production.service.shipping.carriers import CarrierSync, sync_carrier
from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.api_shipments import given_inspected_job, given_shipment

HEAD = "reference,status,occurred_at,place,note\n"


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield given_inspected_job(made)


@pytest.fixture
def carrier(tmp_path: Path) -> FolderCarrier:
    (tmp_path / "dhl" / "statuses").mkdir(parents=True)
    return FolderCarrier(tmp_path / "dhl")


def synced(world: JobWorld, carrier: FolderCarrier) -> CarrierSync:
    return sync_carrier(world.api.engine, carrier=carrier, now=utc_now())


def given_status(carrier: FolderCarrier, name: str, *lines: str) -> None:
    (carrier.folder / "statuses" / name).write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_a_carrier_is_told_of_its_shipments_once_and_heard_until_they_arrive(
    world: JobWorld, carrier: FolderCarrier
) -> None:
    made = given_shipment(world, tracking_number="JD01")
    url = f"/v1/shipments/{made['id']}"
    world.bureau.post(f"{url}/handover")
    now = utc_now().isoformat()

    assert synced(world, carrier) == CarrierSync(carrier="dhl", booked=1, taken=0, refused=())
    manifest = (carrier.folder / "manifests" / f"{made['id']}.json").read_text(encoding="utf-8")
    assert ("Hamburg" in manifest, "RL-0001" in manifest, "N101" in manifest) == (True, False, False)
    given_status(carrier, "1.csv", f"JD01,in_transit,{now},Leipzig,")
    given_status(carrier, "2.csv", f"{made['id']},delivered,{now},Hamburg,gate 4")
    assert synced(world, carrier) == CarrierSync(carrier="dhl", booked=0, taken=2, refused=())
    found = world.owner.get(url).json()
    assert (found["state"], world.owner.get(world.job).json()["state"]) == ("delivered", "delivered")
    assert [(it["source"], it["place"]) for it in found["events"]] == [("dhl", "Leipzig"), ("dhl", "Hamburg")]
    given_status(carrier, "2.csv", f"{made['id']},delivered,{now},Hamburg,gate 4")
    assert synced(world, carrier).taken == 1
    assert world.owner.get(url).json() == found


def test_a_message_is_taken_whole_or_put_aside_with_the_reason(world: JobWorld, carrier: FolderCarrier) -> None:
    made, now = given_shipment(world, tracking_number="JD01"), utc_now().isoformat()
    url = f"/v1/shipments/{made['id']}"
    given_status(carrier, "half.csv", f"JD01,in_transit,{now},,", f"JD99,delivered,{now},,")
    given_status(carrier, "odd.csv", f"JD01,eaten,{now},,")
    done = synced(world, carrier)

    assert done.refused == (
        "half.csv: no shipment of dhl goes by 'JD99'",
        "odd.csv: use in_transit, exception, lost, delivered",
    )
    assert world.owner.get(url).json()["events"] == []
    assert sorted(path.name for path in (carrier.folder / "failed").iterdir()) == [
        "half.csv",
        "half.csv.reason.txt",
        "odd.csv",
        "odd.csv.reason.txt",
    ]


def test_a_parcel_s_own_number_tells_of_that_parcel_only(world: JobWorld, carrier: FolderCarrier) -> None:
    parcels = [{"quantity": it, "weight_grams": 300, "tracking_number": f"P{it}"} for it in (1, 2)]
    url = f"/v1/shipments/{given_shipment(world, *parcels)['id']}"
    world.bureau.post(f"{url}/handover")
    given_status(carrier, "1.csv", f"P1,delivered,{utc_now().isoformat()},,")
    synced(world, carrier)

    found = world.owner.get(url).json()
    assert (found["state"], [it["parcel"] for it in found["events"]]) == ("in_transit", [1])
    given_status(carrier, "2.csv", f"P2,delivered,{utc_now().isoformat()},,")
    synced(world, carrier)
    assert world.owner.get(url).json()["state"] == "delivered"


def test_what_a_carrier_says_of_the_time_before_it_had_the_parcels_is_put_aside(
    world: JobWorld, carrier: FolderCarrier
) -> None:
    url = f"/v1/shipments/{given_shipment(world, tracking_number='JD01')['id']}"
    given_status(carrier, "early.csv", f"JD01,delivered,{utc_now().isoformat()},,")
    early = synced(world, carrier)
    world.bureau.post(f"{url}/handover")
    hours_ago, days_ago = (utc_now() - timedelta(hours=it) for it in (2, 50))
    given_status(carrier, "1.csv", f"JD01,in_transit,{hours_ago.isoformat()},,")
    given_status(carrier, "2.csv", f"JD01,in_transit,{days_ago.isoformat()},,")
    given_status(carrier, "3.csv", f"JD01,delivered,{hours_ago.isoformat()},,")
    done = synced(world, carrier)

    assert (len(early.refused), "hand it over first" in early.refused[0]) == (1, True)
    assert (done.taken, [it.partition(":")[0] for it in done.refused]) == (1, ["2.csv", "3.csv"])
    assert all("was handed over at" in it for it in done.refused)
    assert [it["status"] for it in world.owner.get(url).json()["events"]] == ["in_transit"]
