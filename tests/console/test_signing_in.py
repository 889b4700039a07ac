"""People come in: by password, with a second factor, by a link; and out again."""

import pyotp
from playwright.sync_api import expect

from fabroute.database import unit_of_work
from fabroute.identity.service.people import second_factor
from fabroute.kernel.time import utc_now
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, both_widths, every_look
from tests.factories.console import ServedConsole
from tests.factories.people import PASSWORD, given_invitation


@every_look
def test_somebody_signs_in_and_is_led_to_the_page_they_asked_for_and_signs_out(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    page = visit("/console/orders?state=routed")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert_good(page, "sign-in", look)
    page.get_by_label("E-mail address").fill(console.people.by_role["owner"].email)
    page.get_by_label("Password").fill("not it")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong")
    expect(page.get_by_label("E-mail address")).to_have_value(console.people.by_role["owner"].email)
    assert_good(page, "sign-in-refused", look)

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(f"{console.url}/console/orders?state=routed")
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/console/orders")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@both_widths
def test_with_a_second_factor_its_code_is_asked_for_after_the_password(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    person, sealer, now = console.people.by_role["buyer"], console.resources.people.sealer, utc_now()
    with unit_of_work(console.engine) as session:
        secret = second_factor.start_second_factor(session, person_id=person.person_id, sealer=sealer).secret
        code = second_factor.code_at(secret, second_factor.step_at(now) - 1)
        second_factor.confirm_second_factor(session, person_id=person.person_id, code=code, sealer=sealer, now=now)
    page = visit("/console/sign-in")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Code of your second factor")).to_be_focused()
    assert_good(page, "second-factor", look)
    assert PASSWORD not in page.content()
    page.get_by_label("Code of your second factor").fill("000000")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_visible()

    page.get_by_label("Code of your second factor").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_role("heading", name="Needs a person now")).to_be_visible()


@both_widths
def test_who_is_invited_joins_by_the_link_with_a_password_of_their_own(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    invited = given_invitation(
        console.engine, organisation_id=console.people.owner.organisation_id, email="new@example.com", role="viewer"
    )
    page = visit(f"/join#{invited.token}")
    expect(page.get_by_role("heading", name="Join")).to_be_visible()
    expect(page.get_by_label("Your link")).to_be_hidden()
    assert invited.token not in page.url
    page.get_by_label("New password").fill("password1234")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_good(page, "join-refused", look)

    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()

    expect(page.get_by_text("Welcome. You are signed in.")).to_be_visible()


def test_who_is_invited_joins_without_scripts_by_pasting_the_link(visit: Visit, console: ServedConsole) -> None:
    invited = given_invitation(
        console.engine, organisation_id=console.people.owner.organisation_id, email="new@example.com", role="viewer"
    )
    page = visit("/join", scripts=False)
    page.get_by_label("Your link").fill(f"{console.url}/join#{invited.token}")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()

    expect(page.get_by_text("Welcome. You are signed in.")).to_be_visible()


def test_signing_in_works_without_scripts_and_times_are_in_utc_then(visit: Visit, console: ServedConsole) -> None:
    page = visit("/console/account", who="owner", scripts=False)

    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.locator("time").first).to_contain_text("UTC")


def test_times_are_in_the_zone_of_the_browser(visit: Visit) -> None:
    page = visit("/console/account", who="owner")

    expect(page.get_by_text("Europe/Berlin")).to_be_visible()
    expect(page.locator("time").first).not_to_contain_text("UTC")


@both_widths
def test_each_kind_of_person_sees_the_places_they_may_go_to(visit: Visit, console: ServedConsole, look: Look) -> None:
    seen = {}
    for who in ("owner", "engineer", "bureau", "operator"):
        page = visit("/console/", who=who)
        seen[who] = page.get_by_role("navigation", name="Places").get_by_role("link").all_inner_texts()
    assert seen == {
        "owner": ["Start", "Orders", "Order a part", "Parts", "Network", "Decisions"],
        "engineer": ["Start", "Orders", "Parts", "Network", "Decisions"],
        "bureau": ["Jobs", "Network"],
        "operator": ["Start", "Jobs", "Network", "Decisions"],
    }


@every_look
def test_light_and_dark_are_a_choice_that_stays(visit: Visit, look: Look) -> None:
    page = visit("/console/account", who="owner", scripts=False)
    other = "Dark" if look.scheme == "light" else "Light"
    page.locator(".menu > summary").click()
    page.get_by_role("button", name=other).click()

    expect(page).to_have_url(page.url)
    assert page.locator("html").get_attribute("data-scheme") == other.lower()
    background = page.locator("body").evaluate("it => getComputedStyle(it).backgroundColor")
    assert background == ("rgb(19, 21, 23)" if other == "Dark" else "rgb(246, 245, 241)")
