"""What a node and an owner answer about a job in the console, without a browser: each once by its form."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.production.service import PrintReport, report_print
from fabroute.production.service.phases.declining import Decline, decline_job
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.factories.console import ServedConsole
from tests.factories.console_jobs import BureauAtWork, a_bureau_at_work

PHOTO = ("lug.jpg", b"\xff\xd8 a photo", "image/jpeg")


@pytest.fixture
def work(console: ServedConsole) -> BureauAtWork:
    return a_bureau_at_work(console)


@pytest.fixture
def node(work: BureauAtWork) -> Iterator[httpx.Client]:
    """Somebody of the bureau."""
    with surfing(work.console, "production") as client:
        yield client


@pytest.fixture
def owner(work: BureauAtWork) -> Iterator[httpx.Client]:
    """Somebody of the owner."""
    with surfing(work.console, "owner") as client:
        yield client


def send(
    client: httpx.Client,
    page: str,
    form: str,
    action: str = "",
    *,
    photo: tuple[str, bytes, str] | None = None,
    more: Mapping[str, str] | None = None,
    **fields: str,
) -> httpx.Response:
    """Fill in a form of a page and send it to where it leads."""
    data = hidden_fields(client.get(page), form) | fields | dict(more or {})
    return client.post(action or page, data=data, files=None if photo is None else {"photo": photo})


def told(client: httpx.Client, answer: httpx.Response) -> str:
    """Return the words of the page that an answer leads to."""
    assert answer.status_code == 303, words_of(answer)
    return words_of(client.get(answer.headers["Location"]))


def printed(work: BureauAtWork, job_id: str, *results: str) -> None:
    with unit_of_work(work.console.engine) as session:
        for result in results:
            report = PrintReport(result=result)
            report_print(session, principal=work.bureau, job_id=job_id, report=report, now=utc_now())


def where(job_id: str, step: str = "") -> str:
    return f"/console/jobs/{job_id}{step}"


def test_a_first_article_is_sent_in_with_a_photo_and_approved_by_the_owner(
    work: BureauAtWork, node: httpx.Client, owner: httpx.Client
) -> None:
    job_id = work.accepted(2, fetched=True)
    work.table("UPDATE jobs SET first_article = true RETURNING id")
    one = told(node, send(node, where(job_id, "/prints"), "prints", good="1"))
    without = send(node, where(job_id, "/first-article"), "article", photo=("", b"", "application/octet-stream"))
    sent = told(node, send(node, where(job_id, "/first-article"), "article", photo=PHOTO, note="smooth"))
    refused = send(owner, where(job_id), "article", where(job_id, "/first-article-decision"), answer="again")
    approved = told(
        owner, send(owner, where(job_id), "article", where(job_id, "/first-article-decision"), answer="approve")
    )

    assert "Send the first article in" in one
    assert (without.status_code, "Add a photo or a report" in words_of(without)) == (422, True)
    assert "The first article is with the owner" in sent
    assert (refused.status_code, "Say why, in a few words" in words_of(refused)) == (422, True)
    assert "Approved." in approved
    assert work.table("SELECT state, first_article_approved_at IS NOT NULL FROM jobs") == [("in_production", True)]


def test_a_first_article_that_is_refused_is_made_anew(
    work: BureauAtWork, node: httpx.Client, owner: httpx.Client
) -> None:
    job_id = work.accepted(2, fetched=True)
    work.table("UPDATE jobs SET first_article = true RETURNING id")
    printed(work, job_id, "good")
    send(node, where(job_id, "/first-article"), "article", photo=PHOTO)
    page = where(job_id)
    answer = send(owner, page, "article", where(job_id, "/first-article-decision"), answer="again", reason="too rough")

    assert "Refused: the node is told." in told(owner, answer)
    assert "Report what came out" in words_of(node.get(page))


def test_a_node_that_fell_silent_says_that_it_is_at_it_or_the_owner_decides(
    work: BureauAtWork, node: httpx.Client, owner: httpx.Client
) -> None:
    first, second = work.accepted(), work.accepted()
    silent = (
        "UPDATE jobs SET state = 'suspect', suspect_from = 'accepted', suspect_since = :at WHERE id = :it RETURNING id"
    )
    for job_id in (first, second):
        work.table(silent, it=job_id, at=utc_now() - timedelta(hours=3))

    back = told(node, send(node, where(first), "still-here", where(first, "/still-here")))
    without_reason = send(owner, where(second), "suspicion", where(second, "/suspicion"), answer="wait")
    waiting = told(
        owner, send(owner, where(second), "suspicion", where(second, "/suspicion"), answer="wait", reason="on leave")
    )
    moved = told(
        owner, send(owner, where(second), "suspicion", where(second, "/suspicion"), answer="reroute", reason="urgent")
    )

    assert "Good: the job is still yours." in back
    assert (without_reason.status_code, "Say why" in words_of(without_reason)) == (422, True)
    assert "You wait on." in waiting
    assert "Its line is routed again" in moved
    assert work.table("SELECT state FROM jobs ORDER BY id") == [("accepted",), ("failed",)]
    assert "Make nothing more of it" in words_of(node.get(where(second)))


def test_a_node_that_is_asked_to_stop_agrees_or_goes_on(work: BureauAtWork, node: httpx.Client) -> None:
    stops, goes_on = work.accepted(fetched=True), work.accepted(fetched=True)
    work.table("UPDATE jobs SET cancel_requested_at = now(), cancel_reason = 'not needed' RETURNING id")

    page = words_of(node.get(where(stops)))
    stopped = told(node, send(node, where(stops), "stop", where(stops, "/stop"), answer="stop"))
    going = told(
        node, send(node, where(goes_on), "stop", where(goes_on, "/stop"), answer="go_on", reason="half printed")
    )

    assert ("You are asked to stop" in page, "not needed" in page) == (True, True)
    assert ("You stop: make nothing more of it." in stopped, "This job was cancelled" in stopped) == (True, True)
    assert "You go on: the owner is told." in going
    assert work.table("SELECT state FROM jobs ORDER BY id") == [("cancelled",), ("accepted",)]


def test_a_held_job_says_why_goes_on_when_the_proof_is_there_or_is_taken_back(
    work: BureauAtWork, node: httpx.Client, owner: httpx.Client
) -> None:
    goes_on, leaves = work.accepted(), work.accepted()
    work.table(
        "UPDATE jobs SET state = 'held', held_kind = 'gate', held_from = 'accepted', held_at = now(),"
        " held_reason = 'CERTIFICATE_MISSING: ISO9001' RETURNING id"
    )
    page = words_of(node.get(where(goes_on)))
    resumed = told(node, send(node, where(goes_on), "resume", where(goes_on, "/resume")))
    without = send(owner, where(leaves), "take-back", where(leaves, "/take-back"))
    taken = told(owner, send(owner, where(leaves), "take-back", where(leaves, "/take-back"), reason="too long"))

    assert ("Stop: this job is held" in page, "required certificate absent: ISO9001" in page) == (True, True)
    assert "Every proof is there again: go on." in resumed
    assert without.status_code == 422
    assert "Taken back: its line is routed again." in taken


def test_a_note_is_closed_by_the_owner_with_what_was_done(work: BureauAtWork, owner: httpx.Client) -> None:
    job_id = work.offered()
    said = Decline(reason="not_manufacturable", text="the wall is too thin")
    work.do(lambda s: decline_job(s, principal=work.bureau, job_id=job_id, decline=said, lease=None, now=utc_now()))
    ((note_id,),) = work.table("SELECT id FROM owner_notes")

    page = words_of(owner.get(where(job_id)))
    without = send(owner, where(job_id), "note", where(job_id, f"/notes/{note_id}"))
    closed = told(owner, send(owner, where(job_id), "note", where(job_id, f"/notes/{note_id}"), resolution="thicker"))

    assert "the wall is too thin" in page
    assert (without.status_code, "Say what was done about it." in words_of(without)) == (422, True)
    assert ("The note is closed." in closed, "A note from the node" in closed) == (True, False)
    assert work.table("SELECT state, resolution FROM owner_notes") == [("closed", "thicker")]


def test_a_dimensional_inspection_is_of_one_piece_and_the_limits_decide(work: BureauAtWork, node: httpx.Client) -> None:
    job_id = work.accepted(2, fetched=True)
    plan = (
        '[{"name": "bore", "kind": "dimension", "nominal_mm": 12.0, "lower_mm": 11.9, "upper_mm": 12.1},'
        ' {"name": "edge", "kind": "visual"}]'
    )
    work.table(
        "UPDATE part_revisions SET inspection_level = 'dimensional', inspection_plan = CAST(:plan AS jsonb)"
        " RETURNING id",
        plan=plan,
    )
    printed(work, job_id, "good", "good")
    page = where(job_id, "/inspection")
    seen = words_of(node.get(page))
    one, two = ({"print_number": number, "inspector": "Ada", "result": "pass", "value-1": "yes"} for number in "12")
    wrong = [send(node, page, "inspect", more=one | {"value-0": it}) for it in ("twelve", "nan", "1e2", "1_2", "٣")]
    no_print = send(node, page, "inspect", more=one | {"value-0": "12", "print_number": "9" * 5_000})
    failed = told(node, send(node, page, "inspect", more=one | {"value-0": "12,4"}))
    passed = told(node, send(node, page, "inspect", more=two | {"value-0": "12.05"}))

    assert ("each piece by itself" in seen, "from 11.9 to 12.1" in seen, "Print 1 Print 2" in seen) == (True,) * 3
    told_wrong = [(it.status_code, "Write millimetres, such as 12.05." in words_of(it)) for it in wrong]
    assert told_wrong == [(422, True)] * 5
    assert no_print.status_code == 422
    assert "It did not pass: bore 12.4 mm, limit 12.1." in failed
    assert "Passed." in passed


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (("virus.html", b"<script>", "text/html"), "Choose a photo, a PDF or a table: “virus.html” is none of these."),
        (("lug.jpg", b"<html>", "image/jpeg"), "“lug.jpg” is none of these."),
        (("tool.bin", b"MZ\x90\x00", "application/octet-stream"), "“tool.bin” is none of these."),
        (("scan.raw", b"\x00\x01\x02", "application/octet-stream"), "“scan.raw” can't be recognised."),
        (("empty.jpg", b"", "image/jpeg"), "The file is empty: choose another one."),
        (("", b"", "application/octet-stream"), "Choose a file."),
    ],
    ids=("a page", "a page called a photo", "a program", "anything", "nothing in it", "none"),
)
def test_what_is_no_photo_is_refused_at_its_field(
    work: BureauAtWork, node: httpx.Client, photo: tuple[str, bytes, str], words: str
) -> None:
    job_id = work.accepted()

    answer = send(node, where(job_id), "photo", where(job_id, "/evidence"), photo=photo)

    assert (answer.status_code, words in words_of(answer)) == (422, True)
    assert work.table("SELECT id FROM job_evidence") == []


def test_a_photo_that_is_sent_twice_is_one_and_is_seen_by_the_owner(
    work: BureauAtWork, node: httpx.Client, owner: httpx.Client
) -> None:
    job_id = work.accepted()
    for _ in range(2):
        assert "Added." in told(node, send(node, where(job_id), "photo", where(job_id, "/evidence"), photo=PHOTO))

    [(name, kind)] = work.table("SELECT name, kind FROM job_evidence")
    seen = owner.get(where(job_id, f"/evidence/{name}"))

    assert (str(name).endswith("-lug.jpg"), kind) == (True, "photo")
    assert (seen.status_code, seen.content, seen.headers["Content-Type"]) == (200, PHOTO[1], "image/jpeg")


def test_a_parcel_that_no_carrier_has_is_packed_anew(work: BureauAtWork, node: httpx.Client) -> None:
    job_id = work.accepted(fetched=True)
    work.table("UPDATE part_revisions SET inspection_level = 'none' RETURNING id")
    printed(work, job_id, "good")
    page = where(job_id, "/shipment")
    wrong = send(node, page, "ship", carrier="DHL", quantity="1", weight_grams="light")
    packed = told(node, send(node, page, "ship", carrier="DHL", quantity="1", weight_grams="480"))
    ((shipment_id,),) = work.table("SELECT id FROM shipments")
    unpacked = told(node, send(node, where(job_id), "unpack", where(job_id, f"/shipments/{shipment_id}/unpack")))

    assert (wrong.status_code, "Enter a whole number" in words_of(wrong)) == (422, True)
    assert "Packed: print the papers" in packed
    assert ("Taken back" in unpacked, "Released: pack and ship" in unpacked) == (True, True)


def test_a_job_that_a_program_of_the_node_holds_is_only_looked_at(work: BureauAtWork, node: httpx.Client) -> None:
    job_id = work.accepted()
    work.table("UPDATE jobs SET lease_kind = 'claim' RETURNING id")

    page = node.get(where(job_id))
    queue = words_of(node.get("/console/jobs"))

    assert "Your own program holds this job" in words_of(page)
    assert ("/file" in page.text.replace("/console/static", ""), "form-photo" in page.text) == (False, False)
    assert "Your own program holds this job" in queue


def test_a_bureau_without_a_node_is_told_so_and_the_operator_chooses_one(console: ServedConsole) -> None:
    with surfing(console, "production") as client:
        nothing = client.get("/console/jobs")
    work = a_bureau_at_work(console)
    work.offered()
    with surfing(console, "operator") as client:
        chosen = client.get("/console/jobs?node=N101")

    assert (nothing.status_code, "Your organisation has no node yet" in words_of(nothing)) == (200, True)
    assert "Łódź · 1 offer" in words_of(chosen)


def test_the_queue_is_sent_anew_only_when_it_went_on(work: BureauAtWork, node: httpx.Client) -> None:
    work.offered()
    ((version,),) = work.table("SELECT queue_version FROM nodes")
    part = {"HX-Request": "true"}

    same = node.get(f"/console/jobs?node=N101&seen={version}", headers=part)
    whole = node.get(f"/console/jobs?node=N101&seen={version}")
    work.offered()
    news = node.get(f"/console/jobs?node=N101&seen={version}", headers=part)

    assert (same.status_code, whole.status_code, news.status_code) == (204, 200, 200)
    assert "2 offers" in words_of(news)
