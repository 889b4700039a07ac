"""Addresses as nobody is meant to ask for them: without the form that they take, with what no text holds."""

from tests.console.browsing import surfing
from tests.factories.console import ServedConsole


def test_a_search_with_what_no_text_holds_is_refused_with_words(console: ServedConsole) -> None:
    with surfing(console, "owner") as client:
        answer = client.get("/console/orders?text=%00")

    assert answer.status_code == 422
    assert "<h1" in answer.text


def test_who_opens_the_address_of_the_readiness_form_is_led_to_the_parts(console: ServedConsole) -> None:
    with surfing(console, "owner") as client:
        answer = client.get("/console/readiness")
    with surfing(console) as stranger:
        asked = stranger.get("/console/readiness")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/parts")
    assert asked.status_code == 303
    assert asked.headers["Location"].startswith("/console/sign-in")
