"""The Jobs screen's view models: what is to be done about a job, how far it is, amounts and days out of forms."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fabroute.api.errors import ValidationFailed
from fabroute.console.amounts import day_in, money_in
from fabroute.console.forms import Form
from fabroute.console.pages.jobs.job import settings_of, steps_of
from fabroute.console.pages.jobs.queue import card_of, groups_of
from fabroute.console.pages.jobs.stages import WORDS, stage_of
from fabroute.console.pages.jobs.stages import Stage as JobStage
from fabroute.production.service import JobView
from fabroute.production.service.claims import Stage, StagePage
from fabroute.production.states import JOB_STATES
from tests.factories.console_views import a_job_view, a_revision_view, a_shipment_view

NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stage(job: JobView, *, prepared: bool = False, asked: bool = False) -> JobStage:
    shipments = (a_shipment_view(),) if prepared else ()
    return stage_of(job, shipments=shipments, is_reprint_asked=asked, now=NOW)


def test_an_offer_is_answered_until_its_time_is_over_and_not_what_a_program_has_claimed() -> None:
    offer = a_job_view(state="offered", offer_until=NOW + HOUR)

    assert stage(offer) == "offer"
    assert stage(replace(offer, offer_until=NOW)) == "late_offer"
    assert stage(replace(offer, lease_id="lse_1", lease_kind="claim")) == "client"
    assert stage(replace(offer, state="countered")) == "countered"


def test_an_accepted_job_is_fetched_started_printed_inspected_and_shipped() -> None:
    job = a_job_view(state="accepted", quantity=2, lease_kind="hand", accepted_at=NOW)
    fetched = replace(job, file_released_at=NOW)
    printing = replace(fetched, state="in_production", started_at=NOW)

    assert (stage(job), stage(fetched), stage(printing)) == ("fetch", "start", "print")
    assert stage(replace(printing, good_prints=1, failed_prints=1)) == "reprint"
    assert stage(replace(printing, good_prints=1, failed_prints=1), asked=True) == "reprint_asked"
    assert stage(replace(printing, good_prints=1, failed_prints=1, granted_reprints=1)) == "print"
    assert stage(replace(printing, good_prints=2)) == "inspect"
    released = replace(printing, state="inspected", good_prints=2)
    assert (stage(released), stage(released, prepared=True)) == ("ship", "hand_over")
    assert stage(replace(released, state="shipped")) == "under_way"
    assert stage(replace(released, state="delivered")) == "arrived"


def test_what_stops_a_job_comes_before_what_is_to_be_done_next() -> None:
    job = a_job_view(state="in_production", lease_kind="hand", accepted_at=NOW)

    assert stage(replace(job, cancel_requested_at=NOW)) == "stop"
    assert stage(replace(job, state="suspect")) == "suspect"
    assert stage(replace(job, state="held", held_kind="gate")) == "held"
    assert stage(replace(job, state="held", held_kind="first_article")) == "submit"
    waiting = replace(job, state="held", held_kind="first_article", first_article_submitted_at=NOW)
    assert stage(waiting) == "approval"
    assert stage(replace(job, lease_kind="claim")) == "client"
    assert stage(replace(job, state="shipped", cancel_requested_at=NOW)) == "under_way"


@pytest.mark.parametrize("state", JOB_STATES)
def test_every_state_of_a_job_has_a_stage_with_words(state: str) -> None:
    words = WORDS[stage(a_job_view(state=state))]

    assert words.title
    assert words.words.endswith(".")


def test_the_way_of_a_job_says_where_it_is_and_how_much_is_made() -> None:
    job = a_job_view(state="in_production", quantity=3, accepted_at=NOW, started_at=NOW, good_prints=1)

    def told(job: JobView) -> list[tuple[str, str, str]]:
        return [(step.label, step.state, step.detail) for step in steps_of(job)]

    assert told(job) == [
        ("Offered", "done", ""),
        ("Accepted", "done", ""),
        ("Printing", "now", "1 of 3"),
        ("Released", "next", ""),
        ("Shipped", "next", ""),
        ("Delivered", "next", ""),
    ]
    assert [state for _, state, _ in told(a_job_view(state="offered"))] == ["now"] + ["next"] * 5
    assert told(replace(job, state="failed", ended_at=NOW))[2] == ("Printing", "failed", "1 of 3")
    arrived = replace(job, inspected_at=NOW, shipped_at=NOW, delivered_at=NOW, good_prints=3)
    assert {state for _, state, _ in told(arrived)} == {"done"}


def test_equal_settings_have_equal_hashes_and_others_have_others() -> None:
    job, revision = a_job_view(), a_revision_view()

    settings = settings_of(job, revision)

    assert settings.sha256 == "f878047f25357d516d500031eae0d63fa06bbc7d77ff02255acb1052b8d76334"
    assert settings_of(replace(job, quantity=9), revision) == settings
    assert settings_of(replace(job, material="PA11"), revision).sha256 != settings.sha256
    assert settings_of(job, replace(revision, qualified_orientation="x")).sha256 != settings.sha256


def test_stages_stand_in_the_order_of_what_is_urgent_and_say_where_their_others_are() -> None:
    offer = a_job_view(job_id="job_1", state="offered", offer_until=NOW + HOUR)
    work = a_job_view(job_id="job_2", state="accepted")
    pages: dict[Stage, StagePage] = {
        "making": StagePage(jobs=(work,), total=181),
        "offers": StagePage(jobs=(offer,), total=1),
    }

    offers, making = groups_of("N101", pages, {}, now=NOW)

    assert (offers.title, [card.job_id for card in offers.cards], offers.left) == ("Offers", ["job_1"], 0)
    assert (making.title, [card.job_id for card in making.cards], making.left) == ("To make", ["job_2"], 180)
    assert making.path == "/console/jobs?node=N101&stage=making"


def test_a_stage_by_itself_is_read_a_page_at_a_time() -> None:
    pages: dict[Stage, StagePage] = {"making": StagePage(jobs=(a_job_view(),) * 50, total=120)}
    (first,) = groups_of("N101", pages, {}, now=NOW)
    (second,) = groups_of("N101", pages, {}, now=NOW, first=50)
    (last,) = groups_of("N101", {"making": StagePage(jobs=(a_job_view(),) * 20, total=120)}, {}, now=NOW, first=100)

    assert [group.words for group in (first, second, last)] == [
        "1 to 50 of 120",
        "51 to 100 of 120",
        "101 to 120 of 120",
    ]
    assert [group.next_path for group in (first, second, last)] == [
        "/console/jobs?node=N101&stage=making&first=50",
        "/console/jobs?node=N101&stage=making&first=100",
        "",
    ]


def test_a_card_says_until_when_to_answer_and_who_holds_the_job() -> None:
    job = a_job_view(state="offered", offer_until=NOW + HOUR, part_no="RL-1", first_article=True)

    card = card_of(job, None, now=NOW)
    claimed = card_of(replace(job, lease_id="lse_1", lease_kind="claim", lease_until=NOW), None, now=NOW)

    assert (card.name, card.number, card.answer_by, card.can_answer) == ("RL-1", "RL-1", NOW + HOUR, True)
    assert card.note == "First article: one part first, the rest once it is approved"
    assert (claimed.answer_by, claimed.can_answer, claimed.note) == (NOW, False, "Your own program holds this job")
    assert card_of(replace(job, offer_until=NOW), None, now=NOW).can_answer is False


@pytest.mark.parametrize(
    ("written", "minor"),
    [("29", 2_900), ("29.5", 2_950), ("29,50", 2_950), ("1.234,50", 123_450), ("1,234.50", 123_450),
     ("€ 12", 1_200), ("1,234", 123_400), ("", None)],
)  # fmt: skip
def test_an_amount_is_read_with_comma_or_point(written: str, minor: int | None) -> None:
    assert money_in(Form(fields={"price": (written,)}), "price") == minor


@pytest.mark.parametrize("written", ["x", "0", "-3", "1e9999", "NaN", "29.505.1x"])
def test_what_is_no_amount_is_refused_at_its_field(written: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        money_in(Form(fields={"price": (written,)}), "price")

    assert [problem.pointer for problem in refusal.value.problems] == ["/price"]


def test_a_day_is_read_as_browsers_send_it() -> None:
    assert day_in(Form(fields={"day": ("2026-06-20",)}), "day") == date(2026, 6, 20)
    assert day_in(Form(), "day") is None
    with pytest.raises(ValidationFailed, match="year-month-day"):
        day_in(Form(fields={"day": ("20.6.",)}), "day")
