"""A bureau's day in the console: offers answered, a job made and shipped, with a thumb; and what goes wrong."""

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fabroute.kernel.time import utc_now
from fabroute.settings import get_settings
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import MOST_BYTES, assert_good, page_weight
from tests.console.conftest import Visit
from tests.console.looks import Look, both_widths, of_a_story
from tests.factories.console import ServedConsole
from tests.factories.console_jobs import BureauAtWork, a_bureau_at_work
from tests.factories.many_jobs import given_many_jobs

PHOTO = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001f61738550000"
    "000049454e44ae426082"
)


@pytest.fixture
def work(console: ServedConsole) -> BureauAtWork:
    return a_bureau_at_work(console)


def state_of(work: BureauAtWork, job_id: str) -> object:
    ((state,),) = work.table("SELECT state FROM jobs WHERE id = :it", it=job_id)
    return state


def press(page: Page, name: str) -> None:
    """Press the button or link of a name that is in reach."""
    page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first.click()


@pytest.mark.timeout(600)
@of_a_story
def test_a_job_is_made_from_its_offer_to_its_shipment(
    visit: Visit, work: BureauAtWork, look: Look, tmp_path: Path
) -> None:
    job_id = work.offered(2)
    work.offered(40, minutes_left=6)
    page = visit("/console/jobs", who="production")
    expect(page.get_by_role("heading", name="Łódź · 2 offers")).to_be_visible()
    assert_good(page, "jobs-queue", look)

    page.locator(".job-card", has_text="× 2").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Will you make it?")).to_be_visible()
    assert_good(page, "job-offer", look)
    press(page, "Accept")
    expect(page.get_by_text("Accepted: the job is yours.")).to_be_visible()
    assert_good(page, "job-accepted", look)

    with page.expect_download() as download:
        press(page, "Fetch the file")
    assert (
        hashlib.sha256(Path(download.value.path()).read_bytes()).hexdigest() == hashlib.sha256(work.content).hexdigest()
    )
    assert download.value.suggested_filename == "RL-0001-A.3mf"
    expect(page.get_by_role("heading", name="Ready to print")).to_be_visible()
    for place in ("#now", "#file"):
        expect(page.locator(place).get_by_text("Kept. Its SHA-256 is the released one.")).to_be_visible()
    assert_good(page, "job-fetched", look)
    work.made_old(job_id)

    press(page, "Printing begins")
    expect(page.get_by_role("heading", name="Report what came out")).to_be_visible()
    press(page, "Report prints")
    assert_good(page, "job-prints", look)
    page.get_by_label("What went wrong").fill("warped at the lug")
    press(page, "It failed")
    expect(page.get_by_text("Noted: the print failed.")).to_be_visible()
    press(page, "Report prints")
    page.get_by_label("How many came out good").fill("1")
    press(page, "Good: count it")
    expect(page.get_by_role("heading", name="A good part is missing")).to_be_visible()

    photo = tmp_path / "lug.png"
    photo.write_bytes(PHOTO)
    press(page, "Ask for a reprint")
    page.get_by_label("What went wrong").fill("warped at the lug")
    page.get_by_label("Photo of it").set_input_files(photo)
    assert_good(page, "job-reprint", look)
    press(page, "Ask for it")
    expect(page.get_by_role("heading", name="The owner decides about the reprint")).to_be_visible()
    assert_good(page, "job-waiting", look)

    owner = visit(f"/console/jobs/{job_id}", who="owner")
    assert_good(owner, "job-owner", look)
    press(owner, "Grant it")
    expect(owner.get_by_text("Granted.")).to_be_visible()

    page.goto(f"/console/jobs/{job_id}/prints")
    press(page, "Good: count it")
    expect(page.get_by_role("heading", name="All parts are made: inspect them")).to_be_visible()
    press(page, "Inspect")
    page.get_by_label("Photo").set_input_files(photo)
    assert_good(page, "job-inspection", look)
    press(page, "Report the inspection")
    expect(page.get_by_role("link", name="Say whether it is good.")).to_be_visible()
    page.get_by_label("It is good", exact=True).check()
    page.get_by_label("Photo").set_input_files(photo)
    press(page, "Report the inspection")
    expect(page.get_by_text("Passed.", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Released: pack and ship")).to_be_visible()
    assert_good(page, "job-released", look)

    press(page, "Pack and ship")
    page.get_by_label("Carrier").fill("DHL")
    page.get_by_label("Tracking number").fill("JD0146")
    page.get_by_label("Weight in grams").fill("480")
    assert_good(page, "job-packing", look)
    press(page, "Pack it")
    expect(page.get_by_role("link", name="Packing slip (PDF)")).to_be_visible()
    assert_good(page, "job-packed", look)
    slip = page.request.get(page.get_by_role("link", name="Packing slip (PDF)").get_attribute("href") or "")
    assert (slip.status, slip.body()[:5]) == (200, b"%PDF-")
    press(page, "The carrier has it")
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    assert_good(page, "job-shipped", look)
    assert state_of(work, job_id) == "shipped"


@both_widths
def test_other_terms_are_proposed_and_the_owner_takes_them(visit: Visit, work: BureauAtWork, look: Look) -> None:
    job_id = work.offered()
    page = visit(f"/console/jobs/{job_id}", who="production")
    press(page, "Propose…")
    page.get_by_label("Your price in EUR").fill("29,5x")
    press(page, "Propose this")
    expect(page.get_by_role("alert")).to_contain_text("Write the price in euros")
    assert_good(page, "job-propose", look)
    page.get_by_label("Your price in EUR").fill("29,50")
    page.get_by_label("Why").fill("much support to remove")
    press(page, "Propose this")
    expect(page.get_by_role("heading", name="Your terms are with the owner")).to_be_visible()
    expect(page.get_by_text("You asked for €29.50")).to_be_visible()

    owner = visit(f"/console/jobs/{job_id}", who="owner")
    expect(owner.get_by_text("much support to remove")).to_be_visible()
    assert_good(owner, "job-counter", look)
    press(owner, "Take these terms")
    expect(owner.get_by_text("Taken: the job is the node's on its terms.")).to_be_visible()

    expect(page.get_by_text("This job changed while the page was open: Fetch the file")).to_be_visible(timeout=20_000)
    assert work.table("SELECT state, price_minor FROM jobs") == [("accepted", 2_950)]


@both_widths
def test_an_offer_is_declined_with_a_reason(visit: Visit, work: BureauAtWork, look: Look) -> None:
    job_id = work.offered()
    page = visit("/console/jobs", who="production")
    press(page, "Decline…")
    press(page, "Decline")
    expect(page.get_by_role("alert")).to_contain_text("Choose why")
    page.get_by_label("Something else").check()
    press(page, "Decline")
    expect(page.get_by_role("alert")).to_contain_text("Say what is the matter")
    assert_good(page, "job-decline", look)
    page.get_by_label("The machine is down").check()
    press(page, "Decline")

    expect(page.get_by_text("Declined. Its line goes to another node.")).to_be_visible()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert_good(page, "jobs-empty", look)
    assert work.table("SELECT state, end_reason FROM jobs WHERE id = :it", it=job_id) == [("declined", "machine_down")]


@both_widths
def test_a_job_that_lapsed_while_its_page_was_open_says_so_and_what_to_do(
    visit: Visit, work: BureauAtWork, look: Look
) -> None:
    job_id = work.offered()
    looking = visit(f"/console/jobs/{job_id}", who="production")
    typing = visit(f"/console/jobs/{job_id}/propose", who="production")
    typing.get_by_label("Your price in EUR").fill("31")
    work.table(
        "UPDATE jobs SET state = 'lapsed', ended_at = :now, end_reason = 'not answered in time', version = version + 1"
        " WHERE id = :it RETURNING id",
        it=job_id,
        now=utc_now(),
    )

    expect(looking.get_by_text("This job changed while the page was open: This offer lapsed")).to_be_visible(
        timeout=20_000
    )
    expect(looking.get_by_role("button", name="Accept")).to_be_hidden()
    assert_good(looking, "job-lapsed-news", look)
    press(looking, "Show it as it is now")
    expect(looking.get_by_role("heading", name="This offer lapsed")).to_be_visible()
    assert_good(looking, "job-lapsed", look)

    press(typing, "Propose this")
    expect(typing.get_by_role("alert")).to_contain_text("This was not taken")
    expect(typing.get_by_text("Nothing of it is to be made.")).to_be_visible()
    press(typing, "See what else waits")
    expect(typing.get_by_text("Nothing waits for you")).to_be_visible()


@both_widths
def test_a_long_queue_is_read_stage_by_stage(visit: Visit, work: BureauAtWork, look: Look) -> None:
    given_many_jobs(work.console.engine, work.console.people.owner, 75)
    work.table("UPDATE jobs SET state = 'inspected' WHERE id IN ('job_1', 'job_2', 'job_3') RETURNING id")
    work.table("UPDATE jobs SET state = 'held', held_reason = 'EN9100 is revoked' WHERE id = 'job_4' RETURNING id")
    work.offered(minutes_left=12)
    page = visit("/console/jobs", who="production")
    titles = page.get_by_role("heading", level=2)
    expect(titles).to_have_text(["Offers 1", "Needs a look 1", "To make 71", "To ship 3"])
    expect(page.locator(".job-card")).to_have_count(1 + 1 + 20 + 3)
    assert_good(page, "jobs-many", look)

    page.get_by_role("link", name="51 more").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("To make")
    expect(page.locator(".job-card")).to_have_count(50)
    page.get_by_role("link", name="More", exact=True).click()
    expect(page.locator(".job-card")).to_have_count(21)
    expect(page.get_by_text("51 to 71 of 71")).to_be_visible()
    assert_good(page, "jobs-to-make", look)
    page.get_by_role("link", name="Most urgent").click()
    expect(page.get_by_text("1 to 50 of 71")).to_be_visible()


NAMES = (
    "Verriegelungshebelabdeckungsbaugruppe" * 3 + " links",
    "غطاء المضخة الهيدروليكية للخط الثاني",
    "油圧ポンプ用インペラカバー・左側・第二世代",
)


@pytest.mark.parametrize("name", NAMES, ids=("long", "right-to-left", "cjk"))
@both_widths
def test_long_names_and_names_of_other_scripts_are_whole(
    visit: Visit, work: BureauAtWork, look: Look, name: str
) -> None:
    job_id = work.offered(12_345)
    work.table("UPDATE parts SET name = :name RETURNING id", name=name)
    page = visit("/console/jobs", who="production")
    assert_good(page, f"jobs-queue-{NAMES.index(name)}", look)
    page.goto(f"/console/jobs/{job_id}")
    assert_good(page, f"job-offer-{NAMES.index(name)}", look)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_the_pages_are_light(visit: Visit, work: BureauAtWork) -> None:
    job_id = work.accepted(fetched=True)
    page = visit("/console/jobs", who="production")

    assert page_weight(page, f"{work.console.url}/console/jobs") < MOST_BYTES
    assert page_weight(page, f"{work.console.url}/console/jobs/{job_id}") < MOST_BYTES


def test_an_offer_whose_time_is_over_is_refused_in_words(work: BureauAtWork) -> None:
    job_id = work.offered()
    with surfing(work.console, "production") as client:
        page = client.get(f"/console/jobs/{job_id}")
        work.table("UPDATE jobs SET offer_until = :at WHERE id = :it RETURNING id",
                   at=utc_now() - timedelta(minutes=1), it=job_id)  # fmt: skip
        answer = client.post(f"/console/jobs/{job_id}/accept", data=hidden_fields(page, "accept"))

    assert answer.status_code == 409
    assert "its line goes to another node" in words_of(answer)
    assert "The time to answer is over" in words_of(answer)


def test_the_same_form_sent_twice_is_taken_once(work: BureauAtWork) -> None:
    job_id = work.accepted(3, fetched=True)
    with surfing(work.console, "production") as client:
        fields = hidden_fields(client.get(f"/console/jobs/{job_id}/prints"), "prints") | {"good": "2"}
        first, second = (client.post(f"/console/jobs/{job_id}/prints", data=fields) for _ in range(2))
        anew = fields | {"idempotency_key": "another"}
        third = client.post(f"/console/jobs/{job_id}/prints", data=anew)

    assert (first.status_code, second.status_code, third.status_code) == (303, 303, 303)
    assert work.table("SELECT good_prints, failed_prints FROM jobs") == [(2, 0)]


def test_more_good_prints_than_are_wanted_are_told_by_their_number(work: BureauAtWork) -> None:
    job_id = work.accepted(3, fetched=True)
    with surfing(work.console, "production") as client:
        fields = hidden_fields(client.get(f"/console/jobs/{job_id}/prints"), "prints") | {"good": "5"}
        answer = client.post(f"/console/jobs/{job_id}/prints", data=fields)

    assert answer.status_code == 422
    assert "Only 3 more are wanted: enter 3 or fewer." in words_of(answer)
    assert work.table("SELECT good_prints, failed_prints FROM jobs") == [(0, 0)]


def test_a_job_is_made_without_scripts(visit: Visit, work: BureauAtWork, tmp_path: Path) -> None:
    job_id = work.offered()
    page = visit("/console/jobs", who="production", scripts=False)
    press(page, "Accept")
    expect(page.get_by_text("Accepted: the job is yours.")).to_be_visible()
    with page.expect_download() as download:
        press(page, "Fetch the file")
    assert Path(download.value.path()).read_bytes() == work.content
    expect(page.get_by_text("shasum -a 256 RL-0001-A.3mf")).to_be_hidden()
    page.get_by_text("How to check a file by hand").click()
    expect(page.get_by_text("shasum -a 256 RL-0001-A.3mf")).to_be_visible()
    work.made_old(job_id)
    page.goto(f"/console/jobs/{job_id}/prints")
    press(page, "Good: count it")
    press(page, "Inspect")
    page.get_by_label("It is good", exact=True).check()
    press(page, "Report the inspection")
    press(page, "Pack and ship")
    page.get_by_label("Carrier").fill("DHL")
    page.get_by_label("Weight in grams").fill("480")
    press(page, "Pack it")
    press(page, "The carrier has it")

    expect(page.get_by_role("heading", name="On its way")).to_be_visible()
    assert state_of(work, job_id) == "shipped"


def test_an_open_page_keeps_a_job_and_shows_that_somebody_is_at_it(work: BureauAtWork) -> None:
    job_id = work.accepted()
    work.table("UPDATE jobs SET lease_until = now() + interval '1 minute' WHERE id = :it RETURNING id", it=job_id)
    with surfing(work.console, "production") as client:
        token = hidden_fields(client.get(f"/console/jobs/{job_id}"), "fetch")["csrf_token"]
        answer = client.post(f"/console/jobs/{job_id}/heartbeat", headers={"X-CSRF-Token": token})
        without = client.post(f"/console/jobs/{job_id}/heartbeat")

    assert (answer.status_code, without.status_code) == (204, 403)
    ((minutes,),) = work.table("SELECT extract(epoch FROM lease_until - now()) / 60 FROM jobs")
    assert round(float(str(minutes)), 1) == get_settings().lease_seconds / 60


def test_a_rivals_queue_and_jobs_are_unknown_and_who_only_looks_may_not_answer(work: BureauAtWork) -> None:
    job_id = work.offered()
    work.table("UPDATE nodes SET organisation_id = 'org_bureau' RETURNING id")
    with surfing(work.console, "production") as client:
        seen = [client.get(f"/console/jobs{path}").status_code for path in ("", "?node=N101", f"/{job_id}")]
    with surfing(work.console, "viewer") as client:
        page = client.get(f"/console/jobs/{job_id}")
        token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
        refused = client.post(f"/console/jobs/{job_id}/accept", data={"csrf_token": token})

    assert seen == [200, 404, 404]  # of its own it has none
    assert (page.status_code, f"{job_id}/accept" in page.text) == (200, False)
    assert "Your role does not allow this." in words_of(refused)
    assert refused.status_code == 403
