"""Passports and certificates as people meet them: a page without a key, a paper with one."""

import base64
import hashlib
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.api_shipments import given_inspected_job
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, refusal_of
from tests.unit.integrations.paper.pictures import codes_of, links_of, words_of

PAGE = {"Accept": "text/html,application/xhtml+xml;q=0.9"}
WITHDRAWN = (
    "UPDATE conformity_certificates SET withdrawn_at = now(), withdrawal_reason = 'lot L-7 is <b>contaminated</b>'"
    " RETURNING id"
)
NO_CERTIFICATES = "DELETE FROM conformity_certificates RETURNING id"
RECALLED = """
INSERT INTO recalls (id, supplier_lot, material, lot_ids, reason, actor, recalled_at, document)
SELECT 'rcl_1', 'L-2291', '', jsonb_build_array(lot_id), 'contaminated', 'key_1', now(),
    '{"owner_ids": [], "node_ids": [], "lots": [], "builds": [], "jobs": []}' FROM jobs RETURNING id
"""
TOKENS = "SELECT token FROM passports ORDER BY print_number"


@pytest.fixture(scope="module")
def world(standing_api: Api) -> Iterator[JobWorld]:
    """A world whose three prints are good, looked at and certified."""
    with a_job_world(standing_api) as made:
        given_inspected_job(made)
        assert made.owner.post(f"{made.job}/conformity-certificate").status_code in (200, 201)
        yield made


@pytest.fixture(scope="module")
def anyone(world: JobWorld) -> Iterator[httpx.Client]:
    """A client without a key."""
    with world.api.as_(None) as client:
        yield client


def url_of(world: JobWorld, *, number: int = 1) -> str:
    found = in_transaction(world.api.engine, lambda session: rows(session, TOKENS))
    return f"/v1/passports/{found[number - 1][0]}"


def test_whoever_has_the_code_reads_what_the_part_is(world: JobWorld, anyone: httpx.Client) -> None:
    answer = anyone.get(url_of(world, number=2))
    found = answer.json()

    assert answer.status_code == 200
    assert (found["part"], found["revision"], found["serial"]) == ("RL-0001", "A", "S-2")
    assert (found["material"], found["country"], found["scrapped"]) == ("PA12-MJF", "DE", None)
    assert [it["result"] for it in found["inspections"]] == ["pass"]
    assert len(found["file_sha256"]) == len(found["certificate"]["sha256"]) == 64
    assert answer.headers["Vary"] == "Accept"


def test_a_passport_tells_no_price_no_customer_and_no_node(world: JobWorld, anyone: httpx.Client) -> None:
    told = anyone.get(url_of(world)).text + anyone.get(url_of(world), headers=PAGE).text

    hidden = (world.order_id, world.api.owner.organisation_id, "Hamburg", "N101", "price", "EUR", "key_", "Albers")
    assert [word for word in hidden if word in told] == []
    assert "S-1" in told


def test_a_browser_gets_a_page_without_script_and_without_outside_requests(
    world: JobWorld, anyone: httpx.Client
) -> None:
    answer = anyone.get(url_of(world), headers=PAGE)
    page, policy = answer.text, answer.headers["Content-Security-Policy"]

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    for wanted in ("RL-0001", "S-1", "Passed", "Print file, SHA-256", '<html lang="en">'):
        assert wanted in page
    assert re.findall(r"<script|src=|href=|url\(|@import|https?:|\bon\w+=|style=", page) == []
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


def test_nobody_guesses_a_passport(world: JobWorld, anyone: httpx.Client) -> None:
    token = url_of(world).rpartition("/")[2]

    assert len(token) >= 26
    unknown = anyone.get("/v1/passports/" + "x" * len(token))
    assert refusal_of(unknown) == Refusal(status=404, code="unknown_passport")
    page = anyone.get("/v1/passports/" + "x" * len(token), headers=PAGE)
    assert (page.status_code, "No such part" in page.text) == (404, True)
    assert refusal_of(anyone.get("/v1/passports/short")) == Refusal(status=404, code="not_found")


def test_a_certificate_is_printed_for_those_who_may_see_the_job(world: JobWorld, anyone: httpx.Client) -> None:
    (certificate,) = world.owner.get(f"{world.job}/conformity-certificates").json()["data"]
    url = f"/v1/conformity-certificates/{certificate['id']}.pdf"
    paper = world.owner.get(url)
    words = words_of(paper.content)

    assert paper.headers["Content-Type"] == "application/pdf"
    assert world.bureau.get(url).content == paper.content
    assert certificate["sha256"] in words.replace(" ", "")
    for wanted in ("Certificate of conformity", "RL-0001", "S-1", "S-3", "3 pieces of revision A"):
        assert wanted in words
    assert [text for _, text in codes_of(paper.content)] == [f"http://127.0.0.1:8000{url_of(world)}"]
    assert "Part 1 of 3: S-1" in words
    prints = world.owner.get(f"{world.job}/prints").json()["data"]
    links = [f"http://127.0.0.1:8000{url_of(world, number=number)}" for number in (1, 2, 3)]
    assert [it["passport_url"] for it in prints] == links_of(paper.content) == links
    assert certificate["parts"] == [
        {"number": number, "serial": f"S-{number}", "passport_url": links[number - 1]} for number in (1, 2, 3)
    ]
    for client in (world.rival, world.stranger):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_conformity_certificate")
    assert refusal_of(anyone.get(url)) == Refusal(status=401, code="unauthenticated")


def test_a_recalled_part_says_so_on_its_page_and_its_paper(world: JobWorld, anyone: httpx.Client) -> None:
    ((certificate_id,),) = in_transaction(world.api.engine, lambda session: rows(session, WITHDRAWN))
    page = anyone.get(url_of(world), headers=PAGE).text

    assert "Recalled: ask before you use this part" in page
    assert "&lt;b&gt;contaminated&lt;/b&gt;" in page
    assert "<b>" not in page
    assert anyone.get(url_of(world)).json()["withdrawn"]["reason"] == "lot L-7 is <b>contaminated</b>"
    paper = world.owner.get(f"/v1/conformity-certificates/{certificate_id}.pdf")
    assert "Withdrawn on" in words_of(paper.content)
    assert anyone.get(url_of(world)).json()["recall"] is None


def test_a_part_of_a_recalled_lot_says_so_without_a_certificate(world: JobWorld, anyone: httpx.Client) -> None:
    in_transaction(world.api.engine, lambda session: rows(session, NO_CERTIFICATES))
    in_transaction(world.api.engine, lambda session: rows(session, RECALLED))
    found = anyone.get(url_of(world)).json()
    page = anyone.get(url_of(world), headers=PAGE).text

    assert found["certificate"] is None
    assert (found["recall"]["id"], found["recall"]["supplier_lot"]) == ("rcl_1", "L-2291")
    assert found["withdrawn"] == {"at": found["recall"]["recalled_at"], "reason": "material recalled: contaminated"}
    assert "Recalled: ask before you use this part" in page
    assert "lot <code>L-2291</code>, was recalled on" in page
