"""Addresses that take a form alone: who opens one is led to where the form stands."""

from tests.console.browsing import surfing
from tests.factories.console import ServedConsole


def test_who_opens_the_address_of_the_readiness_form_is_led_to_the_parts(console: ServedConsole) -> None:
    with surfing(console, "owner") as client:
        answer = client.get("/console/readiness")
    with surfing(console) as stranger:
        asked = stranger.get("/console/readiness")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/parts")
    assert asked.status_code == 303
    assert asked.headers["Location"].startswith("/console/sign-in")
