"""What lies in a bureau's folder: names that stay in it, and a page for people."""

from typing import Any

import pytest

from fabroute.bureau.packets import cancel_note, lost_note, safe_name, traveller
from fabroute.bureau.policy import Decline, why_not
from fabroute.bureau.records import JobRecord
from fabroute.bureau.settings import AcceptancePolicy

PACKET: dict[str, Any] = {
    "job": {
        "id": "job_1",
        "produce_by": "2026-12-01",
        "part": "RL-0001",
        "revision_id": "rev_1",
        "quantity": 3,
        "machine_id": "M1",
        "material": "PA12",
        "parameter_set": "ps-1",
        "lot_id": "LOT-7",
        "packaging": "bag",
        "ship_to_city": "Hamburg",
        "ship_to_country": "DE",
        "shipping_service": "express",
        "price": {"amount_minor": 2000},
    },
    "revision": {"revision": "B"},
    "inspection": {
        "level": "dimensional",
        "plan": [{"name": "bore", "lower_mm": 7.9, "upper_mm": 8.1}, {"name": "look", "lower_mm": None}],
    },
    "ship_to": {"name": "Ada", "street": "Kai 1", "postal_code": "20457"},
}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("RL-0001_A.3mf", "RL-0001_A.3mf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "job.3mf"),
        ("..", "job.3mf"),
        (".bashrc", "job.3mf"),
        ("a\x00b", "job.3mf"),
        ("", "job.3mf"),
    ],
)
def test_a_file_name_from_outside_stays_in_its_folder(name: str, kept: str) -> None:
    assert safe_name(name, fallback="job.3mf") == kept


def test_the_traveller_says_what_is_made_how_it_is_inspected_and_where_it_goes() -> None:
    page = traveller(PACKET, sha256="ab" * 32, file_name="RL-0001_B.3mf").splitlines()
    assert page[0].split() == ["JOB", "job_1", "make", "by", "2026-12-01"]
    told = {line[:12].strip(): line[14:] for line in page[2:12]}
    assert told["part"] == "RL-0001   revision B   (rev_1)"
    assert (told["quantity"], told["material"]) == ("3 good prints", "PA12   lot LOT-7")
    assert told["inspect"] == "dimensional: bore 7.9 to 8.1 mm"
    assert told["ship to"] == "Ada, Kai 1, 20457, Hamburg, DE   by express"
    assert f"SHA-256 {'ab' * 32}" in "\n".join(page)


def test_a_traveller_of_a_packet_that_says_little_is_a_traveller_all_the_same() -> None:
    page = traveller({"job": {"id": "job_2"}}, sha256="cd", file_name="x.3mf")
    assert "inspect     none" in page
    assert "material       lot any" in page


def test_notes_say_what_to_do() -> None:
    record = JobRecord(job_id="job_1", lease_id="lse_1", epoch=1)
    assert lost_note(record, "it was cancelled").startswith("DO NOT PRINT job job_1: it is not yours any more.\nit was")
    assert '{"agreed": true}' in cancel_note("")
    assert cancel_note("too late").startswith("The customer asks to cancel this job: too late.")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (AcceptancePolicy(), None),
        (AcceptancePolicy(materials=frozenset({"PA12"}), machines=frozenset({"M1"})), None),
        (AcceptancePolicy(materials=frozenset({"TPU"})), "material"),
        (AcceptancePolicy(machines=frozenset({"M2"})), "machine_down"),
        (AcceptancePolicy(max_open=1), None),
    ],
)
def test_the_policy_takes_a_job_or_says_why_not(policy: AcceptancePolicy, reason: str | None) -> None:
    found = why_not(policy, PACKET["job"])
    assert (found.reason if isinstance(found, Decline) else None) == reason
