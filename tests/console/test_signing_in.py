"""People come in: by password, with a second factor, by a link; and out again."""

import pyotp
from playwright.sync_api import Page

from fabroute.database import unit_of_work
from fabroute.identity.service.people import second_factor, sessions
from fabroute.identity.service.people.second_factor import step_at
from fabroute.kernel.time import utc_now
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.people import PASSWORD, given_invitation


def test_placeholder(visit: Visit, console: ServedConsole) -> None:
    page = visit("/console/", who="owner")
    print(page.content())
